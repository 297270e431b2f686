"""Extras, pickup and deposit on the screen of a phone booking: 2 adults at 100, a set for 10, Makadi Bay for 10 a person."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from bookings.models import BookingStatus
from payments.models import Payment
from payments.tests.steps import assert_sound
from payments.tests.test_desk import clerk_at, fields, only_booking, party, press
from tours.models import DepositRule, ExtraStock, PickupPlace, PickupPrice, PickupRule, PickupZone, TransferPrice
from tours.tests.factories import DepartureFactory, ExtraFactory

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def departure(tenant):
    departure = DepartureFactory(starts_at=now().replace(microsecond=0) + timedelta(days=60))
    ExtraFactory(tour=departure.tour, code="snorkel", name_en="Snorkel set", basis="PER_UNIT", amount=10, stock=3)
    ExtraFactory(tour=departure.tour, code="fee", name_en="Park fee", amount=5, is_required=True)
    DepositRule.objects.create(tour=departure.tour, amount=Decimal(25))
    return departure


def makadi(departure, **rule):
    PickupRule.objects.create(tour=departure.tour, **rule)
    zone = PickupZone.objects.create(code="makadi", name_en="Makadi Bay", name_ar="خليج مكادي")
    PickupPrice.objects.create(tour=departure.tour, zone=zone, amount=10)
    return PickupPlace.objects.create(zone=zone, name_en="Steigenberger", name_ar="شتيجنبرجر")


def test_chosen_held_and_paid_by_deposit(client, departure):
    """200 + 2 sets 20 + fee 10 + pickup 20 are 250; a quarter is 62.50."""
    clerk_at(client)
    hotel = makadi(departure)
    form = party(departure, **{"extra-snorkel": "2", "ride_from": f"place:{hotel.pk}"})
    shown = press(client, "look", form)
    page = shown.content.decode()
    assert "$250.00" in page
    assert "$62.50" in page
    assert "3 left" in page
    assert 'name="extra-fee"' not in page  # it adds itself
    held = press(client, "hold", fields(shown) | {"ride_from": f"place:{hotel.pk}"})
    assert ExtraStock.objects.get().taken == 2
    form = fields(held) | {"ride_from": f"place:{hotel.pk}", "way": "cash", "receipt": "R-1", "deposit": "1"}
    assert press(client, "book", form).status_code == 302
    booking = only_booking()
    assert (booking.status, booking.total, booking.amount_due) == (
        BookingStatus.CONFIRMED,
        250,
        Decimal("187.50"),
    )
    assert booking.quote["pickup"]["name_en"] == "Steigenberger"
    assert Payment.objects.get().amount == Decimal("62.50")
    assert_sound()


def test_no_more_sets_than_there_are(client, departure):
    clerk_at(client)
    answer = press(client, "hold", party(departure, **{"extra-snorkel": "4"}))
    assert answer.status_code == 409
    assert "only 3 are left" in answer.content.decode()


def test_a_transfer_asks_for_both_ends_and_the_flight(client, departure):
    clerk_at(client)
    hotel = makadi(departure, kind="TRANSFER", allows_unlisted=True)
    airport = PickupZone.objects.create(code="hrg", name_en="Airport", name_ar="المطار")
    TransferPrice.objects.create(tour=departure.tour, origin=airport, destination=hotel.zone, amount=30)
    shown = press(client, "look", party(departure))
    assert "from where to where" in shown.content.decode()
    ends = {"ride_from": "zone:hrg", "ride_from_text": "Terminal 1", "ride_to": f"place:{hotel.pk}"}
    form = party(departure, way="later", reason="regular guest", flight_number="MS 41", **ends)
    bad = press(client, "book", form | {"flight_at": "soon"})
    assert "as 2027-01-31 14:30" in bad.content.decode()
    assert press(client, "book", form | {"flight_at": "2027-01-31T14:30"}).status_code == 302
    booking = only_booking()
    assert (booking.total, booking.flight_number, booking.flight_at.isoformat()) == (
        240,  # 200 + fee 10 + one vehicle 30
        "MS 41",
        "2027-01-31T12:30:00+00:00",
    )
    assert booking.quote["pickup"]["destination"]["zone"] == "makadi"
