"""The order of locks: departures by id, the booking, stocked extras, then (in `payments`) the payment, then ledger accounts.

All are `FOR NO KEY UPDATE`: they shut each other out, but not the key checks of rows that merely point here.
"""

from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.timezone import now

from bookings.errors import BookingNotFound
from bookings.models import Booking, BookingItem, Hold
from bookings.services.extras import give_extras_back
from tours.errors import DepartureNotFound
from tours.models import Departure
from tours.services import take_back_room


def lock_departure(departure_id: UUID) -> Departure:
    """The departure, locked: the lock over all its holds. Raises `DepartureNotFound`."""
    departure = Departure.objects.select_for_update(of=("self",), no_key=True).filter(pk=departure_id).first()
    if departure is None:
        raise DepartureNotFound
    return departure


def lock_booking(booking_id: UUID) -> Booking:
    """The booking, locked after its departures. Call it before a payment of it is locked. Raises `BookingNotFound`."""
    departures = BookingItem.objects.filter(booking_id=booking_id).values("departure_id")
    list(Departure.objects.select_for_update(no_key=True).filter(pk__in=departures).order_by("pk"))
    booking = Booking.objects.select_for_update(of=("self",), no_key=True).filter(pk=booking_id).first()
    if booking is None:
        raise BookingNotFound
    return booking


def move_seats(departure_id: UUID, *, held: int = 0, booked: int = 0) -> None:
    """Add to the counters in SQL, under the CHECK. Seats that are taken must have been found free under the lock."""
    Departure.objects.filter(pk=departure_id).update(
        seats_held=F("seats_held") + held, seats_booked=F("seats_booked") + booked
    )


def free_seats(hold: Hold, *, booked: bool = False) -> None:
    """Give the seats of a hold back, with its extras and the places that were added for it alone. Under the departure's lock."""
    move_seats(hold.departure_id, **{"booked" if booked else "held": -hold.seats})
    give_extras_back(hold)
    if hold.beyond_capacity:
        take_back_room(departure_id=hold.departure_id, places=hold.beyond_capacity)
        hold.beyond_capacity = 0
        hold.save(update_fields=["beyond_capacity"])


def holds_of(booking: Booking) -> list[Hold]:
    """The holds of a booking's items, locked. The caller has locked the booking."""
    return list(
        Hold.objects.select_for_update(of=("self",), no_key=True)
        .filter(items__booking=booking)
        .order_by("departure_id")
    )


def is_over(moment: Any) -> bool:
    """Whether a moment has come."""
    return bool(moment is not None and moment <= now())
