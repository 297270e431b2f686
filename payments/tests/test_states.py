"""`apply_remote_state`, the only door to PAID: the table of moves, repeats, mismatches, and two at once."""

import threading
from decimal import Decimal
from functools import partial

import pytest
from django.db import transaction

from bookings.models import BookingStatus
from bookings.services import cancel_booking
from bookings.tests.factories import BookingFactory
from config.errors import IllegalMove
from config.testing import run_together
from ledger.models import Transaction
from notifications.models import Event
from payments.errors import PaymentNotFound
from payments.models import ALLOWED_MOVES, GatewayObject, Payment, PaymentFlag, PaymentStatus, Refund
from payments.services import apply_remote_state, states
from payments.tests.steps import assert_sound, begun, booking_of, deposits, paid, said, status_of

S = PaymentStatus

# How a gateway's word changes an attempt: (what it is, what the gateway says) → what it becomes.
BECOMES = {
    (S.PENDING, S.PENDING): S.PENDING,
    (S.PENDING, S.PROCESSING): S.PROCESSING,
    (S.PENDING, S.PAID): S.PAID,
    (S.PENDING, S.FAILED): S.FAILED,
    (S.PENDING, S.CANCELLED): S.CANCELLED,
    (S.PROCESSING, S.PENDING): S.PROCESSING,
    (S.PROCESSING, S.PROCESSING): S.PROCESSING,
    (S.PROCESSING, S.PAID): S.PAID,
    (S.PROCESSING, S.FAILED): S.FAILED,
    (S.PROCESSING, S.CANCELLED): S.CANCELLED,
    (S.FAILED, S.PENDING): S.FAILED,
    (S.FAILED, S.PROCESSING): S.PROCESSING,
    (S.FAILED, S.PAID): S.PAID,
    (S.FAILED, S.FAILED): S.FAILED,
    (S.FAILED, S.CANCELLED): S.FAILED,
    (S.CANCELLED, S.PENDING): S.CANCELLED,
    (S.CANCELLED, S.PROCESSING): S.PROCESSING,
    (S.CANCELLED, S.PAID): S.PAID,
    (S.CANCELLED, S.FAILED): S.CANCELLED,
    (S.CANCELLED, S.CANCELLED): S.CANCELLED,
    (S.PAID, S.PENDING): S.PAID,
    (S.PAID, S.PROCESSING): S.PAID,
    (S.PAID, S.PAID): S.PAID,
    (S.PAID, S.FAILED): S.PAID,
    (S.PAID, S.CANCELLED): S.PAID,
}


@pytest.mark.parametrize(("before", "told", "after"), [(*pair, after) for pair, after in BECOMES.items()])
def test_every_move(tenant, before, told, after):
    payment = begun()
    if before != S.PENDING:
        apply_remote_state(payment.pk, said(payment, before))
    assert apply_remote_state(payment.pk, said(payment, told)).status == after
    assert_sound()


def test_no_move_that_is_not_in_the_table(tenant):
    for before in S:
        for after in S:
            if after not in ALLOWED_MOVES[before]:
                payment = Payment(number="PAY-X", status=before)
                with pytest.raises(IllegalMove):
                    payment.move_to(after, reason="try")
                assert payment.status == before


def test_a_success_is_posted_once_and_confirms(tenant):
    payment = paid()
    for _ in range(3):
        apply_remote_state(payment.pk, said(payment, "PAID"))
    assert Transaction.objects.filter(reference=f"payment:{payment.pk}:captured").count() == 1
    assert Event.objects.filter(type="payment.paid").count() == 1
    assert Event.objects.filter(type="booking.confirmed").count() == 1
    assert deposits() == Decimal(200)
    assert booking_of(payment).status == BookingStatus.CONFIRMED
    assert booking_of(payment).events.filter(action="payment_paid").get().data["amount"] == "200.00"
    assert list(GatewayObject.objects.order_by("kind").values_list("kind", flat=True)) == ["capture", "payment"]
    assert payment.check_at is None
    assert_sound()


@pytest.mark.parametrize("wrong", [{"amount": Decimal("199.99")}, {"amount": Decimal(2000)}, {"currency": "EUR"}])
def test_another_amount_never_becomes_paid(tenant, wrong, caplog):
    payment = begun()
    for _ in range(2):
        apply_remote_state(payment.pk, said(payment, "PAID", **wrong))
    payment.refresh_from_db()
    assert (payment.status, payment.flag) == (S.PENDING, PaymentFlag.AMOUNT_MISMATCH)
    assert payment.events.filter(reason__startswith="AMOUNT_MISMATCH").count() == 1
    assert "AMOUNT_MISMATCH" in caplog.text
    assert payment.check_at is not None
    assert booking_of(payment).status == BookingStatus.PENDING_PAYMENT
    assert Transaction.objects.count() == 0
    assert_sound()


def test_a_success_after_we_gave_up_counts_and_is_flagged(tenant):
    payment = begun()
    apply_remote_state(payment.pk, said(payment, "CANCELLED"))
    payment = apply_remote_state(payment.pk, said(payment, "PAID"))
    assert (payment.status, payment.flag) == (S.PAID, PaymentFlag.LATE)
    assert booking_of(payment).status == BookingStatus.CONFIRMED


def test_money_for_a_cancelled_booking_goes_back(tenant):
    booking = BookingFactory()
    payment = begun(booking)
    cancel_booking(booking_id=booking.pk, actor=None, reason="changed plans")
    apply_remote_state(payment.pk, said(payment, "PAID"))
    refund = Refund.objects.get()
    assert (refund.amount, refund.cause, refund.status) == (Decimal(200), f"late:{payment.pk}", "PENDING")
    assert status_of(payment) == "PAID"
    assert_sound()


def test_two_attempts_never_stand_open(tenant):
    first = begun()
    apply_remote_state(first.pk, said(first, "CANCELLED"))
    second = begun(first.booking)
    apply_remote_state(first.pk, said(first, "PROCESSING"))
    assert (status_of(first), status_of(second)) == ("CANCELLED", "PENDING")


def test_a_refund_made_at_the_gateways_desk_is_flagged(tenant):
    payment = paid()
    apply_remote_state(payment.pk, said(payment, "PAID", refunded_amount=Decimal(50)))
    payment.refresh_from_db()
    assert payment.flag == PaymentFlag.UNKNOWN_REFUND


def test_unknown_payment(tenant, other_tenant):
    payment = begun()
    with pytest.raises(PaymentNotFound):
        apply_remote_state(payment.booking_id, said(payment, "PAID"))


def apply_slowly(payment: Payment) -> Payment:
    """Both callers stand inside at once before either goes on."""
    with transaction.atomic():
        return apply_remote_state(payment.pk, said(payment, "PAID"))


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_record_one_capture(tenant):
    payment = begun()
    outcomes = run_together(*[partial(apply_slowly, payment)] * 6)
    assert [outcome.status for outcome in outcomes] == ["PAID"] * 6
    assert payment.events.filter(new_status="PAID").count() == 1
    assert deposits() == Decimal(200)
    assert_sound()


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_they_clash(tenant, monkeypatch):
    """The same race with the locks taken away: the ledger's unique reference still lets only one through, by a crash."""

    def unlocked(payment_id):
        payment = Payment.objects.select_related("booking").get(pk=payment_id)
        barrier.wait(timeout=20)
        return payment

    barrier = threading.Barrier(3)
    monkeypatch.setattr(states, "lock_payment", unlocked)
    payment = begun()
    outcomes = run_together(*[partial(apply_slowly, payment)] * 3)
    assert payment.events.filter(new_status="PAID").count() != 1 or any(
        isinstance(outcome, Exception) for outcome in outcomes
    )
    assert deposits() == Decimal(200)  # the last guard: one reference, one posting
