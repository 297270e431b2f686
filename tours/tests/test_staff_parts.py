"""Deposits, pickup zones and blackouts for staff's programs: what the back-office's pages do."""

from datetime import time, timedelta

import pytest
from django.utils.timezone import now

from accounts.models import AuditEntry
from config.tenancy import tenant_context
from tours.models import Blackout, Departure, DepartureStatus, DepositRule, PickupPlace, PickupPrice, PickupZone
from tours.services import create_rule
from tours.tests.factories import OptionFactory

ADMIN = "/api/v1/admin"
BLACKOUTS, ZONES = f"{ADMIN}/blackouts", f"{ADMIN}/pickup-zones"


@pytest.fixture
def admin(client_as):
    return client_as("ADMIN")


@pytest.fixture
def tour(listed):
    return listed(slug="felucca")


def in_days(days):
    return (now() + timedelta(days=days)).date()


# --- Who may ---


@pytest.mark.parametrize(
    ("address", "methods"),
    [
        (BLACKOUTS, "get post"),
        (f"{BLACKOUTS}/01a1fe51-77a0-7c1d-8a44-0a3f0b9f6a10", "get patch delete"),
        (ZONES, "get post"),
        (f"{ZONES}/01a1fe51-77a0-7c1d-8a44-0a3f0b9f6a10", "get patch delete"),
        (f"{ADMIN}/tours/felucca/deposit", "get put delete"),
    ],
)
def test_employees_read_and_only_who_may_writes(tour, api, client_as, address, methods):
    employee, customer = client_as("EMPLOYEE"), client_as("CUSTOMER")
    for method in methods.split():
        assert getattr(api, method)(address, {}).status_code == 401
        assert getattr(customer, method)(address, {}).status_code == 403
        expected = {200, 404} if method == "get" else {403}
        assert getattr(employee, method)(address, {}).status_code in expected


# --- Deposits ---


def test_a_deposit_is_set_changed_and_dropped(tour, admin):
    address = f"{ADMIN}/tours/felucca/deposit"
    assert admin.get(address).status_code == 404
    made = admin.put(address, {"basis": "PERCENT", "amount": "20"})
    assert made.status_code == 200, made.content
    usual = {"balance_days": 30, "reminder_days": 7, "overdue": "FLAG", "grace_days": 3}
    assert made.json() == {"basis": "PERCENT", "amount": "20.000"} | usual
    changed = admin.put(address, {"basis": "PER_PERSON", "amount": "25.5", "balance_days": 10}).json()
    assert changed == admin.get(address).json()
    assert (changed["amount"], changed["balance_days"], DepositRule.objects.count()) == ("25.500", 10, 1)
    for _twice in range(2):
        assert admin.delete(address).status_code == 204
    assert admin.get(address).status_code == 404
    told = AuditEntry.objects.filter(action__startswith="tours.depositrule").order_by("at")
    assert [entry.action.split(".")[-1] for entry in told] == ["added", "changed", "deleted"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "100"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"basis": "HALF"}, "basis"),
        ({"basis": "PER_BOOKING", "amount": "1.005"}, "amount"),
        ({"balance_days": 0}, "balance_days"),
        ({"overdue": "CANCEL", "grace_days": 30}, "grace_days"),
    ],
)
def test_a_deposit_that_cannot_be_is_refused_by_its_field(tour, admin, wrong, field):
    answer = admin.put(f"{ADMIN}/tours/felucca/deposit", {"basis": "PERCENT", "amount": "20"} | wrong)
    assert answer.status_code == 400
    assert field in str(answer.json()["details"])
    assert not DepositRule.objects.exists()


def test_the_deposit_of_another_operators_tour_does_not_exist(tour, admin, other_tenant):
    with tenant_context(other_tenant.pk):
        theirs = OptionFactory(tour__slug="theirs").tour
    for given in ("theirs", theirs.pk, "nothing"):
        assert admin.put(f"{ADMIN}/tours/{given}/deposit", {"amount": "20"}).status_code == 404


# --- Pickup zones ---

BAY = {"code": "bay", "name_en": "Naama Bay", "name_ar": "خليج نعمة"}
HOTEL = {"name_en": "Hotel Nefertari", "name_ar": "فندق نفرتاري"}


def test_a_zone_is_made_with_its_places_and_they_are_replaced_by_name(tenant, admin):
    jetty = {"name_en": "Jetty", "name_ar": "رصيف", "minutes_earlier": 15}
    made = admin.post(ZONES, BAY | {"places": [HOTEL, jetty]})
    assert made.status_code == 201, made.content
    zone = made.json()
    assert [(place["name_en"], place["minutes_earlier"]) for place in zone["places"]] == [
        ("Hotel Nefertari", 0),
        ("Jetty", 15),
    ]
    kept = PickupPlace.objects.get(name_en="Jetty").pk
    terminal = {"name_en": "Terminal 1", "name_ar": "صالة ١"}
    changed = admin.patch(f"{ZONES}/{zone['id']}", {"places": [jetty | {"minutes_earlier": 20}, terminal]})
    assert [(place["name_en"], place["minutes_earlier"]) for place in changed.json()["places"]] == [
        ("Jetty", 20),
        ("Terminal 1", 0),
    ]
    assert PickupPlace.objects.get(name_en="Jetty").pk == kept
    renamed = admin.patch(f"{ZONES}/{zone['id']}", {"name_en": "Na'ama"}).json()
    assert (renamed["name_en"], len(renamed["places"])) == ("Na'ama", 2)
    entry = AuditEntry.objects.filter(action="tours.pickupzone.changed").order_by("at").first()
    assert list(entry.after) == ["places"]
    assert admin.delete(f"{ZONES}/{zone['id']}").status_code == 204
    assert admin.get(f"{ZONES}/{zone['id']}").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"code": "Naama Bay"}, "code"),
        ({"code": ""}, "code"),
        ({"name_ar": None}, "name_ar"),
        ({"latitude": "91"}, "latitude"),
        ({"radius_km": "3"}, "radius_km"),
        ({"places": [HOTEL, HOTEL]}, "places.1.name_en"),
        ({"places": "many"}, "places"),
    ],
)
def test_a_zone_that_cannot_be_is_refused_by_its_field(tenant, admin, wrong, field):
    answer = admin.post(ZONES, BAY | wrong)
    assert answer.status_code == 400
    assert field in str(answer.json()["details"])
    assert not PickupZone.objects.exists()


def test_a_code_is_given_once_and_a_zone_with_a_price_stays(tour, admin, other_tenant):
    made = admin.post(ZONES, BAY).json()
    assert admin.post(ZONES, BAY).json()["error_code"] == "zone_code_taken"
    with tenant_context(other_tenant.pk):
        theirs = PickupZone.objects.create(**BAY)  # another operator's bay is another bay
    assert admin.patch(f"{ZONES}/{theirs.pk}", {"name_en": "Mine"}).status_code == 404
    PickupPrice.objects.create(tour=tour, zone_id=made["id"], amount=5)
    refused = admin.delete(f"{ZONES}/{made['id']}")
    assert (refused.status_code, refused.json()["error_code"]) == (409, "zone_in_use")
    assert AuditEntry.objects.filter(action="tours.pickupzone.deleted").count() == 0


# --- Blackouts ---

EID = {"reason_en": "Eid", "reason_ar": "العيد"}


@pytest.fixture
def daily(tour):
    """Every day at nine."""
    data = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "start_time": time(9), "valid_from": in_days(0)}
    create_rule(option_id=tour.options.get().pk, data=data, actor=None)
    return tour


def days(first, last=None):
    return {"first_day": in_days(first).isoformat(), "last_day": in_days(last or first).isoformat()}


def test_a_blackout_takes_departures_away_and_lifted_brings_them_back(daily, admin):
    there = Departure.objects.count()
    made = admin.post(BLACKOUTS, {"tour": str(daily.pk), **days(5, 7), **EID})
    assert made.status_code == 201, made.content
    assert made.json()["departures"]["departures_removed"] == 3
    assert Departure.objects.count() == there - 3
    address = f"{BLACKOUTS}/{made.json()['id']}"
    shorter = admin.patch(address, days(5))
    assert shorter.json()["departures"]["departures_made"] == 2
    assert admin.get(address).json()["last_day"] == in_days(5).isoformat()
    listed = admin.get(BLACKOUTS, {"date_from": in_days(6).isoformat()}).json()
    assert (listed["total"], admin.get(BLACKOUTS, {"tour": str(daily.pk)}).json()["total"]) == (0, 1)
    assert admin.delete(address).json()["departures_made"] == 1
    assert Departure.objects.count() == there
    assert admin.get(address).status_code == 404
    assert AuditEntry.objects.filter(action="tours.blackout.deleted").count() == 1


def test_with_guests_it_is_done_once_they_were_seen(daily, admin):
    sold = Departure.objects.get(local_date=in_days(5))
    Departure.objects.filter(pk=sold.pk).update(seats_booked=3, seats_held=1)
    asked = {"tour": str(daily.pk), **days(5), **EID}
    refused = admin.post(BLACKOUTS, asked)
    assert (refused.status_code, refused.json()["error_code"]) == (409, "guests_concerned")
    details = refused.json()["details"]
    assert (details["departures"], details["seats"]) == (1, 4)
    assert not Blackout.objects.exists()
    stale = admin.post(BLACKOUTS, asked | {"fingerprint": "0" * 32})
    assert (stale.status_code, stale.json()["error_code"]) == (409, "plan_stale")
    done = admin.post(BLACKOUTS, asked | {"fingerprint": details["fingerprint"]})
    assert done.status_code == 201, done.content
    assert done.json()["departures"]["departures_left"] == 1
    sold.refresh_from_db()
    assert (sold.status, sold.seats_booked) == (DepartureStatus.CLOSED, 3)


@pytest.mark.parametrize(
    ("wrong", "status", "field"),
    [
        ({"last_day": "2020-01-01", "first_day": "2020-01-02"}, 400, "__all__"),
        ({"first_day": "soon"}, 400, "first_day"),
        ({"reason_ar": ""}, 400, "reason_ar"),
        ({"tour": "01a1fe51-77a0-7c1d-8a44-0a3f0b9f6a10"}, 400, "tour"),
        ({"tour": "x"}, 400, "tour"),
    ],
)
def test_a_blackout_that_cannot_be_is_refused(daily, admin, wrong, status, field):
    answer = admin.post(BLACKOUTS, {"tour": str(daily.pk), **days(5), **EID, **wrong})
    assert answer.status_code == status, answer.content
    assert field in str(answer.json()["details"])
    assert not Blackout.objects.exists()


def test_of_a_tour_and_a_destination_at_once_it_cannot_be(daily, admin, other_tenant):
    both = {"tour": str(daily.pk), "destination": str(daily.destination_id)}
    assert admin.post(BLACKOUTS, {**both, **days(5), **EID}).status_code == 400
    with tenant_context(other_tenant.pk):
        theirs = Blackout.objects.create(first_day=in_days(5), last_day=in_days(5), **EID)
    assert admin.get(f"{BLACKOUTS}/{theirs.pk}").status_code == 404
    assert admin.delete(f"{BLACKOUTS}/{theirs.pk}").status_code == 404
    assert admin.get(BLACKOUTS).json()["total"] == 0


def test_lists_need_as_many_statements_for_many_rows(tenant, admin, django_assert_num_queries):
    for number in range(12):
        zone = PickupZone.objects.create(**BAY | {"code": f"bay-{number}"})
        PickupPlace.objects.create(zone=zone, **HOTEL)
        Blackout.objects.create(first_day=in_days(number), last_day=in_days(number), **EID)
    admin.get(ZONES)
    with django_assert_num_queries(3):
        assert admin.get(ZONES).json()["total"] == 12
    with django_assert_num_queries(2):
        assert admin.get(BLACKOUTS).json()["total"] == 12
