"""From the first step to the money, whatever the payer does."""

from decimal import Decimal
from functools import partial

import pytest
from httpx import HTTPError

from bookings.models import BookingStatus
from bookings.services import cancel_booking
from bookings.tests.factories import BookingFactory
from config.testing import run_together
from ledger.tests.factories import ExchangeRateFactory
from payments.errors import AmountNotTaken, CurrencyNotTaken, PaymentUnderWay
from payments.models import Payment, PaymentFlag
from payments.services import check_payment, start_payment
from payments.tests.conformance.drivers import also_in_own_form
from payments.tests.conformance.steps import (
    again,
    begun,
    clearing,
    come_back,
    deposits,
    kept_there,
    paid,
    run_out,
    sweep,
)
from tours.models import Departure
from tours.tests.factories import DepartureFactory


@also_in_own_form
def test_paid(gateway):
    payment = begun(gateway)
    assert payment.action["type"] == ("client_secret" if gateway.own_form else "redirect")
    gateway.pay(payment)
    gateway.tell(payment)
    payment = again(payment)
    assert (payment.status, payment.flag, payment.booking.status) == ("PAID", "", BookingStatus.CONFIRMED)
    assert (deposits(), clearing(gateway), gateway.taken(payment)) == (200, 200, 200)
    assert payment.captured_reference
    assert not payment.check_at


def test_paid_and_the_payer_comes_back_before_any_notice(gateway):
    payment = begun(gateway, return_url="/thanks")
    gateway.pay(payment)
    answer = come_back(payment)
    assert (answer.status_code, answer["Location"]) == (303, f"/thanks?payment={payment.pk}&status=PAID")
    gateway.tell(payment)
    assert (again(payment).status, deposits(), gateway.taken(payment)) == ("PAID", 200, 200)


@also_in_own_form
def test_paid_and_nobody_tells(gateway):
    """The notice is lost and the payer never comes back."""
    payment = begun(gateway)
    gateway.pay(payment)
    gateway.notices(payment)
    sweep()
    assert (again(payment).status, deposits(), gateway.taken(payment)) == ("PAID", 200, 200)


@also_in_own_form
def test_declined_then_paid(gateway):
    payment = begun(gateway)
    gateway.decline(payment)
    gateway.tell(payment)
    first = again(payment)
    assert (first.status, first.booking.status) == (gateway.after_a_refused_card, BookingStatus.PENDING_PAYMENT)
    assert (deposits(), gateway.taken(first)) == (0, 0)
    if first.status == "FAILED":
        assert first.failure_code
    second = begun(gateway, first.booking)
    assert (second.pk == first.pk) == (first.status == "PENDING")
    gateway.pay(second)
    gateway.tell(second)
    assert (again(second).status, again(second).booking.status) == ("PAID", BookingStatus.CONFIRMED)
    assert (deposits(), kept_there(gateway, second)) == (200, 200)


@also_in_own_form
def test_abandoned(gateway):
    payment = begun(gateway)
    come_back(payment)
    assert again(payment).status == "PENDING"
    run_out(payment.booking)
    sweep()
    payment = again(payment)
    assert (payment.status, payment.booking.status, payment.check_at) == ("CANCELLED", BookingStatus.EXPIRED, None)
    gateway.tell(payment)
    assert (again(payment).status, deposits()) == ("CANCELLED", 0)


def test_agreed_to_after_the_end_costs_nothing(gateway):
    """Whoever agrees on a page that was left open after we gave up: either it is closed, or the money is not taken."""
    payment = begun(gateway)
    run_out(payment.booking)
    sweep()
    assert again(payment).status == "CANCELLED"
    if "pays_late" in gateway.CANNOT:
        gateway.pay(payment)
    else:
        with pytest.raises((HTTPError, AssertionError)):
            gateway.pay(payment)
    gateway.tell(payment)
    come_back(payment)
    assert (again(payment).status, gateway.taken(payment), deposits()) == ("CANCELLED", 0, 0)


@also_in_own_form
def test_slow_money_comes(gateway):
    payment = begun(gateway)
    gateway.pay_slowly(payment)
    gateway.tell(payment)
    sweep()
    assert (again(payment).status, deposits()) == ("PROCESSING", 0)
    gateway.settle(payment)
    gateway.tell(payment)
    assert (again(payment).status, again(payment).booking.status) == ("PAID", BookingStatus.CONFIRMED)
    assert (deposits(), gateway.taken(payment)) == (200, 200)


@also_in_own_form
@pytest.mark.needs("slow_failure")
def test_slow_money_does_not_come(gateway):
    payment = begun(gateway)
    gateway.pay_slowly(payment)
    gateway.tell(payment)
    assert again(payment).status == "PROCESSING"
    gateway.fail(payment)
    gateway.tell(payment)
    payment = again(payment)
    assert (payment.status, payment.booking.status) == ("FAILED", BookingStatus.PENDING_PAYMENT)
    assert payment.failure_code
    assert (deposits(), gateway.taken(payment)) == (0, 0)
    second = paid(gateway, payment.booking)
    assert (second.pk != payment.pk, deposits()) == (True, 200)


def test_late_money_wins_the_seats_again(gateway):
    payment = begun(gateway)
    gateway.pay_slowly(payment)
    gateway.tell(payment)
    run_out(payment.booking)
    sweep()
    assert (again(payment).status, again(payment).booking.status) == ("PROCESSING", BookingStatus.EXPIRED)
    gateway.settle(payment)
    gateway.tell(payment)
    assert (again(payment).status, again(payment).booking.status) == ("PAID", BookingStatus.CONFIRMED)
    departure = Departure.objects.get(items__booking=payment.booking)
    assert (departure.seats_held, departure.seats_booked) == (0, 2)


def test_late_money_without_seats_goes_back(gateway):
    departure = DepartureFactory(capacity=2)
    payment = begun(gateway, BookingFactory(departure=departure))
    gateway.pay_slowly(payment)
    gateway.tell(payment)
    run_out(payment.booking)
    BookingFactory(departure=departure)  # takes the last seats
    gateway.settle(payment)
    gateway.tell(payment)
    payment = again(payment)
    assert (payment.status, payment.booking.status) == ("REFUNDED", BookingStatus.REFUNDED)
    assert (deposits(), clearing(gateway), kept_there(gateway, payment)) == (0, 0, 0)


@also_in_own_form
def test_paid_twice(gateway):
    """A second attempt is paid, and then the first one too, which we had given up."""
    first = begun(gateway)
    Payment.objects.filter(pk=first.pk).update(status="CANCELLED", check_at=None)
    first.events.create(new_status="CANCELLED")
    second = begun(gateway, first.booking)
    assert second.pk != first.pk
    gateway.pay(second)
    gateway.tell(second)
    gateway.pay(first)
    gateway.tell(first)
    assert again(second).status == "PAID"
    assert again(first).status in {"REFUNDED", "CANCELLED"}  # given back, or never taken
    assert (deposits(), kept_there(gateway, first, second)) == (200, 200)
    assert again(second).booking.status == BookingStatus.CONFIRMED


def test_a_second_attempt_while_the_first_succeeds(gateway):
    payment = begun(gateway)
    gateway.pay(payment)
    same = begun(gateway, payment.booking)
    assert same.pk == payment.pk
    gateway.tell(payment)
    assert (Payment.objects.count(), deposits(), gateway.taken(payment)) == (1, 200, 200)


@also_in_own_form
def test_another_way_to_pay_ends_the_first(gateway, settings, sandbox_process):
    """The payer turns to another gateway: the first attempt is ended at its own before the other begins."""
    if gateway.code == "sandbox":
        pytest.skip("the sandbox is the other one here")
    settings.SANDBOX_URL = sandbox_process.url
    first = begun(gateway)
    second = start_payment(booking_id=first.booking_id, gateway="sandbox")
    assert (again(first).status, second.gateway, second.status) == ("CANCELLED", "sandbox", "PENDING")


def test_another_way_to_pay_comes_too_late(gateway, settings, sandbox_process):
    """The payer has paid, and asks for another way before we know: no second attempt begins."""
    if gateway.code == "sandbox":
        pytest.skip("the sandbox is the other one here")
    settings.SANDBOX_URL = sandbox_process.url
    first = begun(gateway)
    gateway.pay_slowly(first)
    gateway.tell(first)
    with pytest.raises(PaymentUnderWay):
        start_payment(booking_id=first.booking_id, gateway="sandbox")
    gateway.settle(first)
    gateway.tell(first)
    assert (again(first).status, Payment.objects.count(), deposits()) == ("PAID", 1, 200)


def test_cancelling_races_the_payment(gateway):
    payment = begun(gateway)
    gateway.pay(payment)
    cancel = partial(cancel_booking, booking_id=payment.booking_id, actor=None, reason="changed plans")
    run_together(cancel, partial(gateway.tell, payment), partial(check_payment, payment_id=payment.pk))
    gateway.tell(payment)
    sweep(2)
    booking = again(payment).booking
    assert booking.status == BookingStatus.CANCELLED
    assert kept_there(gateway, payment) == booking.amount_paid - booking.amount_refunded == deposits()
    assert again(payment).status in {"CANCELLED", "REFUNDED"}


def test_eight_at_once_take_the_money_once(gateway):
    payment = begun(gateway)
    gateway.pay(payment)
    outcomes = run_together(*[partial(check_payment, payment_id=payment.pk)] * 8)
    assert all(getattr(outcome, "status", "") == "PAID" for outcome in outcomes), outcomes
    assert payment.events.filter(new_status="PAID").count() == 1
    assert (deposits(), gateway.taken(payment)) == (200, 200)


@pytest.mark.parametrize(
    ("currency", "rate", "amount"), [("JPY", "25", "5000"), ("KWD", "0.3072", "61.44"), ("EUR", "0.91", "182")]
)
def test_amounts_in_the_currencys_own_units(gateway, currency, rate, amount):
    if currency == gateway.takes_no:
        pytest.skip(f"{gateway.code} does not take {currency}")
    ExchangeRateFactory(quote__code=currency, rate=Decimal(rate))
    payment = paid(gateway, BookingFactory(currency=currency))
    assert (payment.currency, payment.amount) == (currency, Decimal(amount))
    assert gateway.taken(payment) == deposits(currency) == Decimal(amount)


def test_a_currency_that_is_not_taken(gateway):
    if not gateway.takes_no:
        pytest.skip(f"{gateway.code} takes every currency that Rihla's demo data has")
    ExchangeRateFactory(quote__code=gateway.takes_no, rate=Decimal("0.5"))
    with pytest.raises(CurrencyNotTaken):
        begun(gateway, BookingFactory(currency=gateway.takes_no))
    assert not Payment.objects.exists()


def test_an_amount_that_is_too_fine_is_refused_not_rounded(gateway):
    if gateway.too_fine is None:
        pytest.skip(f"{gateway.code} takes amounts as they are")
    amount, currency = gateway.too_fine
    ExchangeRateFactory(quote__code=currency, rate=Decimal(amount) / 200)
    with pytest.raises(AmountNotTaken):
        begun(gateway, BookingFactory(currency=currency))
    assert not Payment.objects.exists()


@also_in_own_form
@pytest.mark.needs("lie")
@pytest.mark.parametrize("wrong", [{"amount": "199.99"}, {"amount": "2000.00"}, {"currency": "EUR"}])
def test_another_amount_or_currency_is_never_paid(gateway, wrong):
    payment = begun(gateway)
    gateway.lie(payment, **wrong)
    gateway.pay(payment)
    gateway.tell(payment)
    come_back(payment)
    sweep()
    payment = again(payment)
    assert (payment.status in {"PENDING", "PROCESSING"}, payment.flag) == (True, PaymentFlag.AMOUNT_MISMATCH)
    assert (payment.booking.status, deposits(), deposits("EUR")) == (BookingStatus.PENDING_PAYMENT, 0, 0)


@pytest.mark.needs("dispute")
def test_a_dispute_is_shown_to_staff(gateway):
    payment = paid(gateway)
    gateway.dispute(payment)
    gateway.tell(payment)
    assert (again(payment).status, again(payment).flag) == ("PAID", PaymentFlag.DISPUTED)
