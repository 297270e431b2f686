"""Where parties are fetched, and what it costs: prices worked out by hand, 2 adults at 100 each."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils.timezone import now
from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from bookings.access import booking_token
from bookings.documents import calendar_ics
from bookings.documents.facts import facts_of
from bookings.errors import BookingEnded, DifferenceChanged, NoRide, PickupFixed
from bookings.models import Booking, BookingStatus
from bookings.pricing import asked_again, quote
from bookings.selectors.manifest import manifest
from bookings.services import book_at_once, cancel_booking, change_pickup, pickup_change, record_payment
from bookings.tests.factories import CONTACT, BookingFactory, ClerkFactory, CustomerFactory, move_in_time
from bookings.tests.test_concurrency import assert_proven
from config.errors import InvalidInput
from config.tenancy import tenant_at_hand
from ledger.tests.factories import ExchangeRateFactory
from notifications.models import Event
from tours.errors import (
    AddressNotListed,
    NoPickup,
    NotATransfer,
    OutsideTheZones,
    PickupNeeded,
    TransferNeeded,
    UnknownPickup,
    WayNotServed,
)
from tours.models import PickupPlace, PickupPrice, PickupRule, PickupZone, TransferPrice
from tours.tests.factories import CurrencyFactory, DepartureFactory, OptionFactory, TaxRateFactory

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def departure(tenant):
    """Hurghada for nothing, Makadi Bay for 10 a person, an hour and ninety minutes before."""
    departure = DepartureFactory()
    PickupRule.objects.create(tour=departure.tour)
    for code, names, basis, amount, minutes in (
        ("hurghada", ("Hurghada", "الغردقة"), "PER_BOOKING", 0, 60),
        ("makadi", ("Makadi Bay", "خليج مكادي"), "PER_PERSON", 10, 90),
    ):
        zone = PickupZone.objects.create(code=code, name_en=names[0], name_ar=names[1])
        PickupPrice.objects.create(tour=departure.tour, zone=zone, basis=basis, amount=amount, minutes_before=minutes)
    return departure


def place(zone="makadi", name="Steigenberger", arabic="شتيجنبرجر", **values):
    return PickupPlace.objects.create(zone=PickupZone.objects.get(code=zone), name_en=name, name_ar=arabic, **values)


def asked(departure, guests=None, **ride):
    return quote(departure_id=departure.pk, guests=guests or {"adult": 2}, **ride)


def booked(departure, adults=2, **ride):
    return book_at_once(departure_id=departure.pk, guests={"adult": adults}, contact=CONTACT.copy(), **ride)


def at(hotel):
    return {"place_id": hotel.pk}


# --- The price ---


def test_a_pickup_has_its_line_and_its_time(departure):
    hotel = place(minutes_earlier=5)
    made = asked(departure, pickup=at(hotel))
    line = made.lines[-1]
    assert (line.rule, line.quantity, line.unit, line.amount) == ("pickup:makadi", 2, 10, 20)
    assert (line.label_en, line.label_ar) == ("Pickup: Makadi Bay", "التوصيل: خليج مكادي")
    kept = made.as_json()["pickup"]
    assert (made.total, kept["name_en"], kept["name_ar"]) == (220, "Steigenberger", "شتيجنبرجر")
    assert kept["at"] == (departure.starts_at - timedelta(minutes=95)).isoformat()
    assert asked(departure, **{k: v for k, v in asked_again(made.as_json()).items() if k != "guests"}).total == 220


@pytest.mark.parametrize(
    ("basis", "seats", "adults", "amount"),
    [
        ("PER_PERSON", None, 3, 30),
        ("PER_BOOKING", None, 3, 10),
        ("PER_VEHICLE", 4, 4, 10),  # one car
        ("PER_VEHICLE", 4, 5, 20),  # two
        ("PER_VEHICLE", 1, 5, 50),
    ],
)
def test_what_is_charged(departure, basis, seats, adults, amount):
    PickupPrice.objects.filter(zone__code="makadi").update(basis=basis, vehicle_seats=seats)
    made = asked(departure, {"adult": adults}, pickup=at(place()))
    assert made.lines[-1].amount == amount


def test_a_free_pickup_is_shown_as_free(departure):
    made = asked(departure, pickup=at(place("hurghada")))
    assert (made.lines[-1].amount, made.total) == (0, 200)


def test_in_another_currency_with_tax_on_top(departure):
    """20 of pickup at 0.9 is 18; 10 % on 180 + 18 is 19.80."""
    CurrencyFactory(code="EUR")
    ExchangeRateFactory(base_id="USD", quote_id="EUR", rate=Decimal("0.9"))
    tax = TaxRateFactory(code="vat-x", percent=10, is_inclusive=False)
    type(departure.tour).objects.filter(pk=departure.tour_id).update(tax=tax)
    made = asked(departure, pickup=at(place()), currency="EUR")
    assert (made.lines[-1].amount, made.total) == (18, Decimal("217.80"))


# --- What is refused ---


def test_only_where_the_tour_drives(departure):
    elsewhere = PickupZone.objects.create(code="luxor", name_en="Luxor", name_ar="الأقصر")
    far = PickupPlace.objects.create(zone=elsewhere, name_en="Winter Palace", name_ar="قصر الشتاء")
    for wrong in (at(far), {"place_id": uuid4()}):
        with pytest.raises(UnknownPickup):
            asked(departure, pickup=wrong)
    closed = place(is_active=False)
    with pytest.raises(UnknownPickup):
        asked(departure, pickup=at(closed))
    with pytest.raises(NotATransfer):
        asked(departure, transfer={"origin": at(far), "destination": at(far)})
    with pytest.raises(NoPickup):
        asked(DepartureFactory(), pickup=at(place("hurghada")))


def test_somebody_elses_hotel_is_none(departure, other_tenant):
    from config.tenancy import tenant_context  # noqa: PLC0415

    with tenant_context(other_tenant.pk):
        zone = PickupZone.objects.create(code="makadi", name_en="x", name_ar="x")
        theirs = PickupPlace.objects.create(zone=zone, name_en="x", name_ar="x")
    with pytest.raises(UnknownPickup):
        asked(departure, pickup=at(theirs))


def test_an_address_by_permission_of_the_tour(departure):
    villa = {"text": "Villa 7, Orange street", "zone": "makadi"}
    with pytest.raises(AddressNotListed):
        asked(departure, pickup=villa)
    PickupRule.objects.update(allows_unlisted=True)
    made = asked(departure, pickup=villa)
    assert (made.total, made.as_json()["pickup"]["name_ar"]) == (220, "Villa 7, Orange street")
    for wrong in ({"text": "V", "zone": "makadi"}, {"text": "x" * 161, "zone": "makadi"}, {"text": "Villa 7"}):
        with pytest.raises(InvalidInput):
            asked(departure, pickup=wrong)
    with pytest.raises(UnknownPickup):
        asked(departure, pickup={"text": "Villa 7", "zone": "nowhere"})


def test_the_nearest_circle_around_a_point_has_it(departure):
    PickupRule.objects.update(allows_unlisted=True)
    PickupZone.objects.filter(code="hurghada").update(latitude="27.25", longitude="33.81", radius_km=30)
    PickupZone.objects.filter(code="makadi").update(latitude="26.99", longitude="33.90", radius_km=12)
    villa = {"text": "Villa 7", "latitude": 27.0, "longitude": 33.89}
    assert asked(departure, pickup=villa).lines[-1].rule == "pickup:makadi"
    assert asked(departure, pickup=villa | {"latitude": 27.24}).lines[-1].rule == "pickup:hurghada"
    with pytest.raises(OutsideTheZones):
        asked(departure, pickup=villa | {"latitude": 30.0})


def test_where_everyone_is_fetched(departure):
    PickupRule.objects.update(kind="REQUIRED")
    with pytest.raises(PickupNeeded):
        asked(departure)
    assert asked(departure, pickup=at(place("hurghada"))).total == 200


# --- Transfers ---


@pytest.fixture
def transfer(tenant):
    """Airport to Makadi Bay: 30 for a car of three, 45 for a van of seven, both ways; the van alone to El Gouna, one way."""
    departure = DepartureFactory(option=OptionFactory(code="car", prices={"adult": "0", "child": "0"}))
    van = OptionFactory(tour=departure.tour, code="van", prices={"adult": "0"})
    PickupRule.objects.create(tour=departure.tour, kind="TRANSFER", allows_unlisted=True)
    zones = [
        PickupZone.objects.create(code=code, name_en=name, name_ar=name)
        for code, name in (("hrg", "Hurghada airport"), ("makadi", "Makadi Bay"), ("gouna", "El Gouna"))
    ]
    airport, makadi, gouna = zones
    TransferPrice.objects.create(tour=departure.tour, origin=airport, destination=makadi, amount=30, vehicle_seats=3)
    TransferPrice.objects.create(
        tour=departure.tour, option=van, origin=airport, destination=makadi, amount=45, vehicle_seats=7
    )
    TransferPrice.objects.create(
        tour=departure.tour, option=van, origin=airport, destination=gouna, amount=60, vehicle_seats=7, both_ways=False
    )
    return departure, DepartureFactory(option=van)


def way(origin, destination):
    def point(zone):
        return {"zone": zone, "text": f"In {zone}"}

    return {"origin": point(origin), "destination": point(destination)}


@pytest.mark.parametrize(
    ("vehicle", "ends", "adults", "total"),
    [
        ("car", ("hrg", "makadi"), 3, 30),
        ("car", ("hrg", "makadi"), 4, 60),  # two cars
        ("car", ("makadi", "hrg"), 2, 30),  # back
        ("van", ("hrg", "makadi"), 4, 45),
        ("van", ("hrg", "gouna"), 8, 120),  # two vans
        ("car", ("hrg", "gouna"), 2, None),
        ("van", ("gouna", "hrg"), 2, None),  # one way only
    ],
)
def test_a_transfer_costs_what_its_zones_and_its_vehicle_say(transfer, vehicle, ends, adults, total):
    departure = transfer[vehicle == "van"]
    if total is None:
        with pytest.raises(WayNotServed):
            asked(departure, {"adult": adults}, transfer=way(*ends))
        return
    made = asked(departure, {"adult": adults}, transfer=way(*ends))
    assert (made.total, made.lines[-1].rule) == (total, f"transfer:{ends[0]}:{ends[1]}")
    assert made.as_json()["pickup"]["destination"]["zone"] == ends[1]


def test_a_transfer_needs_both_ends(transfer):
    for wrong in ({}, {"pickup": {"zone": "hrg", "text": "Gate 2"}}):
        with pytest.raises(TransferNeeded):
            asked(transfer[0], **wrong)
    with pytest.raises(InvalidInput):
        asked(transfer[0], transfer={"origin": {"zone": "hrg", "text": "Gate 2"}})


# --- Booked, shown, changed ---


def test_shown_wherever_the_party_is(departure):
    hotel = place()
    late = booked(departure, pickup=at(place("hurghada", "Sunrise", "صن رايز")))
    early = booked(departure, pickup=at(hotel))
    walks = booked(departure)
    for booking in (late, early, walks):
        record_payment(booking_id=booking.pk, paid=booking.total, refunded=Decimal(0))
    listed = [party.booking.reference for party in manifest(departure.pk).parties]
    assert listed == [early.reference, late.reference, walks.reference]
    booking = Booking.objects.for_display().get(pk=early.pk)
    time = (departure.local_start() - timedelta(minutes=90)).strftime("%H:%M")
    for language, name in (("en", "Steigenberger"), ("ar", "شتيجنبرجر")):
        facts = facts_of(booking, tenant_at_hand(), language)
        told = " ".join(fact.value for fact in facts.rows)
        assert name in told
        assert time in told
        assert name in calendar_ics(booking, language).decode().replace("\r\n ", "")


def test_another_hotel_until_the_cut_off_and_the_difference_is_due(departure):
    booking = booked(departure, pickup=at(place("hurghada")))
    record_payment(booking_id=booking.pk, paid=Decimal(200), refunded=Decimal(0))
    makadi = at(place())
    assert pickup_change(booking_id=booking.pk, pickup=makadi)[1] == 20
    with pytest.raises(DifferenceChanged):
        change_pickup(booking_id=booking.pk, pickup=makadi, expected_difference=Decimal(0))
    booking = change_pickup(booking_id=booking.pk, pickup=makadi, expected_difference=Decimal(20))
    assert (booking.total, booking.amount_due, booking.payment_status) == (220, 20, "PARTIALLY_PAID")
    assert booking.quote["pickup"]["zone"] == "makadi"
    assert booking.events.get(action="pickup_changed").data["amount"] == "20.00"
    assert_proven()
    again = change_pickup(booking_id=booking.pk, pickup=makadi)
    assert (again.total, Event.objects.filter(type="booking.pickup_changed").count()) == (220, 1)


def test_a_cheaper_hotel_gives_back(departure):
    booking = booked(departure, pickup=at(place()))
    record_payment(booking_id=booking.pk, paid=Decimal(220), refunded=Decimal(0))
    booking = change_pickup(booking_id=booking.pk, pickup=at(place("hurghada")))
    assert (booking.total, booking.amount_due) == (200, 0)
    assert Event.objects.get(type="booking.pickup_changed").data["refund"] == "20.00"
    assert_proven()


def test_contained_tax_follows(departure):
    """14 % contained: 220 hold 27.02, 200 hold 24.56; the difference of 20 holds 2.46."""
    type(departure.tour).objects.filter(pk=departure.tour_id).update(tax=TaxRateFactory())
    booking = booked(departure)
    assert booking.quote["tax_lines"][0]["amount"] == "24.56"
    booking = change_pickup(booking_id=booking.pk, pickup=at(place()))
    assert (booking.total, booking.quote["tax_lines"][0]["amount"]) == (220, "27.02")
    assert_proven()


def test_too_late_ended_or_nothing_to_change(departure):
    booking, hotel = booked(departure, pickup=at(place("hurghada"))), at(place())
    move_in_time(booking, now() + timedelta(hours=23), now() + timedelta(hours=25))
    with pytest.raises(PickupFixed):
        change_pickup(booking_id=booking.pk, pickup=hotel, actor=CustomerFactory())
    clerk = ClerkFactory(permissions=["bookings.change_booking"])
    assert change_pickup(booking_id=booking.pk, pickup=hotel, actor=clerk).total == 220
    cancel_booking(booking_id=booking.pk, actor=clerk)
    with pytest.raises(BookingEnded):
        change_pickup(booking_id=booking.pk, pickup=hotel, actor=clerk)
    with pytest.raises(NoRide):
        change_pickup(booking_id=BookingFactory().pk, pickup=hotel, actor=clerk)


# --- Over the API ---


def signed_in(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}")
    return client


def test_found_by_name_in_either_language(departure):
    place(address="Safaga road")
    place("hurghada", "Sunrise", "صن رايز")
    client, address = APIClient(), f"/api/v1/tours/{departure.tour_id}/pickups"
    for asks, found in (("steig", 1), ("شتيجن", 1), ("safaga", 1), ("صن", 1), ("hilton", 0), ("", 2)):
        answer = client.get(address, {"q": asks})
        assert (answer.status_code, len(answer.json()["places"])) == (200, found), asks
    zones = {zone["code"]: zone for zone in answer.json()["zones"]}
    assert (zones["makadi"]["amount"], zones["makadi"]["minutes_before"]) == ("10.00", 90)
    assert client.get(address, {"latitude": "x"}).status_code == 400
    assert client.get(f"/api/v1/tours/{uuid4()}/pickups").status_code == 404


def test_a_customer_books_with_pickup_and_flight_and_changes_it(departure):
    customer, hotel = CustomerFactory(), place()
    client = signed_in(customer)
    body = {"departure_id": str(departure.pk), "guests": {"adult": 2}, "pickup_at": {"place_id": str(hotel.pk)}}
    assert client.post("/api/v1/quotes", body, format="json").json()["total"] == "220.00"
    hold = client.post("/api/v1/holds", body, format="json").json()
    landing = (now() + timedelta(days=6)).replace(microsecond=0).isoformat()
    made = client.post(
        "/api/v1/bookings",
        {"hold_id": hold["id"], "contact": CONTACT, "flight_number": "MS 777", "flight_at": landing},
        format="json",
    )
    booking = made.json()
    assert made.status_code == 201, booking
    assert (booking["total"], booking["flight_number"]) == ("220.00", "MS 777")
    assert booking["quote"]["pickup"]["name"] == "Steigenberger"
    address = f"/api/v1/bookings/{booking['id']}/pickup"
    other = {"pickup_at": {"place_id": str(place("hurghada", "Sunrise", "صن رايز").pk)}}
    assert client.post(address, other, format="json").json()["difference"] == "-20.00"
    changed = client.put(address, other | {"expected_difference": "-20.00"}, format="json")
    assert (changed.status_code, changed.json()["total"]) == (200, "200.00")
    assert signed_in(CustomerFactory()).put(address, other, format="json").status_code == 404
    by_link = APIClient().put(
        address, other, format="json", headers={"X-Booking-Token": booking_token(Booking.objects.get())}
    )
    assert by_link.status_code == 200
    assert client.put(address, {"pickup_at": {"place_id": "x"}}, format="json").status_code == 400
    assert client.put(address, {}, format="json").status_code == 200  # none at all: the tour leaves it open
    assert Booking.objects.get().quote["pickup"] is None
    assert Booking.objects.get().status == BookingStatus.PENDING_PAYMENT
