"""Shared places: the boat has so many, whoever buys them and on whichever tour."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import now
from rest_framework.test import APIClient

from bookings import services
from bookings.errors import SeatsUnavailable
from bookings.models import BookingStatus, HoldStatus
from bookings.services import holds
from bookings.tests.factories import BookingFactory, HoldFactory, run_out
from config.invariants import check_all
from config.testing import run_together
from config.testing.corruption import unguarded_owner
from tours.errors import PoolBelowSold
from tours.models import Departure, Pool, PoolMember, TourOption
from tours.selectors.capacity import places_left
from tours.services import add_departure
from tours.services.limits import follow_pool
from tours.services.seats import move_seats
from tours.tests.factories import DepartureFactory, OptionFactory

pytestmark = pytest.mark.django_db(transaction=True)

START = now().replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(days=9)


def pool_of(*options, capacity=10, name="Boat Isis"):
    pool = Pool.objects.create(name_en=name, name_ar="مركب إيزيس", capacity=capacity)
    for option in options:
        PoolMember.objects.create(pool=pool, option=option)
    return follow_pool(pool_id=pool.pk)


def departure(hour=0, hours=4, **given):
    start = START + timedelta(hours=hour)
    return DepartureFactory(starts_at=start, ends_at=start + timedelta(hours=hours), **given)


@pytest.fixture
def boat(tenant):
    """Diving and snorkelling from one boat of ten places, each with ten of its own."""
    diving, snorkelling = departure(), departure(hour=1)
    pool_of(diving.option, snorkelling.option)
    for one in (diving, snorkelling):
        one.refresh_from_db()
    return diving, snorkelling


@transaction.atomic
def made_smaller(capacity):
    Pool.objects.update(capacity=capacity)
    follow_pool(pool_id=Pool.objects.get().pk)


def left(*departures):
    return [places_left(Departure.objects.get(pk=one.pk)) for one in departures]


def pool_faults():
    return [fault for name, found in check_all().faults.items() if "pool" in name for fault in found]


def test_what_one_tour_sells_the_other_has_no_more(boat):
    diving, snorkelling = boat
    assert (diving.is_limited, snorkelling.is_limited) == (True, True)
    HoldFactory(departure=diving, guests={"adult": 7})
    assert left(diving, snorkelling) == [3, 3]
    with pytest.raises(SeatsUnavailable) as refused:
        HoldFactory(departure=snorkelling, guests={"adult": 4})
    assert refused.value.values == {"left": 3, "asked": 4}
    HoldFactory(departure=snorkelling, guests={"adult": 3})
    assert left(diving, snorkelling) == [0, 0]
    assert pool_faults() == []


def test_only_what_runs_at_the_same_time_shares(tenant):
    """Morning 6-10, day 6-16, afternoon 12-16: morning and afternoon do not meet, the day meets both."""
    morning, day, afternoon = departure(), departure(hours=10), departure(hour=6)
    pool_of(morning.option, day.option, afternoon.option)
    HoldFactory(departure=morning, guests={"adult": 8})
    assert left(morning, day, afternoon) == [2, 2, 10]
    HoldFactory(departure=afternoon, guests={"adult": 9})
    assert left(morning, day, afternoon) == [2, 1, 1]
    HoldFactory(departure=day, guests={"adult": 1})
    assert left(morning, day, afternoon) == [1, 0, 0]


def test_a_departure_that_begins_when_another_ends_shares_nothing(tenant):
    first, second = departure(), departure(hour=4)
    pool_of(first.option, second.option)
    HoldFactory(departure=first, guests={"adult": 10})
    assert left(first, second) == [0, 10]


def test_places_come_back_by_release_expiry_and_cancellation(boat):
    diving, snorkelling = boat
    released, run_over = HoldFactory(departure=diving), HoldFactory(departure=diving)
    booking = BookingFactory(departure=diving, status=BookingStatus.CONFIRMED)
    assert left(snorkelling) == [4]
    services.release_hold(hold_id=released.pk, actor=released.customer)
    assert left(snorkelling) == [6]
    services.cancel_booking(booking_id=booking.pk, actor=None)
    assert left(snorkelling) == [8]
    run_out(run_over)
    HoldFactory(departure=snorkelling, guests={"adult": 10})  # lets go what is over on the other departure
    run_over.refresh_from_db()
    assert run_over.status == HoldStatus.EXPIRED
    assert left(diving, snorkelling) == [0, 0]


def test_a_late_payment_wins_only_what_the_pool_has(boat):
    diving, snorkelling = boat
    booking = BookingFactory(departure=diving, status=BookingStatus.EXPIRED)
    HoldFactory(departure=snorkelling, guests={"adult": 9})
    paid = services.record_payment(booking_id=booking.pk, paid=booking.total, refunded=booking.total * 0)
    assert paid == services.Settlement.SEATS_GONE
    assert left(diving) == [1]


def test_the_api_shows_and_refuses_by_the_pool(boat):
    diving, snorkelling = boat
    HoldFactory(departure=diving, guests={"adult": 8})
    client = APIClient()
    answer = client.get(f"/api/v1/tours/{snorkelling.tour_id}/availability?date_from={snorkelling.local_date}")
    assert [(item["available"], item["status"]) for item in answer.json()["items"]] == [(2, "OPEN")]
    wanted = {"departure_id": str(snorkelling.pk), "guests": {"adult": 3}}
    refused = client.post("/api/v1/holds", wanted, format="json")
    assert (refused.status_code, refused.json()["error_code"]) == (409, "seats_unavailable")
    assert refused.json()["details"] == {"left": 2, "asked": 3}
    assert client.post("/api/v1/holds", wanted | {"guests": {"adult": 2}}, format="json").status_code == 201
    answer = client.get(f"/api/v1/tours/{diving.tour_id}/availability?date_from={diving.local_date}")
    assert [(item["available"], item["status"]) for item in answer.json()["items"]] == [(0, "SOLD_OUT")]
    assert client.get(f"/api/v1/tours/{diving.tour_id}/availability?guests=1").json()["items"] == []


def test_the_other_tours_remembered_availability_is_forgotten(boat, settings):
    settings.REMEMBER_READS = True
    diving, snorkelling = boat
    client, path = APIClient(), f"/api/v1/tours/{snorkelling.tour_id}/availability?date_from={START.date()}"
    assert client.get(path).json()["items"][0]["available"] == 10
    HoldFactory(departure=diving, guests={"adult": 4})
    assert client.get(path).json()["items"][0]["available"] == 6


def test_departures_made_later_share_too(boat):
    diving, _snorkelling = boat
    made = add_departure(
        option_id=diving.option_id, day=START.date(), at=(START + timedelta(hours=3)).time(), actor=None
    )
    assert Departure.objects.get(pk=made.pk).is_limited
    HoldFactory(departure=diving, guests={"adult": 6})
    assert left(made) == [4]


def test_an_option_that_leaves_the_pool_is_limited_no_more(boat):
    diving, snorkelling = boat
    PoolMember.objects.filter(option=diving.option).delete()
    pool = Pool.objects.get()
    follow_pool(pool_id=pool.pk, left=[diving.option_id])
    diving.refresh_from_db()
    assert not diving.is_limited
    HoldFactory(departure=snorkelling, guests={"adult": 10})
    assert left(diving) == [10]


def test_a_pool_cannot_have_fewer_places_than_are_sold(boat):
    diving, snorkelling = boat
    HoldFactory(departure=diving, guests={"adult": 4})
    HoldFactory(departure=snorkelling, guests={"adult": 3})
    with pytest.raises(PoolBelowSold) as refused:
        made_smaller(6)
    assert refused.value.details["sold"] == 7
    assert Pool.objects.get().capacity == 10
    made_smaller(7)
    assert left(diving, snorkelling) == [0, 0]


def test_the_database_refuses_what_no_service_looked_at(boat):
    diving, snorkelling = boat
    HoldFactory(departure=diving, guests={"adult": 6})
    with pytest.raises(IntegrityError, match="more places than its pool has"):
        move_seats(snorkelling.pk, held=5)
    assert Departure.objects.get(pk=snorkelling.pk).seats_held == 0
    later = departure(hour=6, option=snorkelling.option)
    move_seats(later.pk, held=10)
    with pytest.raises(IntegrityError, match="more places than its pool has"):
        Departure.objects.filter(pk=later.pk).update(starts_at=START, ends_at=START + timedelta(hours=1))


@pytest.fixture
def many_connections():
    pool = connection.settings_dict["OPTIONS"]["pool"]
    before = dict(pool)
    connection.close()
    connection.close_pool()
    pool.update(max_size=24, timeout=60)
    yield
    connection.close()
    connection.close_pool()
    pool.clear()
    pool.update(before)


def forty_buyers(boat):
    """Forty at once, every other one on the other tour."""
    buys = [partial(services.hold_seats, departure_id=boat[n % 2].pk, guests={"adult": 1}) for n in range(40)]
    return Counter(type(outcome).__name__ for outcome in run_together(*buys))


def test_forty_buyers_on_two_tours_get_the_ten_places_of_the_boat(boat, many_connections):
    assert forty_buyers(boat) == {"Hold": 10, "SeatsUnavailable": 30}
    assert left(*boat) == [0, 0]
    assert pool_faults() == []


def test_control_the_guard_alone_still_sells_no_place_twice(boat, many_connections, monkeypatch):
    monkeypatch.setattr(holds, "places_to_take", lambda departure: departure.seats_left)
    outcomes = forty_buyers(boat)
    assert outcomes["Hold"] == 10
    assert outcomes["IntegrityError"] > 0
    assert pool_faults() == []


def test_control_without_look_and_guard_they_get_more(boat, many_connections, monkeypatch):
    monkeypatch.setattr(holds, "places_to_take", lambda departure: departure.seats_left)
    trigger = "ALTER TABLE tours_departure {} TRIGGER pgtrigger_pool_suffices_1cd28"
    with unguarded_owner() as owner:
        owner.execute(trigger.format("DISABLE"))
        try:
            assert forty_buyers(boat)["Hold"] > 10
        finally:
            owner.execute(trigger.format("ENABLE"))
    assert len(pool_faults()) == 1
    assert "Boat Isis" in pool_faults()[0]


def test_two_boats_and_buyers_in_both_orders_do_not_lock_each_other_out(tenant, many_connections):
    """Each exchanges a hold on one boat for one on the other, in both directions at once."""
    here, there = departure(), departure()
    pool_of(here.option, name="Boat 1")
    pool_of(there.option, name="Boat 2")
    kept = [HoldFactory(departure=(here, there)[n % 2], guests={"adult": 1}) for n in range(10)]
    exchanges = [
        partial(
            services.hold_instead,
            hold_id=hold.pk,
            actor=hold.customer,
            departure_id=(there if hold.departure_id == here.pk else here).pk,
            guests={"adult": 1},
        )
        for hold in kept
    ]
    outcomes = Counter(type(outcome).__name__ for outcome in run_together(*exchanges))
    assert outcomes == {"Hold": 10}
    assert left(here, there) == [5, 5]


def test_options_and_departures_of_other_tours_stay_in_the_fast_way(boat):
    other = DepartureFactory(option=OptionFactory())
    assert not TourOption.objects.get(pk=other.option_id).is_limited
    assert not Departure.objects.get(pk=other.pk).is_limited
