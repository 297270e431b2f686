from decimal import Decimal

import pytest

from accounts.models import AuditEntry
from bookings import services
from bookings.errors import OverbookingNotAllowed, ReasonRequired, SeatsUnavailable, TravellersMismatch
from bookings.models import BookingStatus, Hold
from bookings.tests.asking import seats_of
from bookings.tests.factories import TRAVELLERS, BookingFactory, ClerkFactory, HoldFactory, run_out
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def clerk():
    return ClerkFactory(permissions=["tours.overbook", "bookings.add_booking"])


@pytest.fixture
def full():
    """A departure of two places, both taken."""
    departure = DepartureFactory(capacity=2)
    HoldFactory(departure=departure)
    return departure


def beyond(departure, clerk, **asked):
    return services.hold_beyond_capacity(
        departure_id=departure.pk, guests={"adult": 3}, actor=clerk, **{"reason": "family of the owner"} | asked
    )


def test_a_party_more_enlarges_the_departure_by_what_is_missing_and_the_audit_says_why(full, clerk):
    hold = beyond(full, clerk)
    assert seats_of(full) == (5, 0)
    assert (full.capacity, hold.beyond_capacity, hold.status) == (5, 3, "ACTIVE")
    entry = AuditEntry.objects.get(action="tours.departure.overbooked")
    assert (entry.actor_id, entry.reason) == (clerk.pk, "family of the owner")
    assert (entry.before, entry.after) == ({"capacity": 2}, {"capacity": 5})


def test_where_there_is_room_nothing_is_enlarged(clerk):
    departure = DepartureFactory(capacity=10)
    assert beyond(departure, clerk).beyond_capacity == 0
    departure.refresh_from_db()
    assert departure.capacity == 10
    assert not AuditEntry.objects.filter(action="tours.departure.overbooked").exists()


@pytest.mark.parametrize("way", ["released", "expired", "cancelled"])
def test_the_places_go_with_the_party_that_they_were_added_for(full, clerk, way):
    hold = beyond(full, clerk)
    if way == "released":
        services.release_hold(hold_id=hold.pk, actor=clerk)
    elif way == "expired":
        run_out(hold)
        services.expire_holds()
    else:
        booking = services.create_booking(
            hold_id=hold.pk, contact={"name": "Mona", "email": "m@example.com"}, actor=clerk
        )
        services.record_payment(booking_id=booking.pk, paid=booking.total, refunded=Decimal(0))
        services.cancel_booking(booking_id=booking.pk, actor=clerk)
    full.refresh_from_db()
    assert (full.capacity, full.seats_held + full.seats_booked) == (2, 2)
    assert Hold.objects.get(pk=hold.pk).beyond_capacity == 0
    with pytest.raises(SeatsUnavailable):
        HoldFactory(departure=full)


def test_it_takes_the_permission_and_a_reason_and_refused_it_changes_nothing(full, clerk):
    with pytest.raises(OverbookingNotAllowed):
        beyond(full, ClerkFactory(permissions=["bookings.add_booking"]))
    with pytest.raises(ReasonRequired):
        beyond(full, clerk, reason="  ")
    assert seats_of(full) == (2, 0)
    assert full.capacity == 2


def test_travellers_may_be_named_as_far_as_they_are_known(clerk):
    booking = BookingFactory(guests={"adult": 2, "child": 1}, status=BookingStatus.CONFIRMED)
    services.name_travellers(booking_id=booking.pk, travellers=TRAVELLERS[:1], actor=clerk)
    assert [str(one) for one in booking.travellers.all()] == ["Mona Saleh"]
    services.name_travellers(booking_id=booking.pk, travellers=TRAVELLERS, actor=clerk)
    assert [str(one) for one in booking.travellers.all()] == ["Mona Saleh", "Karim Saleh"]
    with pytest.raises(TravellersMismatch):
        services.name_travellers(booking_id=booking.pk, travellers=[*TRAVELLERS, TRAVELLERS[0]], actor=clerk)
    assert booking.travellers.count() == 2
