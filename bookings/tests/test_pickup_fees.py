"""A pickup that changes, with a service fee and taxes on both: worked out by hand, 2 adults at 100 each."""

from decimal import Decimal

import pytest

from bookings.errors import DearerPickupAfterRefund
from bookings.models import Booking, BookingStatus
from bookings.pricing import quote
from bookings.services import change_pickup, pickup_change, record_payment
from bookings.tests.factories import BookingFactory, ClerkFactory
from config.invariants import check_all
from notifications.models import Event
from tours.models import PickupPlace, PickupPrice, PickupRule, PickupZone, ServiceFee
from tours.tests.factories import DepartureFactory, TaxRateFactory

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def departure(tenant):
    departure = DepartureFactory()
    PickupRule.objects.create(tour=departure.tour)
    return departure


def hotel(departure, code="makadi", amount=10):
    zone = PickupZone.objects.create(code=code, name_en=code.title(), name_ar=code)
    PickupPrice.objects.create(tour=departure.tour, zone=zone, amount=amount)
    return {"place_id": PickupPlace.objects.create(zone=zone, name_en=code, name_ar=code).pk}


def fee(departure, basis="PERCENT", value=10):
    return ServiceFee.objects.create(tour=departure.tour, name_en="Service", name_ar="خدمة", basis=basis, value=value)


def taxed(departure, **tax):
    departure.tour.tax = TaxRateFactory(percent=10, **tax)
    departure.tour.save()


def clerk():
    return ClerkFactory(permissions=["bookings.change_booking"])


@pytest.mark.parametrize(
    ("tax", "total", "of_tax"),
    [
        (None, "242.00", None),  # 220 and 10 % of it
        ({"is_inclusive": True, "on_fee": True}, "242.00", "22.00"),
        ({"is_inclusive": True, "on_fee": False}, "242.00", "20.00"),
        ({"is_inclusive": False, "on_fee": True}, "266.20", "24.20"),
        ({"is_inclusive": False, "on_fee": False}, "264.00", "22.00"),
    ],
)
def test_a_percentage_follows_the_pickup_and_the_taxes_follow_both(departure, tax, total, of_tax):
    fee(departure)
    if tax:
        taxed(departure, **tax)
    place = hotel(departure)
    booking = BookingFactory(departure=departure, status=BookingStatus.CONFIRMED)
    before = booking.quote
    changed = change_pickup(booking_id=booking.pk, pickup=place, actor=clerk())
    anew = quote(departure_id=departure.pk, guests={"adult": 2}, pickup=place).as_json()
    assert (changed.quote["total"], changed.total) == (total, Decimal(total))
    assert [line["amount"] for line in changed.quote["tax_lines"]] == ([of_tax] if of_tax else [])
    for part in ("lines", "tax_lines", "total", "fingerprint"):
        assert changed.quote[part] == anew[part]  # as if it had been booked so
    back = change_pickup(booking_id=booking.pk, pickup=None, actor=clerk())
    assert [back.quote[part] for part in ("lines", "tax_lines", "total")] == [
        before[part] for part in ("lines", "tax_lines", "total")
    ]
    assert [fault for found in check_all("bookings:").faults.values() for fault in found] == []


def test_a_fee_that_is_an_amount_stays(departure):
    fee(departure, "AMOUNT", 15)
    booking = BookingFactory(departure=departure)
    made, difference = pickup_change(booking_id=booking.pk, pickup=hotel(departure), actor=clerk())
    assert (made["total"], difference, made["lines"][-1]["amount"]) == ("235.00", 20, "15.00")


def test_a_fee_of_before_percentages_were_kept_stays(departure):
    fee(departure)
    booking = BookingFactory(departure=departure)
    old = {
        **booking.quote,
        "lines": [{k: v for k, v in line.items() if k != "percent"} for line in booking.quote["lines"]],
    }
    Booking.objects.filter(pk=booking.pk).update(quote=old)
    made, difference = pickup_change(booking_id=booking.pk, pickup=hotel(departure), actor=clerk())
    assert (made["total"], difference) == ("240.00", 20)


def test_each_change_says_what_it_brings_back_and_nothing_is_asked_for_again(departure):
    dear, cheap = hotel(departure, "makadi", 20), hotel(departure, "sahl", 5)
    booking = BookingFactory(departure=departure, pickup=dear, status=BookingStatus.CONFIRMED)  # 240
    for place in (cheap, None):  # 210, 200
        change_pickup(booking_id=booking.pk, pickup=place, actor=clerk())
    told = Event.objects.filter(type="booking.pickup_changed").order_by("occurred_at")
    assert [fact.data["refund"] for fact in told] == ["30.00", "10.00"]
    with pytest.raises(DearerPickupAfterRefund):
        change_pickup(booking_id=booking.pk, pickup=cheap, actor=clerk())
    record_payment(booking_id=booking.pk, paid=Decimal(240), refunded=Decimal(40))
    with pytest.raises(DearerPickupAfterRefund):
        pickup_change(booking_id=booking.pk, pickup=cheap, actor=clerk())
