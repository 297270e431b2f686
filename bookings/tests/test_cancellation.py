from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from bookings import services
from bookings.errors import (
    AlreadyStarted,
    OverrideNotAllowed,
    ReasonRequired,
    RefundChanged,
)
from bookings.models import Booking, BookingStatus, HoldStatus
from bookings.tests.asking import counters
from bookings.tests.factories import (
    BookingFactory,
    ClerkFactory,
    move_in_time,
)
from config.errors import IllegalMove, InvalidInput
from notifications.models import Event
from tours.models import CancellationTier
from tours.tests.factories import CancellationPolicyFactory

pytestmark = pytest.mark.usefixtures("tenant")

S = BookingStatus


def policy(*tiers):
    return CancellationPolicyFactory(tiers=tiers)


@pytest.mark.parametrize(
    ("hours", "percent", "fee", "refund", "rule"),
    [
        (100, "100", "0.00", "200.00", "policy:72h"),
        (72.01, "100", "0.00", "200.00", "policy:72h"),
        (71.99, "50", "100.00", "100.00", "policy:24h"),
        (24.01, "50", "100.00", "100.00", "policy:24h"),
        (23.99, "0", "200.00", "0.00", "policy:none"),
    ],
)
def test_the_policy_decides_by_the_hours_left(hours, percent, fee, refund, rule):
    booking = BookingFactory(
        departure__option__tour__cancellation_policy=policy((72, 100), (24, 50)), status=S.CONFIRMED
    )
    move_in_time(booking, now() + timedelta(hours=hours), now() + timedelta(hours=hours + 4))
    booking.refresh_from_db()
    terms = services.cancellation_terms(booking)
    assert (terms["percent"], terms["fee"], terms["refund"], terms["rule"]) == (percent, fee, refund, rule)
    assert sum(Decimal(line["amount"]) for line in terms["lines"]) == Decimal(refund)
    assert {line["rule"] for line in terms["lines"]} == {"payments", rule}


def test_cancelling_frees_the_seats_keeps_the_fee_and_says_what_goes_back():
    booking = BookingFactory(departure__option__tour__cancellation_policy=policy((24, 75)), status=S.CONFIRMED)
    shown = services.cancellation_terms(booking)
    cancelled = services.cancel_booking(
        booking_id=booking.pk, actor=booking.customer, reason="ill", expected_refund=Decimal("150")
    )
    assert (cancelled.status, cancelled.cancel_reason, cancelled.cancellation) == (S.CANCELLED, "ill", shown)
    assert counters(booking) == (0, 0)
    assert booking.items.get().hold.status == HoldStatus.RELEASED
    fact = Event.objects.get(type="booking.cancelled")
    assert fact.data == {"refund": "150.00"}
    again = services.cancel_booking(booking_id=booking.pk, actor=booking.customer, reason="again")
    assert again.cancel_reason == "ill"
    assert Event.objects.filter(type="booking.cancelled").count() == 1


def test_what_was_agreed_counts_whatever_becomes_of_the_policy():
    booking = BookingFactory(status=S.CONFIRMED)
    CancellationTier.objects.update(refund_percent=0)
    booking.refresh_from_db()
    assert services.cancellation_terms(booking)["refund"] == "200.00"


def test_before_confirmation_everything_paid_comes_back():
    strict = {"departure__option__tour__cancellation_policy": policy()}
    unpaid, part = BookingFactory(**strict), BookingFactory(**strict, paid=Decimal(50))
    assert services.cancellation_terms(unpaid)["refund"] == "0.00"
    terms = services.cancellation_terms(part)
    assert (terms["refund"], terms["fee"], terms["rule"]) == ("50.00", "0.00", "not_confirmed")


def test_of_a_part_payment_the_fee_is_kept_first():
    booking = BookingFactory(
        departure__option__tour__cancellation_policy=policy((24, 50)),
        status=S.CONFIRMED,
        paid=Decimal(130),
        actor=ClerkFactory(),
    )
    terms = services.cancellation_terms(booking)
    assert (terms["paid"], terms["fee"], terms["refund"]) == ("130.00", "100.00", "30.00")


def test_another_refund_than_the_one_shown_is_refused():
    booking = BookingFactory(status=S.CONFIRMED)
    with pytest.raises(RefundChanged):
        services.cancel_booking(booking_id=booking.pk, actor=booking.customer, expected_refund=Decimal("199.99"))
    booking.refresh_from_db()
    assert booking.status == S.CONFIRMED


def test_going_against_the_policy_needs_permission_and_reason():
    booking = BookingFactory(departure__option__tour__cancellation_policy=policy(), status=S.CONFIRMED)
    may = ClerkFactory(permissions=["bookings.override_policy"])
    for actor, reason, percent, refused in (
        (booking.customer, "please", "100", OverrideNotAllowed),
        (None, "please", "100", OverrideNotAllowed),
        (ClerkFactory(), "please", "100", OverrideNotAllowed),
        (may, " ", "100", ReasonRequired),
        (may, "please", "100.5", InvalidInput),
        (may, "please", "-1", InvalidInput),
    ):
        with pytest.raises(refused):
            services.cancel_booking(booking_id=booking.pk, actor=actor, reason=reason, refund_percent=Decimal(percent))
    booking.refresh_from_db()
    assert booking.status == S.CONFIRMED
    cancelled = services.cancel_booking(
        booking_id=booking.pk, actor=may, reason="our fault", refund_percent=Decimal("33.33")
    )
    assert (cancelled.cancellation["refund"], cancelled.cancellation["rule"]) == ("66.66", "staff_override")


@pytest.mark.parametrize("status", [S.COMPLETED, S.IN_PROGRESS, S.EXPIRED, S.NO_SHOW])
def test_what_ended_is_not_cancelled(status):
    booking = BookingFactory(status=status)
    with pytest.raises(IllegalMove):
        services.cancel_booking(booking_id=booking.pk, actor=booking.customer)
    assert Booking.objects.get(pk=booking.pk).status == status


def test_what_started_is_not_cancelled():
    booking = BookingFactory(status=S.CONFIRMED)
    move_in_time(booking, now() - timedelta(minutes=1), now() + timedelta(hours=1))
    with pytest.raises(AlreadyStarted):
        services.cancel_booking(booking_id=booking.pk, actor=booking.customer)
