from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from bookings import services
from bookings.errors import (
    NotStarted,
    ReasonRequired,
    SeatsUnavailable,
)
from bookings.models import Booking, BookingStatus, HoldStatus, PaymentState
from bookings.services import Settlement
from bookings.tests.asking import counters, facts, history, pay
from bookings.tests.factories import (
    BookingFactory,
    ClerkFactory,
    HoldFactory,
    move_in_time,
    run_out,
)
from tours.models import Departure
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")

S = BookingStatus


def test_paying_in_full_confirms_and_repeating_changes_nothing():
    booking = BookingFactory()
    assert pay(booking) == Settlement.CONFIRMED
    for _again in range(2):
        assert pay(booking) == Settlement.UNCHANGED
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status, booking.amount_due) == (S.CONFIRMED, PaymentState.PAID, 0)
    assert (booking.expires_at, booking.confirmed_at is None) == (None, False)
    assert booking.items.get().status == S.CONFIRMED
    assert booking.items.get().hold.status == HoldStatus.CONVERTED
    assert counters(booking) == (0, 2)
    assert history(booking) == [("", S.PENDING_PAYMENT), (S.PENDING_PAYMENT, S.CONFIRMED)]
    assert facts(booking) == ["booking.created", "booking.confirmed"]


def test_part_of_the_money_does_not_confirm():
    booking = BookingFactory()
    assert pay(booking, "50") == Settlement.PARTLY_PAID
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == (S.PENDING_PAYMENT, PaymentState.PARTIALLY_PAID)
    assert booking.amount_due == Decimal(150)
    assert pay(booking, "200") == Settlement.CONFIRMED


def test_a_failed_attempt_leaves_the_booking_payable():
    booking = BookingFactory()
    services.record_failed_attempt(booking_id=booking.pk)
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == (S.PENDING_PAYMENT, PaymentState.FAILED)
    assert booking.amount_due == Decimal(200)
    assert pay(booking) == Settlement.CONFIRMED
    services.record_failed_attempt(booking_id=booking.pk)
    booking.refresh_from_db()
    assert booking.payment_status == PaymentState.PAID


def test_money_that_came_late_wins_the_seats_again():
    booking = BookingFactory(status=S.EXPIRED)
    assert counters(booking) == (0, 0)
    assert pay(booking) == Settlement.CONFIRMED
    booking.refresh_from_db()
    assert booking.status == S.CONFIRMED
    assert counters(booking) == (0, 2)
    assert history(booking)[1:] == [(S.PENDING_PAYMENT, S.EXPIRED), (S.EXPIRED, S.CONFIRMED)]


def test_money_that_came_before_anybody_noticed_the_end_confirms():
    booking = BookingFactory()
    run_out(booking.items.get().hold)
    assert pay(booking) == Settlement.CONFIRMED
    assert counters(booking) == (0, 2)


def test_money_that_came_too_late_for_the_seats_goes_back():
    departure = DepartureFactory(capacity=2)
    booking = BookingFactory(departure=departure, status=S.EXPIRED)
    BookingFactory(departure=departure)
    assert pay(booking) == Settlement.SEATS_GONE
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == (S.EXPIRED, PaymentState.PAID)
    assert counters(booking) == (2, 0)
    assert pay(booking, "200", refunded="200") == Settlement.UNCHANGED
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == (S.REFUNDED, PaymentState.REFUNDED)
    assert facts(booking)[-2:] == ["booking.expired", "booking.refunded"]


def test_late_money_wins_seats_that_only_an_overdue_hold_keeps():
    departure = DepartureFactory(capacity=2)
    booking = BookingFactory(departure=departure, status=S.EXPIRED)
    run_out(HoldFactory(departure=departure))
    assert pay(booking) == Settlement.CONFIRMED
    assert counters(booking) == (0, 2)


@pytest.mark.parametrize("changes", [{"status": "CANCELLED"}, {"status": "CLOSED"}])
def test_late_money_does_not_open_a_closed_departure(changes):
    booking = BookingFactory(status=S.EXPIRED)
    Departure.objects.update(**changes)
    assert pay(booking) == Settlement.SEATS_GONE
    assert counters(booking) == (0, 0)


def test_money_for_a_cancelled_booking_goes_back():
    booking = BookingFactory()
    services.cancel_booking(booking_id=booking.pk, actor=booking.customer)
    assert pay(booking) == Settlement.BOOKING_ENDED
    assert pay(booking, "200", refunded="200") == Settlement.UNCHANGED
    booking.refresh_from_db()
    assert (booking.status, booking.payment_status) == (S.CANCELLED, PaymentState.REFUNDED)
    assert counters(booking) == (0, 0)


def test_part_of_the_money_for_an_expired_booking_goes_back():
    booking = BookingFactory(status=S.EXPIRED)
    assert pay(booking, "50") == Settlement.BOOKING_ENDED


def test_staff_confirm_without_payment_and_say_why():
    booking, actor = BookingFactory(), ClerkFactory()
    with pytest.raises(ReasonRequired):
        services.confirm_booking(booking_id=booking.pk, actor=actor, reason=" ")
    for _twice in range(2):
        confirmed = services.confirm_booking(booking_id=booking.pk, actor=actor, reason="pays on the day")
    assert (confirmed.status, confirmed.amount_due) == (S.CONFIRMED, Decimal(200))
    line = booking.events.get(new_status=S.CONFIRMED)
    assert (line.actor, line.reason) == (actor, "pays on the day")
    assert pay(booking) == Settlement.CONFIRMED
    assert counters(booking) == (0, 2)


def test_staff_cannot_confirm_without_seats():
    departure = DepartureFactory(capacity=2)
    booking = BookingFactory(departure=departure, status=S.EXPIRED)
    BookingFactory(departure=departure)
    with pytest.raises(SeatsUnavailable):
        services.confirm_booking(booking_id=booking.pk, actor=ClerkFactory(), reason="a friend")
    booking.refresh_from_db()
    assert booking.status == S.EXPIRED


def test_the_end_of_a_hold_ends_its_booking():
    booking = BookingFactory()
    run_out(booking.items.get().hold)
    assert services.expire_holds() == 1
    booking.refresh_from_db()
    assert (booking.status, booking.items.get().status) == (S.EXPIRED, S.EXPIRED)
    assert booking.items.get().hold.status == HoldStatus.EXPIRED
    assert counters(booking) == (0, 0)
    assert facts(booking)[-1] == "booking.expired"
    assert booking.amount_due == 0


def test_the_end_is_warned_of_once(settings):
    booking = BookingFactory()
    assert services.warn_of_ending_holds() == 0
    Booking.objects.update(expires_at=now() + timedelta(minutes=4))
    assert services.warn_of_ending_holds() == 1
    assert services.warn_of_ending_holds() == 0
    assert facts(booking) == ["booking.created", "hold.ending"]


def test_trips_start_and_end():
    booking = BookingFactory(status=S.CONFIRMED)
    assert services.progress_bookings() == 0
    move_in_time(booking, now() - timedelta(hours=1), now() + timedelta(hours=1))
    assert services.progress_bookings() == 1
    assert services.progress_bookings() == 0
    move_in_time(booking, now() - timedelta(hours=3), now() - timedelta(hours=1))
    assert services.progress_bookings() == 1
    assert services.progress_bookings() == 0
    assert history(booking)[2:] == [(S.CONFIRMED, S.IN_PROGRESS), (S.IN_PROGRESS, S.COMPLETED)]
    assert facts(booking)[-1] == "booking.completed"


def test_a_job_that_was_down_completes_what_ended_meanwhile():
    booking = BookingFactory(status=S.CONFIRMED)
    move_in_time(booking, now() - timedelta(hours=3), now() - timedelta(hours=1))
    assert services.progress_bookings() == 1
    assert history(booking)[-1] == (S.CONFIRMED, S.COMPLETED)


def test_no_show_comes_after_the_start_and_can_be_taken_back():
    booking, actor = BookingFactory(status=S.CONFIRMED), ClerkFactory()
    with pytest.raises(NotStarted):
        services.mark_no_show(booking_id=booking.pk, actor=actor)
    move_in_time(booking, now() - timedelta(hours=1), now() + timedelta(hours=1))
    for _twice in range(2):
        assert services.mark_no_show(booking_id=booking.pk, actor=actor, reason="nobody").status == S.NO_SHOW
    assert services.confirm_booking(booking_id=booking.pk, actor=actor, reason="wrong row").status == S.CONFIRMED
    assert counters(booking) == (0, 2)
