import re
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from bookings.models import BookingStatus
from bookings.services import cancel_booking
from bookings.tests.factories import BookingFactory, ClerkFactory, run_out
from config.testing import run_together
from ledger.models import AccountRole
from ledger.services import balance_of, system_account
from notifications.models import Event
from payments.errors import (
    AmountNotDue,
    NothingDue,
    NotPaidInCash,
    PaymentUnderWay,
    ReceiptUsed,
    RefundEnded,
    TimeToPayOver,
    UnknownGateway,
)
from payments.gateways.registry import offered_codes
from payments.models import Payment, PaymentStatus, Refund, RefundStatus
from payments.services import carry_out_refund, pay_out, refund_booking, start_payment, take_cash
from payments.tests.steps import assert_sound, begun, deposits, paid

pytestmark = pytest.mark.usefixtures("tenant")


def till():
    return balance_of(system_account(AccountRole.GATEWAY_CLEARING, "USD", "cash"))


def cash(booking, receipt="R-1", amount=None, actor=None):
    return take_cash(booking_id=booking.pk, amount=amount or booking.total, receipt=receipt, actor=actor)


def test_cash_confirms_the_booking_and_lies_in_the_till():
    clerk, booking = ClerkFactory(), BookingFactory()
    payment = cash(booking, actor=clerk)
    booking.refresh_from_db()
    assert (payment.status, payment.gateway, payment.captured_reference) == (PaymentStatus.PAID, "cash", "R-1")
    assert (booking.status, booking.amount_paid, payment.created_by_id) == (BookingStatus.CONFIRMED, 200, clerk.pk)
    assert (till(), deposits()) == (Decimal(200), Decimal(200))
    assert AuditEntry.objects.get(action="payments.cash.taken").after["receipt"] == "R-1"
    assert Event.objects.filter(type="booking.confirmed", subject_id=booking.pk).count() == 1
    assert_sound()


def test_the_same_receipt_again_is_the_same_payment_and_elsewhere_it_is_refused():
    booking, other = BookingFactory(), BookingFactory()
    assert cash(booking).pk == cash(booking).pk
    with pytest.raises(ReceiptUsed):
        cash(other)
    assert till() == Decimal(200)
    other.refresh_from_db()
    assert other.status == BookingStatus.PENDING_PAYMENT
    assert not Payment.objects.filter(booking=other).exists()


@pytest.mark.parametrize("amount", ["199.99", "200.01", "0.01"])
def test_only_what_is_due_is_taken(amount):
    with pytest.raises(AmountNotDue):
        cash(BookingFactory(), amount=Decimal(amount))
    assert till() == 0


def test_what_cannot_be_paid_is_refused():
    over, done = BookingFactory(), BookingFactory()
    run_out(over.items.get().hold)
    with pytest.raises(TimeToPayOver):
        cash(over)
    cash(done)
    with pytest.raises(NothingDue):
        cash(done, receipt="R-2")
    assert till() == Decimal(200)


def test_an_attempt_that_never_reached_its_gateway_yet_stands_in_the_way(monkeypatch):
    """What is under way elsewhere might still bring money: cash waits until its gateway has ended it."""
    payment = begun()
    asked = []
    monkeypatch.setattr("payments.services.cash.end_attempt", asked.append)
    with pytest.raises(PaymentUnderWay):
        cash(payment.booking)
    assert [one.pk for one in asked] == [payment.pk]
    assert till() == 0


def test_payers_are_not_offered_cash():
    assert "cash" not in offered_codes()
    with pytest.raises(UnknownGateway):
        start_payment(booking_id=BookingFactory().pk, gateway="cash")


def test_a_refund_of_cash_waits_until_it_was_paid_out():
    clerk, booking = ClerkFactory(), BookingFactory()
    cash(booking)
    cancel_booking(booking_id=booking.pk, actor=clerk)
    (refund,) = refund_booking(booking_id=booking.pk, amount=Decimal(200), cause="cancellation")
    refund = carry_out_refund(refund_id=refund.pk)
    assert (refund.status, till()) == (RefundStatus.PENDING, Decimal(200))
    done = pay_out(refund_id=refund.pk, receipt="OUT-7", actor=clerk)
    assert (done.status, done.gateway_reference, till(), deposits()) == (RefundStatus.SUCCEEDED, "OUT-7", 0, 0)
    assert pay_out(refund_id=refund.pk, receipt="OUT-7", actor=clerk).pk == refund.pk
    with pytest.raises(RefundEnded):
        pay_out(refund_id=refund.pk, receipt="OUT-8", actor=clerk)
    assert till() == 0
    assert AuditEntry.objects.filter(action="payments.cash.paid_out").count() == 1
    assert_sound()


def test_what_was_paid_at_a_gateway_is_not_paid_out_at_the_counter():
    payment = paid()
    (refund,) = refund_booking(booking_id=payment.booking_id, amount=Decimal(50), cause="staff")
    with pytest.raises(NotPaidInCash):
        pay_out(refund_id=refund.pk, receipt="OUT-1", actor=ClerkFactory())
    assert Refund.objects.get(pk=refund.pk).status == RefundStatus.PENDING


@pytest.mark.django_db(transaction=True)
def test_two_clerks_take_cash_for_one_booking_once():
    booking = BookingFactory()
    outcomes = run_together(*[lambda n=n: cash(booking, receipt=f"R-{n}") for n in range(4)])
    assert sorted(type(one).__name__ for one in outcomes) == ["NothingDue"] * 3 + ["Payment"]
    assert till() == Decimal(200)


@pytest.mark.django_db(transaction=True)
def test_one_receipt_is_used_once_by_two_bookings_at_once():
    bookings = [BookingFactory() for _n in range(4)]
    outcomes = run_together(*[lambda one=one: cash(one) for one in bookings])
    assert sorted(type(one).__name__ for one in outcomes) == ["Payment"] + ["ReceiptUsed"] * 3
    assert (Payment.objects.count(), till()) == (1, Decimal(200))


def test_staff_note_in_the_back_office_that_cash_was_paid_out(client):
    clerk = ClerkFactory(permissions=["payments.view_refund", "payments.view_payment", "payments.refund"])
    booking = BookingFactory()
    cash(booking)
    (refund,) = refund_booking(booking_id=booking.pk, amount=Decimal(200), cause="cancellation")
    page = reverse("admin:payments_refund_change", args=[refund.pk])
    client.force_login(ClerkFactory(permissions=["payments.view_refund"]))
    assert "pay_out" not in client.get(page).content.decode()
    client.force_login(clerk)
    assert client.get(page).status_code == 200
    answer = client.post(_action(client, page), {"_form_submitted": "True", "receipt": "OUT-1"})
    refund.refresh_from_db()
    assert answer.status_code in (200, 303)
    assert (refund.status, refund.gateway_reference) == (RefundStatus.SUCCEEDED, "OUT-1")


def _action(client, page):
    """The address of the page's button."""
    return re.search(r'(?:hx-get|hx-post|href)="([^"]*pay_out[^"]*)"', client.get(page).content.decode())[1]
