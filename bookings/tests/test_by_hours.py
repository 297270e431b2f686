"""By opening hours guests come when they like: until closing a booking can move or be cancelled, its hours count from there."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from bookings import services, wording
from bookings.errors import AlreadyStarted, NotMovable
from bookings.models import Attendance, Booking, BookingStatus
from bookings.services import offers
from bookings.tests.factories import BookingFactory, ClerkFactory
from config.invariants import check_all
from tours.models import Departure
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")
S = BookingStatus


def clerk():
    return ClerkFactory(permissions=["bookings.change_booking", "bookings.check_in", "bookings.cancel"])


def open_day(opened=-2, closes=6, **more):
    """A museum: open since two hours, for six more; half comes back until three hours beforehand."""
    moment = now().replace(microsecond=0)
    closing = moment + timedelta(hours=closes)
    day = DepartureFactory(
        any_time=True, starts_at=moment + timedelta(hours=opened), ends_at=closing, cutoff_at=closing, **more
    )
    day.tour.cancellation_policy.tiers.all().delete()
    day.tour.cancellation_policy.tiers.create(hours_before=3, refund_percent=50)
    return day


def booked(day):
    return BookingFactory(departure=day, status=S.CONFIRMED)


def shut(booking):
    """The closing hour has come."""
    Booking.objects.filter(pk=booking.pk).update(ends_at=now())
    Departure.objects.filter(items__booking=booking).update(ends_at=now())
    return Booking.objects.get(pk=booking.pk)


@pytest.mark.parametrize(("closes", "refund", "rule"), [(6, "100.00", "policy:3h"), (2, "0.00", "policy:none")])
def test_cancelled_after_opening_by_the_hours_before_closing(closes, refund, rule):
    booking = booked(open_day(closes=closes))
    services.progress_bookings()
    cancelled = services.cancel_booking(booking_id=booking.pk, actor=clerk())
    assert (cancelled.status, cancelled.cancellation["refund"], cancelled.cancellation["rule"]) == (
        S.CANCELLED,
        refund,
        rule,
    )


def test_in_words_it_is_before_closing():
    booking = booked(open_day())
    assert wording.policy_in_words(booking.policy, booking.is_any_time)[0] == "Until 3 hours before closing: 50 % back"
    (_paid, fee) = wording.refund_in_words(services.cancellation_terms(booking))["lines"]
    assert fee["label"] == "Cancelled 3 hours or more before closing: 50 % of the price is kept"
    later = BookingFactory(departure=DepartureFactory())
    assert "before the start" in wording.policy_in_words(later.policy, later.is_any_time)[0]


def test_moved_after_opening_to_another_day_or_to_one_that_is_open():
    booking = booked(open_day())
    option = booking.trip.option
    tomorrow = open_day(opened=22, closes=30, option=option)
    moved = services.move_booking(booking_id=booking.pk, departure_id=tomorrow.pk, actor=clerk())
    assert moved.starts_at == tomorrow.starts_at
    today = open_day(opened=-1, closes=7, option=option)
    moved = services.move_booking(booking_id=booking.pk, departure_id=today.pk, actor=clerk())
    assert (moved.starts_at, moved.begins_by) == (today.starts_at, today.ends_at)


def test_who_moves_to_another_day_is_absent_there_no_more():
    """Two of four were marked as not coming; then all of them come tomorrow instead."""
    day = open_day()
    tomorrow = open_day(opened=22, closes=30, option=day.option)
    booking = BookingFactory(departure=day, guests={"adult": 4}, status=S.CONFIRMED)
    services.mark_absent(booking_id=booking.pk, guests=2, actor=clerk())
    services.move_booking(booking_id=booking.pk, departure_id=tomorrow.pk, actor=clerk())
    assert [(row.came, row.absent) for row in Attendance.objects.all()] == [(0, 0)]
    assert not any(check_all("bookings:").faults.values())


def test_after_closing_nothing_moves_and_nothing_is_cancelled():
    booking = shut(booked(open_day()))
    with pytest.raises(AlreadyStarted):
        services.cancel_booking(booking_id=booking.pk, actor=clerk())
    there = open_day(opened=22, closes=30, option=booking.trip.option)
    with pytest.raises(NotMovable):
        services.move_booking(booking_id=booking.pk, departure_id=there.pk, actor=clerk())


def test_it_is_under_way_when_its_guests_came_and_over_when_it_closed():
    came, waits = booked(open_day()), booked(open_day())
    services.check_in(booking_id=came.pk, guests=2, actor=clerk())
    services.progress_bookings()
    statuses = dict(Booking.objects.values_list("pk", "status"))
    assert (statuses[came.pk], statuses[waits.pk]) == (S.IN_PROGRESS, S.CONFIRMED)
    for booking in (came, waits):
        shut(booking)
    services.progress_bookings()
    assert set(Booking.objects.values_list("status", flat=True)) == {S.COMPLETED}


def test_its_guests_are_asked_until_it_closes():
    day = open_day()
    booking = booked(day)
    (offer,) = offers.offer_choices(
        departure_ids=[day.pk],
        reason_en="Water in the hall",
        reason_ar="مياه في القاعة",
        deadline=now() + timedelta(days=2),
        unanswered="REFUND",
        actor=None,
    )
    assert (offer.booking_id, offer.deadline) == (booking.pk, day.ends_at)
