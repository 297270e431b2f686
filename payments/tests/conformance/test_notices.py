"""What gateways tell: in any order, any number of times, late, lost, or told by somebody else."""

import time
from functools import partial

import httpx
import pytest
from django.utils.timezone import now

from config.celery import app
from config.testing import run_together
from payments.errors import GatewayDown
from payments.models import Notice, NoticeStatus, Payment
from payments.services import sweep_inbox
from payments.tests.conformance.drivers import Told, also_in_own_form
from payments.tests.conformance.steps import again, begun, deposits, refunded
from payments.tests.steps import wait_until


def one_of(gateway, payment, **how):
    """The last thing it has to tell."""
    return gateway.notices(payment, **how)[-1]


def test_every_notice_twice(gateway):
    payment = begun(gateway)
    gateway.pay(payment)
    gateway.tell(payment, arranged=lambda told: [again for one in told for again in (one, one)])
    assert (again(payment).status, deposits(), gateway.taken(payment)) == ("PAID", 200, 200)
    assert payment.events.filter(new_status="PAID").count() == 1


def test_in_the_wrong_order(gateway):
    payment = begun(gateway)
    gateway.pay_slowly(payment)
    early = gateway.notices(payment)
    for told in early[:1]:
        gateway.post(told)
    gateway.settle(payment)
    late = gateway.notices(payment)
    for told in [*late[::-1], *early[::-1]]:
        gateway.post(told)
    gateway.tell(payment)
    assert (again(payment).status, deposits()) == ("PAID", 200)
    assert set(Notice.objects.values_list("status", flat=True)) <= {"DONE", "STALE", "IGNORED"}


def test_old_news_after_a_refund(gateway):
    """The whole story told again, backwards, after everything went back."""
    payment = begun(gateway)
    gateway.pay(payment)
    story = gateway.notices(payment, take=False)
    gateway.tell(payment)
    refunded(payment, "200")
    gateway.tell(payment)
    Notice.objects.all().delete()  # so that each is new
    for told in story[::-1]:
        assert gateway.post(told) == 200
    assert (again(payment).status, again(payment).flag, deposits()) == ("REFUNDED", "", 0)


@also_in_own_form
@pytest.mark.needs("notice_first")
def test_told_before_our_own_call_is_answered(gateway):
    """We do not know the gateway's id yet; its notice names ours."""
    gateway.order("create", "timeout_after" if gateway.code == "sandbox" else "pay_first", times=1)
    if gateway.code == "sandbox":
        with pytest.raises(GatewayDown):
            begun(gateway)
        payment = Payment.objects.get()
    else:
        payment = begun(gateway)
        early = gateway.notices(payment)
        Payment.objects.update(gateway_reference="", action={})
        payment.gateway_objects.all().delete()
        for told in early:
            assert gateway.post(told) == 200
    gateway.tell(payment)
    payment = again(payment)
    assert payment.gateway_reference
    assert payment.status == ("PENDING" if gateway.code == "sandbox" else "PAID")
    assert not Notice.objects.filter(status="FAILED").exists()


def test_forged(gateway):
    payment = begun(gateway)
    gateway.pay(payment)
    true = one_of(gateway, payment)
    for forged in (
        Told(true.type, true.body, {}),
        gateway.forged(true),
        gateway.signed_by_another(true),
        Told(true.type, true.body.replace(b"200", b"201"), true.headers),
        Told(true.type, true.body + b" ", true.headers),
        Told(true.type, b"", true.headers),
    ):
        assert gateway.post(forged) == 400
    assert (Notice.objects.count(), again(payment).status) == (0, "PENDING")
    assert gateway.post(true) == 200


def test_a_stale_signature(gateway):
    payment = begun(gateway)
    gateway.pay(payment)
    assert gateway.post(one_of(gateway, payment, take=False, age=5 * 24 * 3600)) == 400
    assert (Notice.objects.count(), again(payment).status) == (0, "PENDING")


def test_signed_but_untrue(gateway):
    """A notice is only a reason to ask: a success that it claims and nobody made changes nothing."""
    payment = begun(gateway)
    assert gateway.post(gateway.untrue_notice(payment)) == 200
    assert (Notice.objects.get().status, again(payment).status, deposits()) == (NoticeStatus.STALE, "PENDING", 0)


def test_about_a_payment_that_we_do_not_know(gateway):
    assert gateway.post(gateway.strange_notice()) == 200
    notice = Notice.objects.get()
    assert (notice.status, notice.error) == (NoticeStatus.FAILED, "unknown payment")
    assert notice.next_try_at > now()
    assert deposits() == 0


def test_the_gateway_cannot_say_just_now(gateway):
    payment = begun(gateway)
    gateway.pay(payment)
    gateway.order("fetch", "500", times=9)
    gateway.tell(payment)
    assert (again(payment).status, set(Notice.objects.values_list("status", flat=True))) == ("PENDING", {"FAILED"})
    gateway.reset()
    Notice.objects.update(next_try_at=now())
    sweep_inbox()
    assert (again(payment).status, deposits()) == ("PAID", 200)
    assert not Notice.objects.filter(status="FAILED").exists()


def test_the_worker_was_lost(gateway, monkeypatch):
    """Stored and answered, and then nobody took it up: the sweep does."""
    payment = begun(gateway)
    gateway.pay(payment)
    with monkeypatch.context() as patched:
        patched.setattr("payments.services.inbox.send_task", lambda *_rest: None)
        gateway.tell(payment)
        assert again(payment).status == "PENDING"
    Notice.objects.update(next_try_at=now())
    sweep_inbox()
    assert (again(payment).status, deposits()) == ("PAID", 200)


def test_fifty_at_once_over_http(gateway, live_server):
    payment = begun(gateway)
    gateway.pay(payment)
    told = one_of(gateway, payment)
    post = partial(
        httpx.post,
        f"{live_server.url}{gateway.url}",
        content=told.body,
        headers={**told.headers, "Content-Type": "application/json"},
        timeout=60,
    )
    answers = run_together(*[post] * 50)
    assert [answer.status_code for answer in answers] == [200] * 50
    assert sum(not answer.json()["repeated"] for answer in answers) == 1
    wait_until(lambda: not Notice.objects.filter(status="NEW").exists())
    gateway.tell(payment)
    assert (again(payment).status, deposits(), gateway.taken(payment)) == ("PAID", 200, 200)
    assert payment.events.filter(new_status="PAID").count() == 1


def test_answered_fast(gateway):
    """The answer does not wait for the gateway's own: it may be the one that is slow."""
    payment = begun(gateway)
    gateway.pay(payment)
    told = one_of(gateway, payment)
    app.conf.task_always_eager = False
    begun_at = time.monotonic()
    assert gateway.post(told) == 200
    assert time.monotonic() - begun_at < 0.5
    assert Notice.objects.get().status == NoticeStatus.NEW
