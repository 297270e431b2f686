"""Where deposits, moves, pickups, refunds and cancellations meet: what goes back is never more than what is too much."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from bookings.errors import DearerAfterRefund
from bookings.models import Booking, BookingStatus
from bookings.services import cancel_booking, move_booking
from bookings.services.moving import move_for_the_operator
from bookings.tests.factories import BookingFactory, ClerkFactory
from notifications.models import Event
from payments.models import Refund, RefundStatus
from payments.receivers import refund_cancelled_booking, refund_moved_booking
from payments.services import apply_remote_state, cancel_overdue
from payments.tests.steps import assert_sound, begun, paid, said
from payments.tests.test_deposits import part, trip
from tours.tests.factories import DepartureFactory, OptionFactory

pytestmark = pytest.mark.usefixtures("tenant")


def fresh(booking):
    return Booking.objects.get(pk=booking.pk)


def clerk():
    return ClerkFactory(permissions=["bookings.change_booking", "bookings.view_booking", "bookings.cancel"])


def cheaper(departure, price, days=1):
    """Another option of the tour, at this price an adult."""
    option = OptionFactory(tour=departure.tour, code=f"for-{price}", prices={"adult": price})
    return DepartureFactory(option=option, starts_at=departure.starts_at + timedelta(days=days))


def facts(kind):
    return list(Event.objects.filter(type=kind).order_by("occurred_at"))


def asked():
    return sum(Refund.objects.exclude(status=RefundStatus.FAILED).values_list("amount", flat=True))


# --- Money on its way back counts ---


def test_two_moves_give_the_difference_back_once():
    booking = paid(BookingFactory()).booking  # 200
    first, second = cheaper(booking.trip, "90"), cheaper(booking.trip, "75", days=2)
    move_booking(booking_id=booking.pk, departure_id=first.pk, actor=clerk())  # 180: 20 back, not carried out yet
    move_booking(booking_id=booking.pk, departure_id=second.pk, actor=clerk())  # 150
    assert [fact.data["refund"] for fact in facts("booking.moved")] == ["20.00", "30.00"]
    for fact in facts("booking.moved") * 2:
        refund_moved_booking(fact)
    assert asked() == 50
    assert sorted(Refund.objects.values_list("amount", flat=True)) == [20, 30]  # each what it said
    assert_sound()


@pytest.mark.parametrize("is_done", [True, False])
def test_money_on_its_way_back_is_not_asked_for_again(is_done):
    """Who was told that 20 come back gets them: the dearer departure is refused, whether they arrived or not."""
    booking = paid(BookingFactory()).booking
    home = booking.trip
    move_booking(booking_id=booking.pk, departure_id=cheaper(home, "90").pk, actor=clerk())
    for fact in facts("booking.moved") if is_done else ():
        refund_moved_booking(fact)
    with pytest.raises(DearerAfterRefund):
        move_booking(booking_id=booking.pk, departure_id=home.pk, actor=clerk())
    moved = move_booking(booking_id=booking.pk, departure_id=home.pk, actor=clerk(), keep_price=True)
    for fact in facts("booking.moved"):
        refund_moved_booking(fact)
    assert (asked(), moved.total, fresh(booking).amount_due) == (20, 180, 0)
    assert_sound()


@pytest.mark.parametrize("moved_first", [True, False])
def test_a_cancellation_after_a_move_keeps_its_fee(moved_first):
    departure = DepartureFactory()
    departure.tour.cancellation_policy.tiers.all().delete()
    departure.tour.cancellation_policy.tiers.create(hours_before=1, refund_percent=50)
    booking = paid(BookingFactory(departure=departure)).booking
    move_booking(booking_id=booking.pk, departure_id=cheaper(departure, "80").pk, actor=clerk())  # 160: 40 back
    cancel_booking(booking_id=booking.pk, actor=clerk())  # 80 kept
    steps = [
        lambda: [refund_moved_booking(fact) for fact in facts("booking.moved")],
        lambda: [refund_cancelled_booking(fact) for fact in facts("booking.cancelled")],
    ]
    for step in steps if moved_first else reversed(steps):
        step()
    assert [fact.data["refund"] for kind in ("moved", "cancelled") for fact in facts(f"booking.{kind}")] == [
        "40.00",
        "80.00",
    ]
    assert asked() == 120
    assert_sound()


# --- An attempt for another amount than is due by now ---


def test_paying_the_old_price_of_a_cheaper_booking_brings_the_difference_back():
    booking = BookingFactory()
    attempt = begun(booking)  # 200
    move_booking(booking_id=booking.pk, departure_id=cheaper(booking.trip, "80").pk, actor=clerk())
    state = said(attempt, "PAID", captured_reference="sbc_1")
    for _again in range(2):
        apply_remote_state(attempt.pk, state)
    refund = Refund.objects.get()
    assert (refund.amount, fresh(booking).status) == (40, BookingStatus.CONFIRMED)
    assert_sound()


def test_paying_the_old_price_of_a_dearer_booking_is_a_part():
    booking = BookingFactory()
    attempt = begun(booking)
    move_booking(booking_id=booking.pk, departure_id=cheaper(booking.trip, "130").pk, actor=clerk())
    apply_remote_state(attempt.pk, said(attempt, "PAID", captured_reference="sbc_1"))
    assert (asked(), fresh(booking).amount_due, fresh(booking).status) == (0, 60, BookingStatus.PENDING_PAYMENT)
    assert_sound()


# --- Deposits that move ---


@pytest.mark.parametrize("by_us", [True, False])
def test_a_deposit_moved_to_a_near_day_leaves_time_to_pay(by_us):
    departure = trip(overdue="CANCEL", grace_days=2)  # in 60 days, the balance 30 days before
    booking = BookingFactory(departure=departure)
    part(booking)
    near = DepartureFactory(option=departure.option, starts_at=now() + timedelta(days=10))
    if by_us:
        move_for_the_operator(booking_id=booking.pk, departure_id=near.pk, actor=None, reason="the boat is broken")
    else:
        move_booking(booking_id=booking.pk, departure_id=near.pk, actor=clerk(), keep_price=True)
    moved = fresh(booking)
    assert (moved.amount_due, moved.is_balance_overdue) == (150, True)
    assert timedelta(days=1.9) < moved.balance_cancel_at - now() < timedelta(days=2.1)
    assert cancel_overdue() == 0
    assert fresh(booking).status == BookingStatus.CONFIRMED


def test_where_the_grace_would_end_after_the_start_staff_decide():
    departure = trip(overdue="CANCEL", grace_days=5)
    booking = BookingFactory(departure=departure)
    part(booking)
    near = DepartureFactory(option=departure.option, starts_at=now() + timedelta(days=4))
    move_booking(booking_id=booking.pk, departure_id=near.pk, actor=clerk(), keep_price=True)
    assert (fresh(booking).balance_cancel_at, cancel_overdue()) == (None, 0)
