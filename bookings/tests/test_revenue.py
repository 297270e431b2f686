from decimal import Decimal

import pytest

from bookings import services
from bookings.models import BookingStatus
from bookings.tests.asking import pay
from bookings.tests.factories import (
    BookingFactory,
)
from ledger.models import AccountRole, Transaction
from ledger.services import balance_of, system_account
from tours.tests.factories import CancellationPolicyFactory, TaxRateFactory

pytestmark = pytest.mark.usefixtures("tenant")

S = BookingStatus


def policy(*tiers):
    return CancellationPolicyFactory(tiers=tiers)


def sums():
    roles = (AccountRole.CUSTOMER_DEPOSITS, AccountRole.REVENUE, AccountRole.TAX_PAYABLE)
    return tuple(balance_of(system_account(role, "USD")) for role in roles)


def test_a_trip_that_was_given_is_earned_with_its_tax_apart():
    booking = BookingFactory(departure__option__tour__tax=TaxRateFactory(percent=Decimal(14)), status=S.COMPLETED)
    # Captures are posted by payments: here deposits only go down.
    assert sums() == (Decimal(-200), Decimal("175.44"), Decimal("24.56"))
    assert Transaction.objects.get().reference == f"booking:{booking.pk}:earned"
    assert booking.amount_earned == Decimal(200)


def test_the_fee_is_earned_at_cancellation():
    booking = BookingFactory(departure__option__tour__cancellation_policy=policy((24, 75)), status=S.CANCELLED)
    assert sums() == (Decimal(-50), Decimal(50), 0)
    assert Transaction.objects.get().reference == f"booking:{booking.pk}:fee"
    pay(booking, "200", refunded="150")
    assert sums() == (Decimal(-50), Decimal(50), 0)


def test_what_is_given_back_later_is_not_earned_any_more():
    booking = BookingFactory(status=S.COMPLETED)
    pay(booking, "200", refunded="30")
    assert sums() == (Decimal(-170), Decimal(170), 0)
    pay(booking, "200", refunded="30")
    pay(booking, "200", refunded="50")
    assert sums() == (Decimal(-150), Decimal(150), 0)
    assert Transaction.objects.count() == 3
    booking.refresh_from_db()
    assert booking.amount_earned == Decimal(150)


def test_a_no_show_is_earned_and_taken_back():
    booking = BookingFactory(status=S.NO_SHOW)
    assert sums() == (Decimal(-200), Decimal(200), 0)
    services.confirm_booking(booking_id=booking.pk, actor=booking.customer, reason="wrong row")
    assert sums() == (0, 0, 0)
    services.mark_no_show(booking_id=booking.pk, actor=booking.customer)
    assert sums() == (Decimal(-200), Decimal(200), 0)
