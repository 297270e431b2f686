"""Other departures for a booking: those that could really take it."""

from collections.abc import Iterable
from functools import cached_property
from uuid import UUID

from bookings.models import Booking
from bookings.pricing import stocked_extras
from tours.models import Departure
from tours.selectors.capacity import places_left_of
from tours.services.stock import extras_left_of


class Room:
    """What departures have left, of places and of extras of which there are only so many.

    Places are asked once, in one statement at most: a pool or guides that are away leave fewer. Extras are asked once, in two
    statements, where a booking that has any is looked at first.
    """

    def __init__(self, departures: Iterable[Departure]) -> None:
        self._departures = list(departures)
        self.places = places_left_of(self._departures)

    @cached_property
    def _extras(self) -> dict[UUID, dict[str, int]]:
        return extras_left_of(self._departures)

    def takes(self, departure: Departure, booking: Booking) -> bool:
        """Whether a departure has the booking's seats and what it takes of stocked extras."""
        if self.places.get(departure.pk, 0) < booking.quote["seats"]:
            return False
        wanted = stocked_extras(booking.quote)
        there = self._extras[departure.pk] if wanted else {}
        return all(there.get(code, number) >= number for code, number in wanted.items())

    def first(self, departures: Iterable[Departure], booking: Booking, most: int) -> list[Departure]:
        """The first so many that take the booking."""
        found: list[Departure] = []
        for departure in departures:
            if len(found) == most:
                break
            if self.takes(departure, booking):
                found.append(departure)
        return found
