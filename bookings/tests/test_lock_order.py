"""Locks are taken in one order: departures, what they share, bookings, stocked extras. Two at a time, stopped half-way."""

import threading
from functools import partial

import pytest

from bookings import services
from bookings.services import extras, holds, moving, talking
from bookings.tests.factories import CONTACT, ClerkFactory
from bookings.tests.test_pools import departure, many_connections, pool_faults, pool_of  # noqa: F401  the fixture is used
from bookings.tests.test_resources import gear, need
from config.testing import run_together
from tours.models import ExtraStock
from tours.tests.factories import ExtraFactory, OptionFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("many_connections")]
WAIT = 2  # seconds for the other one, who may not come


class Meeting:
    """Each of two goes on once the other has got there too, or does not come because it waits for a lock."""

    def __init__(self, monkeypatch):
        self.monkeypatch = monkeypatch
        self.here, self.there = threading.Event(), threading.Event()

    def after(self, module, name, mine, other):
        """Have whoever calls the function stop after it."""
        real = getattr(module, name)

        def stopped(*args, **kwargs):
            done = real(*args, **kwargs)
            mine.set()
            other.wait(WAIT)
            return done

        self.monkeypatch.setattr(module, name, stopped)

    def before(self, module, name, mine, other):
        """Have whoever calls the function stop before it."""
        real = getattr(module, name)

        def stopped(*args, **kwargs):
            mine.set()
            other.wait(WAIT)
            return real(*args, **kwargs)

        self.monkeypatch.setattr(module, name, stopped)


@pytest.fixture
def day(tenant):
    """Three departures of one tour, one after the other, on a boat of theirs, with snorkels to rent."""
    first = departure()
    others = [
        departure(hour=hour, tour=first.tour, option=OptionFactory(tour=first.tour, code=f"at-{hour}"))
        for hour in (5, 10)
    ]
    ExtraFactory(
        tour=first.tour, code="snorkel", basis="PER_UNIT", amount=10, stock=30, stock_per="DAY", max_quantity=9
    )
    return [first, *others]


def asked(one, guests=1):
    return {
        "departure_id": one.pk,
        "guests": {"adult": guests},
        "extras": [{"code": "snorkel", "quantity": guests}],
    }


def booked(one, guests=2):
    return services.book_at_once(**asked(one, guests), contact=CONTACT.copy())


def names(outcomes):
    return [type(outcome).__name__ for outcome in outcomes]


def taken():
    return sum(ExtraStock.objects.values_list("taken", flat=True))


def test_moving_a_party_with_snorkels_and_selling_on_the_same_boat(day, monkeypatch):
    first, second, third = day
    pool_of(*(one.option for one in day))
    booking, clerk = booked(first), ClerkFactory(permissions=["bookings.change_booking"])
    meeting = Meeting(monkeypatch)
    meeting.after(moving, "release_extras", meeting.here, meeting.there)
    meeting.before(holds, "hold_extras", meeting.there, meeting.here)
    outcomes = run_together(
        partial(services.move_booking, booking_id=booking.pk, departure_id=second.pk, actor=clerk),
        partial(services.hold_seats, **asked(third)),
    )
    assert names(outcomes) == ["Booking", "Hold"]
    assert (taken(), pool_faults()) == (3, [])


def test_cancelling_a_party_with_tanks_and_snorkels_and_selling_another(day, monkeypatch):
    first, _second, third = day
    gear(quantity=20)
    need(first.tour, "EQUIPMENT", per_guests=1)
    booking, _other = booked(first), booked(first)
    meeting = Meeting(monkeypatch)
    meeting.after(extras, "lock_stock", meeting.here, meeting.there)
    meeting.before(holds, "hold_extras", meeting.there, meeting.here)
    outcomes = run_together(
        partial(services.cancel_booking, booking_id=booking.pk, actor=None),
        partial(services.hold_seats, **asked(third)),
    )
    assert names(outcomes) == ["Booking", "Hold"]
    assert taken() == 3


def test_changing_a_party_on_the_phone_and_selling_on_the_same_boat(day, monkeypatch):
    first, _second, third = day
    pool_of(*(one.option for one in day))
    clerk = ClerkFactory()
    hold = services.hold_seats(**asked(first), actor=clerk)
    meeting = Meeting(monkeypatch)
    meeting.after(talking, "lock_stock", meeting.here, meeting.there)
    meeting.before(holds, "hold_extras", meeting.there, meeting.here)
    outcomes = run_together(
        partial(services.hold_instead, hold_id=hold.pk, actor=clerk, **asked(first, 3)),
        partial(services.hold_seats, **asked(third)),
    )
    assert names(outcomes) == ["Hold", "Hold"]
    assert (taken(), pool_faults()) == (4, [])
