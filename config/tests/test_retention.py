"""What has done its service goes after its time; what waits, was given up or is in dispute stays; nothing goes twice."""

from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings as configured
from django.utils.timezone import now

from accounts.models import InvariantReport
from config import metrics, retention
from config.ids import first_uuid7_at
from config.retention import forget_old
from config.tenancy import tenant_context
from config.testing import run_together
from config.testing.server import url_of_test_database
from notifications.errors import NothingLeftToSend
from notifications.mail import send_again
from notifications.models import Attachment, Delivery, Event, Message
from payments.errors import NoticeEmptied
from payments.models import Notice, Payment, PaymentFlag
from payments.services import replay_notice
from payments.services.states import note_dispute
from payments.tests.steps import assert_sound, begun

pytestmark = pytest.mark.usefixtures("tenant")


def days_ago(days):
    return now() - timedelta(days=days)


def fact(days, *statuses, subject=None):
    """A fact of so many days ago, with a delivery in each of these states."""
    event = Event.objects.create(
        id=UUID(int=first_uuid7_at(days_ago(days)).int + uuid4().int % 2**60),  # chance fills the last bits
        type="test.happened",
        occurred_at=days_ago(days),
        subject_type="x.y",
        subject_id=subject or uuid4(),
        expected_deliveries=len(statuses),
    )
    for number, status in enumerate(statuses):
        done = days_ago(days) if status == "DONE" else None
        Delivery.objects.create(event=event, subscriber=f"x.{number}", status=status, done_at=done)
    return event


def mail(days, status="SENT", subject=None):
    message = Message.objects.create(
        template="voucher",
        once_key=f"k:{uuid4()}",
        recipient="mona@example.com",
        language="en",
        subject="Your voucher",
        text="Dear Mona",
        html="<p>Dear Mona</p>",
        subject_id=subject,
        status=status,
        sent_at=days_ago(days) if status == "SENT" else None,
    )
    Attachment.objects.create(message=message, name="v.pdf", content_type="application/pdf", content=b"%PDF")
    return message


def notice(days, status="DONE", payment=None):
    return Notice.objects.create(
        gateway="sandbox",
        dedupe_key=f"evt:{uuid4()}",
        type="payment.pending",
        body=b'{"id": "evt"}',
        headers={"User-Agent": "Bank"},
        address="10.0.0.7",
        received_at=days_ago(days),
        status=status,
        done_at=None if status in {"NEW", "FAILED"} else days_ago(days),
        payment=payment,
    )


def left(model):
    return set(model.objects.values_list("pk", flat=True))


# --- Each kind ---


def test_facts_that_all_have_heard_go_with_their_deliveries():
    kept = {
        fact(179, "DONE"),
        fact(400, "DONE", "WAITING"),
        fact(400, "FAILED"),
        fact(10),
    }
    fact(181, "DONE", "DONE")
    fact(400)
    assert forget_old()["facts"] == 2
    assert left(Event) == {event.pk for event in kept}
    assert Delivery.objects.count() == 4
    assert forget_old()["facts"] == 0


def test_mails_lose_what_they_said_and_are_still_known():
    old, young, waiting, given_up = mail(401), mail(399), mail(0, "QUEUED"), mail(0, "FAILED")
    Message.objects.filter(pk__in=[waiting.pk, given_up.pk]).update(created_at=days_ago(900))
    assert (forget_old()["mail_texts"], forget_old()["mail_texts"]) == (1, 0)
    old.refresh_from_db()
    assert (old.status, old.text, old.html, bytes(old.attachments.get().content)) == ("SENT", "", "", b"")
    for other in (young, waiting, given_up):
        other.refresh_from_db()
        assert (other.text, bytes(other.attachments.get().content)) == ("Dear Mona", b"%PDF")
    with pytest.raises(NothingLeftToSend):
        send_again(old.pk)
    send_again(young.pk)


def test_notices_lose_their_body_and_are_still_known():
    old, young = notice(551), notice(549)
    waiting = [notice(900, "NEW"), notice(900, "FAILED")]
    ignored = notice(900, "IGNORED")
    assert (forget_old()["notices"], forget_old()["notices"]) == (2, 0)
    for emptied in (old, ignored):
        emptied.refresh_from_db()
        assert (bytes(emptied.body), emptied.headers, emptied.address) == (b"", {}, None)
    for whole in (young, *waiting):
        whole.refresh_from_db()
        assert (bytes(whole.body), whole.address) == (b'{"id": "evt"}', "10.0.0.7")
    with pytest.raises(NoticeEmptied):
        replay_notice(notice_id=old.pk, actor=None)
    old.refresh_from_db()
    assert old.status == "DONE"


def test_reports_of_the_nightly_proof_go():
    for days in (399, 401):
        report = InvariantReport.objects.create(is_clean=True, milliseconds=1)
        InvariantReport.objects.filter(pk=report.pk).update(ran_at=days_ago(days))
    assert (forget_old()["reports"], InvariantReport.objects.count()) == (1, 1)


def test_nothing_goes_that_is_said_of_a_dispute():
    payment, calm = begun(), begun()
    Payment.objects.filter(pk=payment.pk).update(flag="DISPUTED")
    proof = [fact(900, "DONE", subject=payment.pk), fact(900, "DONE", subject=payment.booking_id)]
    voucher, letter = mail(900, subject=payment.booking_id), notice(900, payment=payment)
    mail(900, subject=calm.booking_id), notice(900, payment=calm), fact(900, "DONE", subject=calm.pk)
    gone = forget_old()
    assert (gone["facts"], gone["mail_texts"], gone["notices"]) == (1, 1, 1)
    voucher.refresh_from_db(), letter.refresh_from_db()
    assert (voucher.text, bytes(letter.body)) == ("Dear Mona", b'{"id": "evt"}')
    assert {event.pk for event in proof} <= left(Event)
    Payment.objects.filter(pk=payment.pk).update(flag="")
    gone = forget_old()
    assert (gone["facts"], gone["mail_texts"], gone["notices"]) == (2, 1, 1)
    assert_sound()


def test_a_dispute_is_not_forgotten_over_the_next_trouble():
    """A payer who disputes is often paid back at the gateway's desk: the payment has one flag, and the later one stands there."""
    payment = begun()
    note_dispute(payment_id=payment.pk, is_over=False)
    Payment.objects.get(pk=payment.pk).raise_flag(PaymentFlag.UNKNOWN_REFUND)
    proof, voucher = fact(900, "DONE", subject=payment.booking_id), mail(900, subject=payment.booking_id)
    gone = forget_old()
    assert (gone["facts"], gone["mail_texts"], proof.pk in left(Event)) == (0, 0, True)
    voucher.refresh_from_db()
    assert voucher.text == "Dear Mona"


def test_what_staff_have_to_look_at_is_found_by_its_index():
    """It is asked for with each batch: among all payments ever made that would take longer than the batch."""
    with psycopg.connect(url_of_test_database(configured.DATABASE_OWNER_URL)) as owner:
        owner.execute("SET LOCAL enable_seqscan = off")
        owner.execute("DROP INDEX payment_by_time")  # of an empty table any index would do
        plan = owner.execute("EXPLAIN SELECT id FROM payments_payment WHERE NOT (flag = '')").fetchall()
        owner.rollback()
    assert "payment_flagged" in str(plan), plan


# --- As a job ---


def test_for_every_operator_and_never_where_the_days_are_none(other_tenant, settings):
    fact(181, "DONE"), mail(401)
    with tenant_context(other_tenant.pk):
        fact(181, "DONE"), mail(401)
    settings.KEEP_DAYS = {**settings.KEEP_DAYS, "mail_texts": 0}
    with tenant_context(None):
        gone = forget_old()
    assert (gone["facts"], gone["mail_texts"]) == (2, 0)
    with tenant_context(other_tenant.pk):
        assert Event.objects.count() == 0


def test_in_batches_and_no_more_at_once_than_is_good(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 4)
    for _number in range(5):
        fact(200, "DONE")
    assert [forget_old()["facts"] for _run in range(3)] == [4, 1, 0]


def test_a_run_ends_in_time_and_a_fault_in_one_kind_leaves_the_others(monkeypatch, caplog):
    fact(200, "DONE"), mail(500)
    monkeypatch.setattr(retention, "LONGEST_RUN", timedelta(seconds=-1))
    assert not any(forget_old().values())
    monkeypatch.undo()

    def broken(before, most):
        raise RuntimeError("no")

    kind = retention._of_tenants["facts"]
    monkeypatch.setitem(retention._of_tenants, "facts", retention.Kind("facts", kind.kept, broken))
    gone = forget_old()
    assert (gone["facts"], gone["mail_texts"]) == (0, 1)
    assert "old facts could not be let go of" in caplog.text


def test_what_went_is_counted():
    def counted():
        return metrics.FORGOTTEN.labels("facts")._value.get()

    before = counted()
    fact(200, "DONE"), fact(200, "DONE")
    forget_old()
    assert counted() == before + 2


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_share_the_work(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 5)
    for _number in range(40):
        fact(200, "DONE")
        mail(500)
    runs = run_together(forget_old, forget_old)
    assert all(isinstance(run, dict) for run in runs), runs
    again = forget_old()
    assert sum(run["facts"] for run in [*runs, again]) == 40
    assert sum(run["mail_texts"] for run in [*runs, again]) == 40
    assert (Event.objects.count(), Message.objects.exclude(html="").count()) == (0, 0)
