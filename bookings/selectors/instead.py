"""Other departures for a booking: those that could really take it."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice
from uuid import UUID

from bookings.models import Booking
from bookings.pricing import stocked_extras
from tours.models import Departure
from tours.selectors.capacity import places_left_of
from tours.services.stock import extras_left_of

LOOKED_AT_ONCE = 25  # departures whose places are asked for in one statement


class Room:
    """What departures have left, of places and of extras of which there are only so many.

    Asked for as it is needed, and once: a pool or guides take the database milliseconds for each departure, so of thousands
    only the nearest are looked at. Extras are asked for all of them, in two statements, where a booking that has any is
    looked at first.
    """

    def __init__(self, departures: Iterable[Departure]) -> None:
        self._departures = list(departures)
        self._places: dict[UUID, int] = {}

    @cached_property
    def _extras(self) -> dict[UUID, dict[str, int]]:
        return extras_left_of(self._departures)

    def first(self, nearest: Sequence[Departure], most: int, booking: Booking | None = None) -> list[Departure]:
        """The first so many, in the order given, that take the booking; without one, that have a place."""
        found: list[Departure] = []
        seats = booking.quote["seats"] if booking else 1
        wanted = stocked_extras(booking.quote) if booking else {}
        promising = (row for row in nearest if row.seats_left >= seats and self._has_extras(row, wanted))
        while len(found) < most and (some := list(islice(promising, LOOKED_AT_ONCE))):
            self._look_at(some)
            found += [row for row in some if self._places[row.pk] >= seats]
        return found[:most]

    def _look_at(self, departures: Iterable[Departure]) -> None:
        self._places |= places_left_of([row for row in departures if row.pk not in self._places])

    def _has_extras(self, departure: Departure, wanted: dict[str, int]) -> bool:
        there = self._extras[departure.pk] if wanted else {}
        return all(there.get(code, number) >= number for code, number in wanted.items())
