"""Selling more places than a departure has: by permission, with a reason, as a raise of the capacity that the audit knows.

The guard in the database stays as it is: held and booked never exceed the capacity.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts.audit import record
from notifications.outbox import announce
from tours.errors import DepartureNotFound
from tours.models import Departure


@transaction.atomic
def make_room(*, departure_id: UUID, seats: int, actor: Any, reason: str) -> int:
    """Raise the capacity until so many seats are left; returns by how many places, 0 where there was room.

    Callers check `tours.overbook`. Raises `DepartureNotFound`.
    """
    departure = _named(Departure.objects.select_for_update(of=("self",), no_key=True), departure_id)
    missing = seats - departure.seats_left
    if missing <= 0:
        return 0
    before, departure.capacity = departure.capacity, departure.capacity + missing
    departure.save(update_fields=["capacity"])
    record(
        "tours.departure.overbooked",
        departure,
        actor=actor,
        before={"capacity": before},
        after={"capacity": departure.capacity},
        reason=reason,
    )
    announce("departure.changed", departure, tour=str(departure.tour_id))
    return missing


@transaction.atomic
def take_back_room(*, departure_id: UUID, places: int) -> None:
    """Lower the capacity by what `make_room` added for seats that have just been given back. Under the departure's lock."""
    departure = _named(Departure.objects, departure_id)
    Departure.objects.filter(pk=departure_id).update(capacity=F("capacity") - places)
    record(
        "tours.departure.room_taken_back",
        departure,
        actor=None,
        before={"capacity": departure.capacity},
        after={"capacity": departure.capacity - places},
    )
    announce("departure.changed", departure, tour=str(departure.tour_id))


def _named(departures: Any, departure_id: UUID) -> Departure:
    """The departure with what its name needs."""
    departure: Departure | None = departures.select_related("tour__destination").filter(pk=departure_id).first()
    if departure is None:
        raise DepartureNotFound
    return departure
