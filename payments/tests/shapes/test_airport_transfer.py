"""An airport transfer with zones, in EGP. A car takes three, a van seven; a vehicle is paid for whether it is full or not.

airport ↔ Makadi Bay   car 600, van 900
airport → El Gouna     van 1,200, not back
"""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from bookings.models import Booking
from bookings.selectors.manifest import manifest
from ledger.seeds import seed_platform
from payments.tests.shapes import Office, Shop, category, pay
from payments.tests.steps import assert_sound
from tours.models import OptionPrice, PickupPlace, PickupRule, PickupZone, TransferPrice
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")

ARRIVAL = {"zone": "hrg", "text": "Terminal 1"}


@pytest.fixture
def sold():
    """Everything entered in the back-office; a departure of the car and one of the van."""
    seed_platform()
    office = Office()
    airport, makadi, gouna = (
        office.add(PickupZone, {"code": code, "name_en": english, "name_ar": arabic})
        for code, english, arabic in (
            ("hrg", "Hurghada airport", "مطار الغردقة"),
            ("makadi", "Makadi Bay", "خليج مكادي"),
            ("gouna", "El Gouna", "الجونة"),
        )
    )
    office.change(makadi, rows={PickupPlace: [{"name_en": "Steigenberger", "name_ar": "شتيجنبرجر"}]})
    office.change(gouna, rows={PickupPlace: [{"name_en": "Abu Tig Marina", "name_ar": "مارينا أبو تيج"}]})
    tour = office.tour(
        [
            {"name_en": "Car", "name_ar": "سيارة", "code": "car", "capacity": 30},
            {"name_en": "Van", "name_ar": "حافلة صغيرة", "code": "van", "capacity": 70},
        ],
        title_en="Airport transfer",
        title_ar="توصيل من المطار",
    )
    car, van = (tour.options.get(code=code) for code in ("car", "van"))
    for option in (car, van):
        office.change(option, rows={OptionPrice: [{"category": category("adult"), "amount": "0"}]})
    office.change(
        tour,
        rows={
            PickupRule: [{"kind": "TRANSFER", "allows_unlisted": True, "change_until_minutes": 720}],
            TransferPrice: [
                {"origin": airport, "destination": makadi, "amount": "600", "vehicle_seats": 3},
                {"origin": airport, "destination": makadi, "option": van, "amount": "900", "vehicle_seats": 7},
                {
                    "origin": airport,
                    "destination": gouna,
                    "option": van,
                    "amount": "1200",
                    "vehicle_seats": 7,
                    "both_ways": False,
                },
            ],
        },
    )
    office.publish(tour)
    start = now().replace(microsecond=0) + timedelta(days=7)
    return [DepartureFactory(option=option, starts_at=start, capacity=30) for option in (car, van)]


def hotel(shop, departure, name):
    """As a guest finds it."""
    found = shop.get(f"tours/{departure.tour_id}/pickups", q=name)["places"]
    return {"place_id": found[0]["id"]}


def test_sold_by_zone_and_vehicle(sold):
    car, van = sold
    shop = Shop()
    steigenberger = hotel(shop, car, "شتيجن")
    to_makadi = {"origin": ARRIVAL, "destination": steigenberger}
    shop.book(car, {"adult": 3}, "600.00", transfer=to_makadi)
    shop.book(car, {"adult": 4}, "1200.00", transfer=to_makadi)  # two cars
    shop.book(van, {"adult": 4}, "900.00", transfer=to_makadi)
    shop.book(car, {"adult": 2}, "600.00", transfer={"origin": steigenberger, "destination": ARRIVAL})  # back
    gouna = hotel(shop, van, "Abu Tig")
    shop.book(van, {"adult": 8}, "2400.00", transfer={"origin": ARRIVAL, "destination": gouna})  # two vans
    refused = shop.quote(van, {"adult": 2}, expect=422, transfer={"origin": gouna, "destination": ARRIVAL})
    assert refused["error_code"] == "way_not_served"
    assert shop.quote(car, {"adult": 2}, expect=400)["error_code"] == "transfer_needed"
    assert_sound()


def test_the_flight_is_kept_and_the_driver_reads_it(sold):
    car, _van = sold
    shop = Shop()
    ride = {"origin": ARRIVAL, "destination": hotel(shop, car, "steig")}
    hold = shop.hold(car, {"adult": 2}, transfer=ride)
    landing = (car.starts_at - timedelta(minutes=40)).isoformat()
    made = shop.post(
        "bookings",
        {
            "hold_id": hold["id"],
            "contact": {"name": "Mona Saleh", "email": "mona@example.com"},
            "flight_number": "MS 41",
            "flight_at": landing,
        },
        201,
    )
    assert made["flight_number"] == "MS 41"
    pay(Booking.objects.get(pk=made["id"]))
    party = manifest(car.pk).parties[0]
    assert "Terminal 1 (Hurghada airport) → Steigenberger (Makadi Bay)" in party.pickup
    assert party.flight.startswith("MS 41 · ")
