"""Money back: never more than was paid, never twice, and never forgotten."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils.timezone import now

from bookings.models import BookingStatus
from bookings.services import cancel_booking
from bookings.tests.factories import BookingFactory
from config.testing import run_together
from config.testing.server import free_port
from ledger.models import Transaction
from notifications.models import Event, Message
from payments.errors import NotRefundable, RefundCauseReused, RefundNotExact, RefundTooLarge
from payments.models import Payment, PaymentFlag, Refund, RefundStatus
from payments.services import (
    carry_out_refund,
    check_payment,
    refund_booking,
    refunds,
    request_refund,
    sweep_refunds,
)
from payments.tests.steps import (
    assert_sound,
    begun,
    booking_of,
    clearing,
    deposits,
    paid,
    started,
    status_of,
    wait_until,
)


@pytest.fixture
def taken(tenant, sandbox) -> Payment:
    """A payment of 200.00 that the gateway really holds."""
    payment = started()
    sandbox.act(payment.action["url"], "timeout")
    return check_payment(payment_id=payment.pk)


def asked(payment: Payment, amount: str, cause: str = "test") -> Refund:
    return request_refund(payment_id=payment.pk, amount=Decimal(amount), cause=cause, reason="goodwill", actor=None)


def given(sandbox, payment: Payment) -> list[dict]:
    return sandbox.api("GET", f"/v1/payments/{payment.gateway_reference}/refunds").json()["items"]


def test_part_and_rest(taken, sandbox):
    first = carry_out_refund(refund_id=asked(taken, "50", "a").pk)
    assert (first.status, status_of(taken)) == (RefundStatus.SUCCEEDED, "PARTIALLY_REFUNDED")
    assert (deposits(), clearing()) == (Decimal(150), Decimal(150))
    second = carry_out_refund(refund_id=asked(taken, "150", "b").pk)
    taken.refresh_from_db()
    assert (second.status, taken.status, taken.refunded_amount) == (RefundStatus.SUCCEEDED, "REFUNDED", Decimal(200))
    assert (deposits(), clearing()) == (0, 0)
    assert [refund["amount"] for refund in given(sandbox, taken)] == ["50.00", "150.00"]
    booking = booking_of(taken)
    assert (booking.amount_refunded, booking.payment_status) == (Decimal(200), "REFUNDED")
    assert booking.events.filter(action="refund_done").count() == 2
    assert Event.objects.filter(type="refund.done").count() == 2
    assert_sound()


@pytest.mark.parametrize(
    ("amount", "refusal"),
    [("200.01", RefundTooLarge), ("0", RefundNotExact), ("-5", RefundNotExact), ("1.005", RefundNotExact)],
)
def test_what_is_refused_changes_nothing(tenant, amount, refusal):
    payment = paid()
    with pytest.raises(refusal):
        asked(payment, amount)
    assert Refund.objects.count() == 0
    assert_sound()


def test_claims_count_before_they_are_done(tenant):
    payment = paid()
    asked(payment, "150", "a")
    with pytest.raises(RefundTooLarge) as raised:
        asked(payment, "50.01", "b")
    assert str(raised.value) == "Only 50.00 USD of this payment can still be refunded."
    asked(payment, "50", "c")


def test_what_was_not_paid_cannot_be_refunded(tenant):
    with pytest.raises(NotRefundable):
        asked(begun(), "1")


def test_one_cause_one_refund(tenant):
    payment = paid()
    assert asked(payment, "50").pk == asked(payment, "50").pk
    with pytest.raises(RefundCauseReused):
        asked(payment, "60")
    assert Refund.objects.count() == 1


def test_done_twice_is_done_once(taken, sandbox):
    refund = asked(taken, "50")
    for _ in range(3):
        carry_out_refund(refund_id=refund.pk)
    assert Transaction.objects.filter(reference=f"refund:{refund.pk}:done").count() == 1
    assert len(given(sandbox, taken)) == 1


@pytest.mark.parametrize("trouble", ["500", "timeout_before", "timeout_after", "down"])
def test_uncertain_waits_and_is_tried_under_the_same_key(taken, sandbox, settings, eager, trouble):
    settings.GATEWAY_READ_SECONDS = 0.3
    refund, url = asked(taken, "200"), settings.SANDBOX_URL
    if trouble == "down":
        settings.SANDBOX_URL = f"http://127.0.0.1:{free_port()}"
    else:
        sandbox.order("refund", trouble, times=3, seconds=1)
    carry_out_refund(refund_id=refund.pk)
    refund.refresh_from_db()
    assert (refund.status, refund.attempts) == (RefundStatus.PENDING, 1)
    assert now() < refund.next_try_at <= now() + timedelta(seconds=15)
    assert deposits() == Decimal(200)
    settings.SANDBOX_URL = url
    sandbox.heal()
    assert sweep_refunds() == 0
    Refund.objects.update(next_try_at=now())
    assert (sweep_refunds(), sweep_refunds()) == (1, 0)
    refund.refresh_from_db()
    assert (refund.status, refund.attempts, status_of(taken)) == (RefundStatus.SUCCEEDED, 2, "REFUNDED")
    assert len(given(sandbox, taken)) == 1
    assert_sound()


def test_a_refund_that_takes_its_time_is_followed(taken, sandbox):
    sandbox.order("refund", "pending", seconds=0.5)
    refund = carry_out_refund(refund_id=asked(taken, "50").pk)
    assert (refund.status, bool(refund.gateway_reference)) == (RefundStatus.PENDING, True)
    wait_until(lambda: given(sandbox, taken)[0]["status"] == "succeeded")
    Refund.objects.update(next_try_at=now())
    assert carry_out_refund(refund_id=refund.pk).status == RefundStatus.SUCCEEDED


def test_a_clear_no_is_shown_to_staff_and_may_be_tried_anew(taken, sandbox, caplog):
    sandbox.order("refund", "refuse")
    refund = carry_out_refund(refund_id=asked(taken, "200").pk)
    taken.refresh_from_db()
    assert (refund.status, taken.flag, taken.status) == (RefundStatus.FAILED, PaymentFlag.REFUND_FAILED, "PAID")
    assert "REFUND_FAILED" in caplog.text
    assert Event.objects.filter(type="refund.failed").count() == 1
    assert deposits() == Decimal(200)
    again = carry_out_refund(refund_id=asked(taken, "200", "second").pk)
    assert again.status == RefundStatus.SUCCEEDED
    assert_sound()


def test_a_cancelled_booking_gives_back_by_its_policy(tenant, sandbox, eager, django_capture_on_commit_callbacks):
    booking = BookingFactory(departure__option__tour__cancellation_policy__tiers=[(24, 60)])
    payment = started(booking)
    sandbox.act(payment.action["url"], "timeout")
    check_payment(payment_id=payment.pk)
    with django_capture_on_commit_callbacks(execute=True):
        cancel_booking(booking_id=booking.pk, actor=None, reason="changed plans")
    booking.refresh_from_db()
    refund = Refund.objects.get()
    assert (refund.amount, refund.status) == (Decimal(120), RefundStatus.SUCCEEDED)
    assert refund.cause == f"cancellation:{booking.pk}:{payment.pk}"
    assert (booking.status, booking.payment_status, booking.amount_refunded) == (
        BookingStatus.CANCELLED,
        "PARTIALLY_REFUNDED",
        Decimal(120),
    )
    assert deposits() == 0  # the fee is earned
    mail = Message.objects.get(template="refunded")
    assert "$120.00" in mail.subject
    assert_sound()


def test_told_twice_a_booking_gives_back_once(tenant):
    payment = paid()
    for _ in range(2):
        refund_booking(booking_id=payment.booking_id, amount=Decimal(80), cause="cancellation")
    assert [refund.amount for refund in Refund.objects.all()] == [Decimal(80)]


def test_more_than_is_left_gives_what_is_left(tenant, caplog):
    payment = paid()
    asked(payment, "150", "goodwill")
    refund_booking(booking_id=payment.booking_id, amount=Decimal(80), cause="cancellation")
    assert sorted(refund.amount for refund in Refund.objects.all()) == [Decimal(50), Decimal(150)]
    assert "finds no payment" in caplog.text


def ask_and_carry_out(payment: Payment, cause: str) -> Refund:
    return carry_out_refund(refund_id=asked(payment, "150", cause).pk)


@pytest.mark.django_db(transaction=True)
def test_two_refunds_at_once_never_exceed_the_payment(transactional_db, taken, sandbox, eager):
    outcomes = run_together(*[partial(ask_and_carry_out, taken, f"race {n}") for n in range(3)])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Refund", "RefundTooLarge", "RefundTooLarge"]
    assert [refund["amount"] for refund in given(sandbox, taken)] == ["150.00"]
    assert deposits() == Decimal(50)
    assert_sound()


@pytest.mark.django_db(transaction=True)
def test_control_without_the_check_they_exceed_it(transactional_db, tenant, monkeypatch):
    """With the check taken away more is claimed than was paid, and the proof names it: the race above can fail."""
    monkeypatch.setattr(refunds, "_refuse_refund", lambda payment, amount: None)
    payment = paid()
    run_together(*[partial(asked, payment, "150", f"race {n}") for n in range(3)])
    assert sum(refund.amount for refund in payment.refunds.all()) == Decimal(450)
    with pytest.raises(AssertionError, match="never more than was paid"):
        assert_sound()


@pytest.mark.django_db(transaction=True)
def test_one_refund_in_six_workers_is_one_refund(transactional_db, taken, sandbox):
    refund = asked(taken, "80")
    run_together(*[partial(carry_out_refund, refund_id=refund.pk)] * 6)
    assert len(given(sandbox, taken)) == 1
    assert Transaction.objects.filter(reference=f"refund:{refund.pk}:done").count() == 1
    assert deposits() == Decimal(120)
    assert_sound()


@pytest.mark.django_db(transaction=True)
def test_a_notice_ends_a_refund_that_took_its_time(shop, sandbox):
    payment = started()
    sandbox.act(payment.action["url"], "approve")
    wait_until(lambda: status_of(payment) == "PAID")
    payment.refresh_from_db()
    sandbox.order("refund", "pending", seconds=0.5)
    refund = asked(payment, "50")
    wait_until(lambda: Refund.objects.get(pk=refund.pk).status == RefundStatus.SUCCEEDED)
    assert status_of(payment) == "PARTIALLY_REFUNDED"
    assert wait_until(lambda: Message.objects.filter(template="refunded").first()).recipient == "mona@example.com"
    assert_sound()


def test_a_sign_of_one_refund_leaves_another_that_is_not_sent_alone(taken, sandbox):
    done, unsent = carry_out_refund(refund_id=asked(taken, "50", "a").pk), asked(taken, "30", "b")
    assert refunds.ask_after_refund(refund_id=unsent.pk).status == RefundStatus.PENDING
    assert refunds.ask_after_refund(refund_id=done.pk).status == RefundStatus.SUCCEEDED
    assert carry_out_refund(refund_id=unsent.pk).status == RefundStatus.SUCCEEDED
