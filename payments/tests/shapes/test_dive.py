"""A dive trip limited by its boat, its guides and its tanks: entered through the back-office alone, sold through the API.

The boat *Isis* takes 10, divers and snorkellers together. Divers: 1,500 EGP each, one diving guide for every four (Ali and Mona
can), a tank each (of which there are 7). Snorkellers: 600 EGP each, no guide, no tank.

- Six divers: 6 × 1,500 = 9,000.00. They take both guides and six tanks; one tank is left, so one diver more may come.
- On the boat 10 - 6 = 4 places are left for snorkellers: 4 × 600 = 2,400.00. Then nobody else comes, though a tank is free.
"""

from datetime import timedelta

import pytest
from django.utils.timezone import localdate

from config.invariants import check_all
from ledger.seeds import seed_platform
from payments.tests.shapes import Office, Shop, category, pay
from tours.models import (
    Departure,
    Engagement,
    OptionPrice,
    Pool,
    PoolMember,
    Resource,
    ResourceNeed,
    TourOption,
)

pytestmark = pytest.mark.django_db

DAY = localdate() + timedelta(days=20)


@pytest.fixture
def trip(tenant):
    seed_platform()
    office = Office()
    tour = office.tour(
        [
            {"name_en": "Diving", "name_ar": "غوص", "code": "diving", "capacity": 10},
            {
                "name_en": "Snorkelling",
                "name_ar": "سباحة بالأنبوب",
                "code": "snorkel",
                "capacity": 10,
                "is_default": False,
            },
        ],
        title_en="Reefs of Hurghada",
        title_ar="شعاب الغردقة",
        duration_minutes=360,
    )
    diving, snorkelling = TourOption.objects.get(code="diving"), TourOption.objects.get(code="snorkel")
    office.change(diving, rows={OptionPrice: [{"category": category("adult"), "amount": "1500.00"}]})
    office.change(snorkelling, rows={OptionPrice: [{"category": category("adult"), "amount": "600.00"}]})
    for name, skills in (("Ali", "diving"), ("Mona", "diving\ndesert"), ("Zaki", "desert")):
        office.add(
            Resource, {"kind": "GUIDE", "name_en": name, "name_ar": name, "skills": skills, "languages": "ar\nen"}
        )
    office.add(Resource, {"kind": "EQUIPMENT", "name_en": "Tank", "name_ar": "أسطوانة", "quantity": 7})
    needs = [
        {"kind": "GUIDE", "skill": "diving", "count": 1, "per_guests": 4, "option": diving, "on_shortage": "STOP"},
        {"kind": "EQUIPMENT", "count": 1, "per_guests": 1, "option": diving, "on_shortage": "STOP"},
    ]
    office.change(tour, rows={ResourceNeed: needs})
    office.add(
        Pool,
        {"name_en": "Boat Isis", "name_ar": "مركب إيزيس", "capacity": 10},
        rows={PoolMember: [{"option": diving}, {"option": snorkelling}]},
    )
    office.publish(tour)
    for option in (diving, snorkelling):
        office.add(Departure, {"option": option, "day": DAY.isoformat(), "at": "08:00"})
    return Departure.objects.get(option=diving), Departure.objects.get(option=snorkelling)


def test_boat_guides_and_tanks_limit_what_is_sold(trip):
    dive, snorkel = trip
    shop = Shop()

    def left():
        found = shop.get(f"tours/{dive.tour_id}/availability", date_from=DAY.isoformat(), date_to=DAY.isoformat())
        return {item["option"]["code"]: item["available"] for item in found["items"]}

    assert left() == {"diving": 7, "snorkel": 10}
    refused = shop.hold(dive, {"adult": 8}, expect=409)
    assert (refused["error_code"], refused["details"]["left"]) == ("seats_unavailable", 7)
    pay(shop.book(dive, {"adult": 6}, total="9000.00"))
    engaged = Engagement.objects.live().values_list("resource__name_en", "quantity")
    assert sorted(engaged) == [("Ali", 1), ("Mona", 1), ("Tank", 6)]
    assert left() == {"diving": 1, "snorkel": 4}
    assert shop.hold(snorkel, {"adult": 5}, expect=409)["details"]["left"] == 4
    booking = pay(shop.book(snorkel, {"adult": 4}, total="2400.00"))
    assert left() == {"diving": 0, "snorkel": 0}
    shop.client.put(f"/api/v1/bookings/{booking.pk}/cancel", {"reason": "ill"}, format="json")
    assert left() == {"diving": 1, "snorkel": 4}
    faults = {name: found for name, found in check_all().faults.items() if found and name.startswith("tours:")}
    assert faults == {}
