"""A deposit and its balance through each gateway: 2 adults at 100, a quarter down."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from bookings.models import Booking, BookingStatus
from bookings.services import cancel_booking
from bookings.tests.factories import BookingFactory
from payments.errors import NoDeposit
from payments.models import Payment, Refund
from payments.services import start_payment, sweep_refunds
from payments.tests.conformance.drivers import also_in_own_form
from payments.tests.conformance.steps import again, begun, clearing, deposits, kept_there
from tours.models import DepositRule
from tours.tests.factories import DepartureFactory


def booked():
    departure = DepartureFactory(starts_at=now().replace(microsecond=0) + timedelta(days=60))
    DepositRule.objects.create(tour=departure.tour, amount=Decimal(25))
    return BookingFactory(departure=departure)


def told_paid(gateway, payment):
    gateway.pay(payment)
    gateway.tell(payment)
    return again(payment)


@also_in_own_form
def test_the_deposit_confirms_and_the_balance_is_paid_later(gateway):
    booking = booked()
    first = begun(gateway, booking, deposit=True)
    assert first.amount == 50
    first = told_paid(gateway, first)
    assert (first.status, first.is_part, first.booking.status) == ("PAID", True, BookingStatus.CONFIRMED)
    assert (deposits(), clearing(gateway), gateway.taken(first)) == (50, 50, 50)
    with pytest.raises(NoDeposit):
        start_payment(booking_id=booking.pk, gateway=gateway.code, deposit=True)
    rest = begun(gateway, first.booking)
    assert rest.amount == 150
    rest = told_paid(gateway, rest)
    assert (rest.booking.payment_status, rest.booking.amount_due, deposits()) == ("PAID", 0, 200)
    assert kept_there(gateway, first, rest) == 200


def test_the_payer_changes_their_mind_between_all_and_a_part(gateway):
    """The attempt for the other amount is ended at the gateway first: only one can be paid."""
    booking = booked()
    whole = begun(gateway, booking)
    part = begun(gateway, booking, deposit=True)
    assert (whole.amount, part.amount, part.pk == whole.pk) == (200, 50, False)
    assert Payment.objects.filter(booking=booking, status__in=["PENDING", "PROCESSING"]).count() == 1
    assert told_paid(gateway, part).booking.status == BookingStatus.CONFIRMED


def test_what_the_policy_gives_back_of_deposit_and_balance(gateway):
    """Half of the price comes back: 100 of the 200 that were paid, from the deposit first."""
    booking = booked()
    booking.trip.tour.cancellation_policy.tiers.update(refund_percent=50)
    Booking.objects.filter(pk=booking.pk).update(
        policy={**booking.policy, "tiers": [{"hours_before": 24, "refund_percent": "50"}]}
    )
    first = told_paid(gateway, begun(gateway, booking, deposit=True))
    rest = told_paid(gateway, begun(gateway, first.booking))
    cancelled = cancel_booking(booking_id=booking.pk, actor=booking.customer)
    assert cancelled.cancellation["refund"] == "100.00"
    sweep_refunds()
    assert sorted(Refund.objects.values_list("amount", flat=True)) == [50, 50]
    assert kept_there(gateway, first, rest) == 100
