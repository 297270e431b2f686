"""Another amount came than was asked for: the two ways out, and what the books say."""

from decimal import Decimal

import pytest

from accounts.models import AuditEntry
from bookings.models import BookingStatus
from bookings.tests.factories import BookingFactory
from ledger.models import AccountRole
from ledger.services import balance_of, system_account
from payments.errors import GatewayDown, MismatchGone, OtherCurrency, PaymentNotFound
from payments.models import Payment, PaymentFlag, Refund
from payments.services import (
    carry_out_refund,
    check_payment,
    give_mismatch_back,
    keep_mismatch,
    start_payment,
)
from payments.tests.conformance.steps import begun
from payments.tests.steps import assert_sound


@pytest.fixture(params=["stripe_shop", "paypal_shop"])
def gateway(request):
    return request.getfixturevalue(request.param)


def came(gateway, **wrong) -> Payment:
    """An attempt of 200 USD for which the gateway took something else."""
    payment = begun(gateway)
    gateway.lie(payment, **wrong)
    gateway.pay(payment)
    payment = check_payment(payment_id=payment.pk)
    assert (payment.is_open, payment.flag) == (True, PaymentFlag.AMOUNT_MISMATCH)
    return payment


def held(role: str, gateway, currency: str = "USD") -> Decimal:
    detail = gateway.code if role == AccountRole.GATEWAY_CLEARING else ""
    return balance_of(system_account(role, currency, detail))


def books(gateway, currency: str = "USD") -> tuple[Decimal, Decimal]:
    """What is held for customers, and what is expected of the gateway."""
    return held(AccountRole.CUSTOMER_DEPOSITS, gateway, currency), held(AccountRole.GATEWAY_CLEARING, gateway, currency)


@pytest.mark.parametrize(
    ("wrong", "amount", "currency"),
    [({"amount": "150.00"}, 150, "USD"), ({"amount": "250.00"}, 250, "USD"), ({"currency": "EUR"}, 200, "EUR")],
)
def test_given_back(gateway, wrong, amount, currency):
    payment = came(gateway, **wrong)
    clerk = payment.booking.customer
    payment = give_mismatch_back(payment_id=payment.pk, reason="wrong page", actor=clerk)
    assert (payment.status, payment.amount, payment.currency, payment.flag) == ("PAID", amount, currency, "")
    assert books(gateway, currency) == (amount, amount)
    carry_out_refund(refund_id=Refund.objects.get().pk)
    payment.refresh_from_db()
    assert (payment.status, gateway.given(payment), books(gateway, currency)) == ("REFUNDED", [amount], (0, 0))
    booking = payment.booking
    booking.refresh_from_db()
    assert (booking.status, booking.amount_paid, booking.amount_due) == (BookingStatus.PENDING_PAYMENT, 0, 200)
    audit = AuditEntry.objects.get(action="payments.mismatch_given_back")
    assert (audit.actor_id, audit.reason) == (clerk.pk, "wrong page")
    assert_sound()
    again = begun(gateway, booking)
    gateway.pay(again)
    assert check_payment(payment_id=again.pk).status == "PAID"
    booking.refresh_from_db()
    assert (booking.status, booking.amount_paid) == (BookingStatus.CONFIRMED, 200)
    assert_sound()


def test_too_little_kept_and_the_rest_paid(gateway):
    payment = came(gateway, amount="150.00")
    payment = keep_mismatch(payment_id=payment.pk, reason="a slip", actor=None)
    assert (payment.status, payment.amount, payment.is_part) == ("PAID", 150, True)
    booking = payment.booking
    booking.refresh_from_db()
    assert (booking.status, booking.amount_paid, booking.amount_due) == (BookingStatus.PENDING_PAYMENT, 150, 50)
    assert (books(gateway), Refund.objects.count()) == ((150, 150), 0)
    assert_sound()
    rest = begun(gateway, booking)
    assert rest.amount == 50
    gateway.pay(rest)
    assert check_payment(payment_id=rest.pk).status == "PAID"
    booking.refresh_from_db()
    assert (booking.status, booking.amount_paid, booking.amount_due) == (BookingStatus.CONFIRMED, 200, 0)
    assert books(gateway) == (200, 200)
    assert_sound()


def test_too_much_kept_and_the_surplus_given_back(gateway):
    payment = came(gateway, amount="250.00")
    payment = keep_mismatch(payment_id=payment.pk, reason="a slip", actor=None)
    refund = Refund.objects.get()
    assert (refund.amount, refund.cause) == (50, f"surplus:{payment.pk}")
    payment.booking.refresh_from_db()
    assert payment.booking.status == BookingStatus.CONFIRMED
    carry_out_refund(refund_id=refund.pk)
    payment.refresh_from_db()
    assert (payment.status, payment.is_part, gateway.given(payment)) == ("PARTIALLY_REFUNDED", False, [50])
    payment.booking.refresh_from_db()
    assert (payment.booking.status, payment.booking.payment_status) == (BookingStatus.CONFIRMED, "PAID")
    assert books(gateway) == (200, 200)
    assert_sound()


def test_another_currency_cannot_be_kept(gateway):
    payment = came(gateway, currency="EUR")
    with pytest.raises(OtherCurrency):
        keep_mismatch(payment_id=payment.pk, reason="x", actor=None)
    payment.refresh_from_db()
    assert (payment.flag, books(gateway), books(gateway, "EUR")) == (PaymentFlag.AMOUNT_MISMATCH, (0, 0), (0, 0))


@pytest.mark.parametrize("decide", [give_mismatch_back, keep_mismatch])
def test_only_what_is_wrong_is_decided_on_and_once(gateway, decide):
    payment = came(gateway, amount="150.00")
    decide(payment_id=payment.pk, reason="x", actor=None)
    with pytest.raises(MismatchGone):
        decide(payment_id=payment.pk, reason="x", actor=None)
    sound = begun(gateway)
    with pytest.raises(MismatchGone):
        decide(payment_id=sound.pk, reason="x", actor=None)
    with pytest.raises(PaymentNotFound):
        decide(payment_id=sound.booking_id, reason="x", actor=None)
    assert_sound()


def test_the_gateway_must_be_there_to_decide(gateway, settings):
    payment = came(gateway, amount="150.00")
    gateway.disconnect(settings)
    with pytest.raises(GatewayDown):
        give_mismatch_back(payment_id=payment.pk, reason="x", actor=None)
    payment.refresh_from_db()
    assert (payment.flag, books(gateway)) == (PaymentFlag.AMOUNT_MISMATCH, (0, 0))


def test_a_mismatch_after_the_seats_are_gone_goes_back(stripe_shop):
    """Kept, but the booking cannot be given any more: all of it returns."""
    booking = BookingFactory()
    payment = start_payment(booking_id=booking.pk, gateway="stripe")
    stripe_shop.lie(payment, amount="250.00")
    stripe_shop.pay(payment)
    check_payment(payment_id=payment.pk)
    type(booking).objects.filter(pk=booking.pk).update(status=BookingStatus.CANCELLED)
    booking.events.create(action="status", new_status=BookingStatus.CANCELLED)
    keep_mismatch(payment_id=payment.pk, reason="x", actor=None)
    refunds = list(Refund.objects.values_list("amount", "cause"))
    assert refunds == [(250, f"late:{payment.pk}")]
