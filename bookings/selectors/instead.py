"""Other departures for a booking: those that could really take it."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from bookings.models import Booking
from bookings.pricing import stocked_extras
from tours.models import Departure
from tours.services.stock import extras_left


def has_room(departure: Departure, booking: Booking, left: Mapping[UUID, int]) -> bool:
    """Whether a departure has the booking's seats and, of extras of which there are only so many, those that it takes.

    `left` are the places of departures as `places_left_of` finds them: a pool or guides that are away leave fewer. One
    statement where the booking has such extras, none otherwise.
    """
    if left.get(departure.pk, 0) < booking.quote["seats"]:
        return False
    wanted = stocked_extras(booking.quote)
    there = extras_left(departure) if wanted else {}
    return all(there.get(code, number) >= number for code, number in wanted.items())


def first_with_room(
    departures: Iterable[Departure], booking: Booking, left: Mapping[UUID, int], most: int
) -> list[Departure]:
    """The first so many of them."""
    found: list[Departure] = []
    for departure in departures:
        if len(found) == most:
            break
        if has_room(departure, booking, left):
            found.append(departure)
    return found
