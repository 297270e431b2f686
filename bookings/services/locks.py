"""The order of locks: departures by id, what they share with others (pools by day, resources by id), the booking, stocked
extras, then (in `payments`) the payment, then ledger accounts.

All are `FOR NO KEY UPDATE`: they shut each other out, but not the key checks of rows that merely point here.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from bookings.errors import BookingNotFound
from bookings.models import Booking, BookingItem, Hold
from bookings.services.allotted import give_back_allotted
from bookings.services.extras import give_extras_back, lock_extras
from tours.errors import DepartureNotFound
from tours.models import Departure
from tours.selectors.capacity import places_left
from tours.services import take_back_room
from tours.services.seats import lock_shared, move_seats


def lock_departure(departure_id: UUID) -> Departure:
    """The departure, locked: the lock over all its holds. Raises `DepartureNotFound`."""
    departure = Departure.objects.select_for_update(of=("self",), no_key=True).filter(pk=departure_id).first()
    if departure is None:
        raise DepartureNotFound
    return departure


def lock_booking(booking_id: UUID) -> Booking:
    """The booking, locked after its departures. Call it before a payment of it is locked. Raises `BookingNotFound`.

    A booking that was moved while this waited is let go, with the departures that are no longer its own, and taken anew: to
    lock the new departure after the booking would be the wrong order.
    """
    while True:
        mark, departures = transaction.savepoint(), _departures_of(booking_id)
        lock_all(Departure.objects.filter(pk__in=departures))
        booking = Booking.objects.select_for_update(of=("self",), no_key=True).filter(pk=booking_id).first()
        if booking is None:
            raise BookingNotFound
        if _departures_of(booking_id) <= departures:
            transaction.savepoint_commit(mark)
            return booking
        transaction.savepoint_rollback(mark)


def _departures_of(booking_id: UUID) -> set[UUID | None]:
    return set(BookingItem.objects.filter(booking_id=booking_id).values_list("departure_id", flat=True))


def lock_all(departures: Any, *, skip_locked: bool = False, extras_follow: bool = False) -> list[Departure]:
    """Departures locked in the order of their ids; of several that share something with others, that too.

    With `extras_follow` (stocked extras are locked next, before places are taken) also what one alone shares.
    """
    locked = list(departures.select_for_update(of=("self",), no_key=True, skip_locked=skip_locked).order_by("pk"))
    limited = [departure.pk for departure in locked if departure.is_limited]
    if len(limited) > 1 or (limited and extras_follow):  # else one alone takes what it needs in order when it needs it
        lock_shared(limited)
    return locked


def places_to_take(departure: Departure) -> int:
    """How many places can be sold of a locked departure, with what it shares with others locked as well."""
    if departure.is_limited:
        lock_shared([departure.pk])
    return places_left(departure)


def free_seats(hold: Hold, *, booked: bool = False) -> None:
    """Give the seats of a hold back, with its extras and the places that were added for it alone. Under the departure's lock."""
    lock_extras([hold])
    kept = give_back_allotted(hold)
    move_seats(hold.departure_id, allotted=kept, **{"booked" if booked else "held": -hold.seats})
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
