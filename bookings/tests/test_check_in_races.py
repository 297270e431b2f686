"""Two guides at two doors: a party is let in once, and the other guide is told. The controls take the guards away."""

import threading
import uuid
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.utils.timezone import now

from bookings import services
from bookings.models import Attendance, Booking, BookingStatus, CheckIn
from bookings.services import arrivals, attendance
from bookings.tests.factories import BookingFactory, ClerkFactory, move_in_time
from config.invariants import check_all
from config.testing import run_together
from config.testing.corruption import unguarded_owner, without_guard

pytestmark = pytest.mark.django_db(transaction=True)

PROOF = "bookings: who came is what the steps of the check-in say"


@pytest.fixture
def booking(tenant):
    made = BookingFactory(guests={"adult": 4}, status=BookingStatus.CONFIRMED)
    move_in_time(made, now() + timedelta(minutes=10), now() + timedelta(hours=2))
    return made


@pytest.fixture
def guides(tenant):
    return [ClerkFactory(first_name=name) for name in ("Mona", "Karim", "Huda")]


@pytest.fixture
def without_check(tenant):
    emptied = ("DELETE FROM bookings_checkin", "DELETE FROM bookings_attendance")
    with without_guard("bookings_attendance", "attendance_within_party", *emptied):
        yield


@pytest.fixture
def without_lock(monkeypatch):
    """Reads without a lock; all look before any of them writes."""
    both = threading.Barrier(2)

    def write_later(*args, **kwargs):
        both.wait(timeout=20)
        return attendance.add_step(*args, **kwargs)

    monkeypatch.setattr(arrivals, "lock_booking", lambda booking_id: Booking.objects.get(pk=booking_id))
    monkeypatch.setattr(arrivals, "add_step", write_later)


def names(outcomes):
    return Counter(type(outcome).__name__ for outcome in outcomes)


def came(booking):
    return Attendance.objects.get(item__booking=booking).came


def test_one_party_at_three_doors_is_in_once_and_the_others_are_told(booking, guides):
    let_in = [partial(services.check_in, booking_id=booking.pk, actor=guide) for guide in guides]
    outcomes = run_together(*let_in)
    assert names(outcomes) == {"CheckIn": 1, "AlreadyIn": 2}
    winner = next(outcome for outcome in outcomes if isinstance(outcome, CheckIn))
    told = [str(outcome) for outcome in outcomes if not isinstance(outcome, CheckIn)]
    assert all(f"by {winner.actor.get_full_name()}" in words for words in told)
    assert (came(booking), CheckIn.objects.count()) == (4, 1)
    assert booking.events.filter(new_status=BookingStatus.IN_PROGRESS).count() == 1


def test_parts_of_a_party_never_add_up_to_more_than_the_party(booking, guides):
    outcomes = run_together(*[partial(services.check_in, booking_id=booking.pk, guests=3, actor=g) for g in guides])
    assert names(outcomes) == {"CheckIn": 1, "TooMany": 2}
    assert came(booking) == 3


def test_the_same_step_sent_five_times_at_once_is_one(booking, guides):
    again = partial(services.check_in, booking_id=booking.pk, guests=2, key=uuid.uuid4(), actor=guides[0])
    outcomes = run_together(*[again] * 5)
    assert names(outcomes) == {"CheckIn": 5}
    assert len({outcome.pk for outcome in outcomes}) == 1
    assert (came(booking), CheckIn.objects.count()) == (2, 1)


def test_two_take_the_same_step_back_and_it_is_taken_back_once(booking, guides):
    step = services.check_in(booking_id=booking.pk, actor=guides[0])
    undo = [partial(services.undo_check_in, booking_id=booking.pk, step=step.key, actor=guide) for guide in guides]
    assert names(run_together(*undo)) == {"CheckIn": 1, "CheckInUndone": 2}
    assert came(booking) == 0


def test_control_the_check_alone_lets_nobody_in_twice(booking, guides, without_lock):
    attendance.attendance_of(booking.items.get())
    outcomes = run_together(*[partial(services.check_in, booking_id=booking.pk, actor=g) for g in guides[:2]])
    assert names(outcomes) == {"CheckIn": 1, "IntegrityError": 1}
    assert came(booking) == 4


def test_control_without_lock_and_check_a_party_is_in_twice(booking, guides, without_lock, without_check):
    attendance.attendance_of(booking.items.get())
    outcomes = run_together(*[partial(services.check_in, booking_id=booking.pk, actor=g) for g in guides[:2]])
    assert names(outcomes) == {"CheckIn": 2}
    assert came(booking) == 8


def test_a_counter_that_the_steps_do_not_explain_is_named(booking, guides):
    services.check_in(booking_id=booking.pk, guests=1, actor=guides[0])
    assert check_all().faults[PROOF] == []
    with unguarded_owner() as owner:
        owner.execute("UPDATE bookings_attendance SET came = 3")
    assert check_all().faults[PROOF] == [f"{booking.reference}: 3 came and 0 did not, the steps say 1 and 0"]
