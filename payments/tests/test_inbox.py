"""The inbox: only what the gateway signed comes in, once, and whatever it says, the gateway is asked."""

import json
import time
import uuid
from datetime import timedelta
from decimal import Decimal
from functools import partial

import httpx
import pytest
from django.db import OperationalError
from django.utils.timezone import now

from config.testing import run_together
from config.testing.server import free_port, serving
from payments.dashboard import red_flags
from payments.models import Notice, NoticeStatus, PaymentFlag
from payments.sandbox.signing import sign
from payments.services import process_notice, replay_notice, sweep_inbox
from payments.services.inbox import forged_today
from payments.tests.steps import assert_sound, deposits, started, status_of, wait_until
from payments.views import notices

URL = "/api/v1/payments/webhooks/sandbox"


def notice_of(payment=None, type_: str = "payment.succeeded", **other) -> bytes:
    reference = str(payment.pk) if payment else str(uuid.uuid4())
    about = {"id": f"sbp_{reference}", "reference": reference, "amount": "200.00", "currency": "USD", **other}
    event_id = f"sbe_{uuid.uuid4().hex}"
    return json.dumps(
        {"id": event_id, "type": type_, "created_at": now().isoformat(), "data": {"payment": about}}
    ).encode()


def tell(client, settings, body: bytes, *, signature: str | None = None, url: str = URL):
    signature = sign(settings.SANDBOX_SIGNING_KEY, body) if signature is None else signature
    headers = {"Sandbox-Signature": signature} if signature else {}
    return client.post(url, body, content_type="application/json", headers=headers)


def test_stored_first_then_answered(tenant, client, settings):
    body = notice_of()
    answer = tell(client, settings, body)
    assert (answer.status_code, answer.json()) == (200, {"received": True, "repeated": False})
    notice = Notice.objects.get()
    assert (bytes(notice.body), notice.status, notice.type) == (body, NoticeStatus.NEW, "payment.succeeded")
    assert "Sandbox-Signature" in notice.headers
    again = tell(client, settings, body)
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    assert Notice.objects.count() == 1


def test_what_is_not_signed_lately_stays_out(tenant, client, settings):
    body, key = notice_of(), settings.SANDBOX_SIGNING_KEY
    for forged in (
        "",
        "t=1,v1=00",
        sign("another key", body),
        sign(key, body, int(time.time()) - 600),
        sign(key, body.replace(b"200.00", b"1.00")),
        "v1=" + "0" * 64,
    ):
        answer = tell(client, settings, body, signature=forged)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "signature_invalid")
    assert Notice.objects.count() == 0
    assert forged_today() == 6


def test_the_door_has_a_width(tenant, client, settings):
    assert tell(client, settings, b"{" + b" " * (256 * 1024) + b"}").status_code == 413
    assert tell(client, settings, b"x" * (2 * 1024 * 1024)).status_code == 413
    for malformed in (b"not json", b"[]", b"{}", b'{"id": "x", "data": null}'):
        answer = tell(client, settings, malformed)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "malformed_notice")
    unknown = tell(client, settings, notice_of(), url="/api/v1/payments/webhooks/gold")
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, "unknown_gateway")
    assert client.get(URL).status_code == 405
    assert Notice.objects.count() == 0


def test_where_it_is_not_allowed_the_sandbox_is_not_heard(tenant, client, settings):
    settings.ALLOW_SANDBOX = False
    assert tell(client, settings, notice_of()).status_code == 404


def test_a_notice_goes_to_the_tenant_that_its_address_names(tenant, other_tenant, client, settings):
    assert tell(client, settings, notice_of(), url=f"{URL}?tenant=other").status_code == 200
    assert Notice.objects.count() == 0
    assert tell(client, settings, notice_of(), url=f"{URL}?tenant=nobody").status_code == 404


def stored(client, settings, body: bytes) -> Notice:
    assert tell(client, settings, body).status_code == 200
    return Notice.objects.latest("received_at")


def test_a_notice_is_not_believed(tenant, sandbox, client, settings):
    """Signed, and a lie all the same: the gateway, asked, says that nobody has paid."""
    payment = started()
    notice = stored(client, settings, notice_of(payment))
    process_notice(notice_id=notice.pk)
    notice.refresh_from_db()
    assert (notice.status, notice.payment_id) == (NoticeStatus.STALE, payment.pk)
    assert status_of(payment) == "PENDING"


def test_a_wrong_amount_is_flagged(tenant, sandbox, client, settings):
    payment = started()
    sandbox.act(payment.action["url"], "approve")
    type(payment).objects.filter(pk=payment.pk).update(amount=Decimal(100))
    process_notice(notice_id=stored(client, settings, notice_of(payment)).pk)
    payment.refresh_from_db()
    assert (payment.status, payment.flag) == ("PENDING", PaymentFlag.AMOUNT_MISMATCH)
    assert deposits() == 0


def test_unknown_types_are_ignored(tenant, client, settings):
    notice = stored(client, settings, notice_of(type_="dispute.sung"))
    process_notice(notice_id=notice.pk)
    notice.refresh_from_db()
    assert (notice.status, notice.next_try_at) == (NoticeStatus.IGNORED, None)


def test_an_unknown_payment_is_waited_for_a_day(tenant, sandbox, client, settings, caplog):
    notice = stored(client, settings, notice_of())
    for attempt, seconds in ((1, 10), (2, 20), (3, 40)):
        Notice.objects.update(next_try_at=now())
        process_notice(notice_id=notice.pk)
        notice.refresh_from_db()
        assert (notice.status, notice.attempts, notice.error) == (NoticeStatus.FAILED, attempt, "unknown payment")
        assert timedelta(seconds=seconds - 2) < notice.next_try_at - now() <= timedelta(seconds=seconds)
    assert process_notice(notice_id=notice.pk) is None  # its next try has not come
    Notice.objects.update(received_at=now() - timedelta(hours=25), next_try_at=now())
    process_notice(notice_id=notice.pk)
    notice.refresh_from_db()
    assert notice.status == NoticeStatus.IGNORED
    assert "do not know" in caplog.text


def test_a_notice_that_is_faster_than_we_are_is_done_later(tenant, sandbox, client, settings):
    payment = started()
    sandbox.act(payment.action["url"], "timeout")
    early = notice_of(payment).replace(str(payment.pk).encode(), str(uuid.uuid4()).encode())
    notice = stored(client, settings, early)
    process_notice(notice_id=notice.pk)
    assert Notice.objects.get(pk=notice.pk).status == NoticeStatus.FAILED
    known = json.loads(early)["data"]["payment"]["id"]
    payment.gateway_objects.create(gateway="sandbox", kind="charge", remote_id=known)  # now we know what it means
    Notice.objects.update(next_try_at=now())
    process_notice(notice_id=notice.pk)
    assert (Notice.objects.get(pk=notice.pk).status, status_of(payment)) == (NoticeStatus.DONE, "PAID")


@pytest.mark.parametrize("trouble", ["500", "timeout_before", "down"])
def test_a_gateway_in_trouble_is_asked_again(tenant, sandbox, client, settings, trouble, eager):
    settings.GATEWAY_READ_SECONDS = 0.3
    payment, url = started(), settings.SANDBOX_URL
    sandbox.act(payment.action["url"], "timeout")
    notice = stored(client, settings, notice_of(payment))
    if trouble == "down":
        settings.SANDBOX_URL = f"http://127.0.0.1:{free_port()}"
    else:
        sandbox.order("fetch", trouble, times=3, seconds=1)
    process_notice(notice_id=notice.pk)
    notice.refresh_from_db()
    assert (notice.status, notice.attempts, status_of(payment)) == (NoticeStatus.FAILED, 1, "PENDING")
    assert notice.error
    settings.SANDBOX_URL = url
    sandbox.heal()
    assert sweep_inbox() == 0  # not yet
    Notice.objects.update(next_try_at=now())
    assert (sweep_inbox(), sweep_inbox()) == (1, 0)
    notice.refresh_from_db()
    assert (notice.status, notice.error, status_of(payment)) == (NoticeStatus.DONE, "", "PAID")
    assert_sound()


def test_a_lost_task_loses_nothing(tenant, sandbox, client, settings, eager):
    payment = started()
    sandbox.act(payment.action["url"], "timeout")
    stored(client, settings, notice_of(payment))  # in a test nothing is committed: no task is sent
    assert sweep_inbox() == 1
    assert status_of(payment) == "PAID"


def test_staff_take_a_notice_up_again(tenant, sandbox, client, settings, django_capture_on_commit_callbacks, eager):
    payment = started()
    notice = stored(client, settings, notice_of(payment))
    process_notice(notice_id=notice.pk)
    sandbox.act(payment.action["url"], "timeout")
    with django_capture_on_commit_callbacks(execute=True):
        replay_notice(notice_id=notice.pk, actor=None)
    assert (Notice.objects.get().status, status_of(payment)) == (NoticeStatus.DONE, "PAID")


@pytest.mark.django_db(transaction=True)
def test_one_notice_fifty_times_at_once(tenant, sandbox, settings):
    payment = started()
    sandbox.act(payment.action["url"], "timeout")
    body = notice_of(payment)
    headers = {"Sandbox-Signature": sign(settings.SANDBOX_SIGNING_KEY, body), "Content-Type": "application/json"}
    with serving(SANDBOX_URL=sandbox.url, CELERY_TASK_ALWAYS_EAGER="true") as address:
        post = partial(httpx.post, f"{address}{URL}", content=body, headers=headers, timeout=60)
        answers = run_together(*[post] * 50)
        assert [getattr(answer, "status_code", answer) for answer in answers] == [200] * 50
        assert sum(not answer.json()["repeated"] for answer in answers) == 1
        notice = Notice.objects.get(type="payment.succeeded")
        wait_until(lambda: Notice.objects.get(pk=notice.pk).status == NoticeStatus.DONE)
    assert payment.events.filter(new_status="PAID").count() == 1
    assert deposits() == Decimal(200)
    assert_sound()


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_work_on_one_notice(tenant, sandbox, client, settings):
    payment = started()
    sandbox.act(payment.action["url"], "timeout")
    notice = stored(client, settings, notice_of(payment))
    outcomes = run_together(*[partial(process_notice, notice_id=notice.pk)] * 4)
    assert sum(outcome is not None for outcome in outcomes) == 1
    notice.refresh_from_db()
    assert (notice.status, notice.attempts) == (NoticeStatus.DONE, 1)


def test_a_database_that_is_down_is_a_503_and_the_gateway_comes_again(tenant, client, settings, monkeypatch):
    def fail(**rest):
        raise OperationalError("the database is down")

    monkeypatch.setattr(notices, "store_notice", fail)
    answer = tell(client, settings, notice_of())
    assert (answer.status_code, answer.json()["error_code"]) == (503, "unavailable")
    assert "database is down" not in answer.content.decode()


def test_forged_notices_show_on_the_dashboard(tenant, client, settings, rf):
    assert [figure.tone for figure in red_flags(rf.get("/")).figures] == ["good"]
    tell(client, settings, notice_of(), signature="t=1,v1=00")
    assert [(figure.value, figure.tone) for figure in red_flags(rf.get("/")).figures] == [(1, "bad")]
