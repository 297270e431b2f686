"""Guides, vehicles and equipment: what limits the sale, who is engaged, and that nobody is in two places."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError
from django.utils.timezone import now
from rest_framework.test import APIClient

from bookings import services
from bookings.errors import SeatsUnavailable
from bookings.models import BookingStatus
from bookings.selectors.day import day
from bookings.services import holds
from bookings.tests.factories import BookingFactory, ClerkFactory, HoldFactory
from bookings.tests.test_pools import departure, left, many_connections, pool_of  # noqa: F401  the fixture is used
from config.invariants import check_all
from config.testing import run_together
from config.testing.corruption import without_guard
from tours.errors import AlreadyAnswered, DepartureOver, ResourceBusy
from tours.models import Departure, Engagement, Resource, ResourceNeed
from tours.services import resources
from tours.services.needs import follow_needs
from tours.services.resources import keeping
from tours.services.resources.free import Free
from tours.services.resources.spans import span_of
from tours.tests.factories import OptionFactory

pytestmark = pytest.mark.django_db(transaction=True)


def guide(name="Fatima", **given):
    return Resource.objects.create(kind="GUIDE", name_en=name, name_ar=name, **given)


def vehicle(name, seats, **given):
    return Resource.objects.create(kind="VEHICLE", name_en=name, name_ar=name, seats=seats, **given)


def gear(name="Tank", quantity=8, **given):
    return Resource.objects.create(kind="EQUIPMENT", name_en=name, name_ar=name, quantity=quantity, **given)


def need(tour, kind="GUIDE", must=True, **given):
    made = ResourceNeed.objects.create(tour=tour, kind=kind, on_shortage="STOP" if must else "WARN", **given)
    follow_needs(tour_id=tour.pk)
    return made


def engaged(one):
    return sorted(
        (each.resource.name_en, str(each.state), each.quantity)
        for each in Engagement.objects.live().filter(departure=one).select_related("resource")
    )


def faults():
    return [fault for name, found in check_all().faults.items() if name.startswith("tours:") for fault in found]


# --- What the sale does ---


def test_the_first_sale_keeps_a_guide_and_the_last_place_given_back_lets_go(tenant):
    one, _fatima = departure(), guide()
    need(one.tour)
    first, second = HoldFactory(departure=one), HoldFactory(departure=one)
    assert engaged(one) == [("Fatima", "TENTATIVE", 1)]
    services.release_hold(hold_id=first.pk, actor=first.customer)
    assert engaged(one) == [("Fatima", "TENTATIVE", 1)]
    services.release_hold(hold_id=second.pk, actor=second.customer)
    assert engaged(one) == []
    assert faults() == []


def test_a_second_departure_at_that_time_is_not_sold_while_the_only_guide_is_elsewhere(tenant):
    one, other, later = departure(), departure(hour=2), departure(hour=6)
    guide(languages=["ar", "en"])
    guide("Hans", languages=["de"])
    for each in (one, other, later):
        need(each.tour, language="ar")
    hold = HoldFactory(departure=one)
    assert left(one, other, later) == [8, 0, 10]
    with pytest.raises(SeatsUnavailable):
        HoldFactory(departure=other)
    HoldFactory(departure=later)
    services.release_hold(hold_id=hold.pk, actor=hold.customer)
    HoldFactory(departure=other, guests={"adult": 1})
    assert (engaged(one), engaged(other)) == ([], [("Fatima", "TENTATIVE", 1)])


def test_minutes_before_and_after_count(tenant):
    one, later = departure(), departure(hour=4)
    guide(minutes_after=30)
    need(one.tour)
    need(later.tour)
    HoldFactory(departure=one)
    assert left(later) == [0]


def test_one_guide_for_every_four_divers(tenant):
    one = departure()
    guide("Ali", skills=["diving"])
    guide("Mona", skills=["diving"])
    guide("Zaki")
    need(one.tour, skill="diving", per_guests=4)
    assert left(one) == [8]
    HoldFactory(departure=one, guests={"adult": 4})
    assert len(engaged(one)) == 1
    five = HoldFactory(departure=one, guests={"adult": 1})
    assert [row[0] for row in engaged(one)] == ["Ali", "Mona"]
    assert left(one) == [3]
    with pytest.raises(SeatsUnavailable) as refused:
        HoldFactory(departure=one, guests={"adult": 4})
    assert refused.value.values["left"] == 3
    services.release_hold(hold_id=five.pk, actor=five.customer)
    assert [row[0] for row in engaged(one)] == ["Ali"]


def test_equipment_is_counted(tenant):
    one, other = departure(), departure(hour=1)
    gear(quantity=8)
    for each in (one, other):
        need(each.tour, "EQUIPMENT", per_guests=1)
    HoldFactory(departure=one, guests={"adult": 5})
    assert engaged(one) == [("Tank", "TENTATIVE", 5)]
    assert left(one, other) == [3, 3]
    more = HoldFactory(departure=other, guests={"adult": 3})
    assert left(one, other) == [0, 0]
    services.release_hold(hold_id=more.pk, actor=more.customer)
    smaller = HoldFactory(departure=one, guests={"adult": 2})
    assert engaged(one) == [("Tank", "TENTATIVE", 7)]
    services.release_hold(hold_id=smaller.pk, actor=smaller.customer)
    assert engaged(one) == [("Tank", "TENTATIVE", 5)]


def test_the_seats_of_the_vehicles_limit_the_sale(tenant):
    one = departure()
    vehicle("Jeep", 4)
    vehicle("Van", 6)
    vehicle("Bus", 50, is_active=False)
    need(one.tour, "VEHICLE", count=1)
    assert left(one) == [6]
    small = HoldFactory(departure=one, guests={"adult": 3})
    assert engaged(one) == [("Jeep", "TENTATIVE", 1)]
    assert left(one) == [1]
    services.release_hold(hold_id=small.pk, actor=small.customer)
    HoldFactory(departure=one, guests={"adult": 5})
    assert engaged(one) == [("Van", "TENTATIVE", 1)]


def test_several_vehicles_where_several_may_go(tenant):
    one = departure()
    vehicle("Jeep", 4)
    vehicle("Van", 5)
    need(one.tour, "VEHICLE", count=2)
    assert left(one) == [9]
    HoldFactory(departure=one, guests={"adult": 9})
    assert [row[0] for row in engaged(one)] == ["Jeep", "Van"]


def test_where_staff_only_want_a_warning_everything_is_sold_and_flagged(tenant):
    one = departure()
    need(one.tour, must=False)
    BookingFactory(departure=one, status=BookingStatus.CONFIRMED)
    assert not Departure.objects.get(pk=one.pk).is_limited
    assert any("Missing: 1 × Guide" in reason for reason in flags(one))
    resources.engage(resource_id=guide().pk, departure_id=one.pk, actor=None)
    assert not any("Missing" in reason for reason in flags(one))


def flags(one):
    one.refresh_from_db()
    found = day(wanted=one.local_date, user=ClerkFactory(), all_rows=True)
    return [flag.reason for row in found.rows if row.pk == one.pk for flag in row.flags]


def test_options_and_departures_made_later_share_the_need(tenant):
    one = departure()
    need(one.tour)
    new = OptionFactory(tour=one.tour, code="new", is_default=False)
    later = departure(option=new)
    later.refresh_from_db()
    assert later.is_limited
    assert left(later) == [0]


def test_a_need_of_one_option_leaves_the_others_alone(tenant):
    one = departure()
    other = departure(option=OptionFactory(tour=one.tour, code="other", is_default=False))
    need(one.tour, option=one.option)
    assert left(one, other) == [0, 10]
    one.tour.needs.all().delete()
    follow_needs(tour_id=one.tour_id)
    assert left(one) == [10]


def test_a_need_that_comes_after_the_sale_engages_who_is_free_and_flags_who_is_not(tenant):
    one, other = departure(), departure(hour=1)
    BookingFactory(departure=one, status=BookingStatus.CONFIRMED)
    BookingFactory(departure=other, status=BookingStatus.CONFIRMED)
    guide()
    need(one.tour)
    need(other.tour)
    assert engaged(one) == [("Fatima", "TENTATIVE", 1)]
    assert engaged(other) == []
    assert any("Missing" in reason for reason in flags(other))


# --- Races ---


def both_sold_at_once(pairs):
    """On each of the pairs of departures at the same time somebody buys."""
    buys = [partial(services.hold_seats, departure_id=one.pk, guests={"adult": 1}) for pair in pairs for one in pair]
    return Counter(type(outcome).__name__ for outcome in run_together(*buys))


def test_ten_departures_at_one_time_share_three_guides(tenant, many_connections):  # noqa: F811
    for number in range(3):
        guide(f"Guide {number}")
    departures = [departure() for _each in range(10)]
    for one in departures:
        need(one.tour)
    outcomes = both_sold_at_once([departures])
    assert outcomes == {"Hold": 3, "SeatsUnavailable": 7}
    assert Engagement.objects.count() == 3
    assert faults() == []


def test_control_without_lock_and_constraint_a_guide_is_in_two_places(tenant, many_connections, monkeypatch):  # noqa: F811
    guide()
    departures = [departure() for _each in range(10)]
    for one in departures:
        need(one.tour)
    monkeypatch.setattr(holds, "places_to_take", lambda one: one.seats_left)
    free = resources.free_for

    def as_if_free(one, needed):
        span = span_of(Resource.objects.get(), one.starts_at, one.ends_at)
        return free(one, needed) or [Free(Resource.objects.get().pk, 1, 0, span)]

    monkeypatch.setattr(keeping, "free_for", as_if_free)
    with without_guard("tours_engagement", "resource_in_one_place", "DELETE FROM tours_engagement"):
        outcomes = both_sold_at_once([departures])
        assert outcomes["Hold"] > 1
        assert len(faults()) >= 1
        assert "Fatima" in faults()[0]


def test_two_clerks_assign_one_guide_to_two_departures_at_once(tenant, many_connections):  # noqa: F811
    fatima = guide()
    departures = [departure() for _each in range(6)]
    outcomes = run_together(
        *[partial(resources.engage, resource_id=fatima.pk, departure_id=one.pk, actor=None) for one in departures]
    )
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"Engagement": 1, "ResourceBusy": 5}


def test_the_database_refuses_what_no_service_looked_at(tenant):
    one, other, fatima, tank = departure(), departure(), guide(), gear(quantity=2)
    resources.engage(resource_id=fatima.pk, departure_id=one.pk, actor=None)
    span = span_of(fatima, other.starts_at, other.ends_at)
    with pytest.raises(IntegrityError, match="resource_in_one_place"):
        Engagement.objects.create(resource=fatima, departure=other, span=span, state="ACCEPTED")
    with pytest.raises(IntegrityError, match="are engaged at once"):
        Engagement.objects.create(
            resource=tank, departure=other, span=span, state="ACCEPTED", quantity=3, is_whole=False
        )


# --- Staff and guides ---


def test_a_guide_is_asked_accepts_and_may_still_decline(tenant):
    one = departure()
    fatima, _other = guide(email="fatima@example.com"), guide("Zaki")
    need(one.tour)
    BookingFactory(departure=one, status=BookingStatus.CONFIRMED)
    made = resources.engage(resource_id=fatima.pk, departure_id=one.pk, actor=None)
    assert engaged(one) == [("Fatima", "ASSIGNED", 1)]
    assert resources.engage(resource_id=fatima.pk, departure_id=one.pk, actor=None).pk == made.pk
    resources.answer_engagement(engagement_id=made.pk, accepts=True)
    resources.answer_engagement(engagement_id=made.pk, accepts=True)
    assert engaged(one) == [("Fatima", "ACCEPTED", 1)]
    resources.answer_engagement(engagement_id=made.pk, accepts=False, note="My son is ill")
    assert engaged(one) == [("Zaki", "TENTATIVE", 1)]
    with pytest.raises(AlreadyAnswered):
        resources.answer_engagement(engagement_id=made.pk, accepts=True)


def test_when_nobody_else_is_free_a_refusal_is_a_red_flag_and_nothing_more_is_sold(tenant):
    one, fatima = departure(), guide(email="fatima@example.com")
    need(one.tour)
    BookingFactory(departure=one, status=BookingStatus.CONFIRMED)
    made = resources.engage(resource_id=fatima.pk, departure_id=one.pk, actor=None)
    resources.answer_engagement(engagement_id=made.pk, accepts=False)
    assert engaged(one) == []
    assert left(one) == [0]
    assert any("Missing: 1 × Guide" in reason for reason in flags(one))


def test_somebody_taken_off_and_what_was_kept_makes_way(tenant):
    one, ali, mona = departure(), guide("Ali"), guide("Mona")
    need(one.tour)
    HoldFactory(departure=one)
    assert engaged(one) == [("Ali", "TENTATIVE", 1)]
    made = resources.engage(resource_id=mona.pk, departure_id=one.pk, actor=None)
    assert engaged(one) == [("Mona", "ACCEPTED", 1)]
    resources.release_engagement(engagement_id=made.pk, actor=None, reason="other plans")
    assert engaged(one) == [(ali.name_en, "TENTATIVE", 1)]


def test_leave_moves_what_was_only_kept_and_is_refused_by_what_was_asked(tenant):
    one, ali = departure(), guide("Ali")
    need(one.tour)
    HoldFactory(departure=one)
    guide("Mona")
    away = {"starts_at": one.starts_at - timedelta(hours=1), "ends_at": one.ends_at, "actor": None}
    leave = resources.add_leave(resource_id=ali.pk, **away)
    assert engaged(one) == [("Mona", "TENTATIVE", 1)]
    with pytest.raises(ResourceBusy):
        resources.engage(resource_id=ali.pk, departure_id=one.pk, actor=None)
    resources.release_engagement(engagement_id=leave.pk, actor=None)
    resources.engage(resource_id=ali.pk, departure_id=one.pk, actor=None)
    with pytest.raises(ResourceBusy):
        resources.add_leave(resource_id=ali.pk, **away)


def test_a_departure_that_moves_takes_its_guide_along_or_loses_them(tenant):
    one, other, ali = departure(), departure(hour=8), guide("Ali")
    resources.engage(resource_id=ali.pk, departure_id=one.pk, actor=None)
    Departure.objects.filter(pk=one.pk).update(ends_at=one.ends_at + timedelta(hours=1))
    assert Engagement.objects.live().get().span.upper == one.ends_at + timedelta(hours=1)
    resources.engage(resource_id=ali.pk, departure_id=other.pk, actor=None)
    Departure.objects.filter(pk=one.pk).update(starts_at=other.starts_at, ends_at=other.ends_at)
    assert engaged(one) == []
    assert engaged(other) == [("Ali", "ACCEPTED", 1)]


def test_what_has_started_is_not_answered_any_more(tenant):
    one = departure()
    made = resources.engage(resource_id=guide(email="f@example.com").pk, departure_id=one.pk, actor=None)
    Departure.objects.filter(pk=one.pk).update(starts_at=now() - timedelta(hours=1), ends_at=now() + timedelta(hours=1))
    with pytest.raises(DepartureOver):
        resources.answer_engagement(engagement_id=made.pk, accepts=False)


def test_a_boat_a_guide_and_tanks_limit_together_through_the_api(tenant):
    """The boat has 6, two guides lead 4 each, there are 5 tanks: five divers go."""
    one = departure()
    pool_of(one.option, capacity=6)
    guide("Ali", skills=["diving"])
    guide("Mona", skills=["diving"])
    gear(quantity=5)
    need(one.tour, skill="diving", per_guests=4)
    need(one.tour, "EQUIPMENT", per_guests=1)
    client = APIClient()
    path = f"/api/v1/tours/{one.tour_id}/availability?date_from={one.local_date}"
    assert client.get(path).json()["items"][0]["available"] == 5
    refused = client.post("/api/v1/holds", {"departure_id": str(one.pk), "guests": {"adult": 6}}, format="json")
    assert (refused.status_code, refused.json()["details"]) == (409, {"left": 5, "asked": 6})
    taken = client.post("/api/v1/holds", {"departure_id": str(one.pk), "guests": {"adult": 5}}, format="json")
    assert taken.status_code == 201
    assert engaged(one) == [("Ali", "TENTATIVE", 1), ("Mona", "TENTATIVE", 1), ("Tank", "TENTATIVE", 5)]
    assert client.get(path).json()["items"][0]["status"] == "SOLD_OUT"
