"""Who and what is free for a departure, and the lock under which it stays so."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from tours.models import Departure, ResourceNeed


@dataclass(frozen=True, slots=True)
class Free:
    """A resource that suits a need and is free for a departure: how many of it, for how many guests, and when."""

    resource_id: UUID
    units: int
    seats: int
    span: DateTimeTZRange


def lock_resources(departure_ids: Iterable[UUID]) -> None:
    """Lock every resource of the kinds that these departures cannot be sold without, in the order of their ids."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [list(departure_ids)])


LOCK = """
SELECT r.id FROM tours_resource r
WHERE r.kind IN (
    SELECT n.kind FROM tours_departure d
    JOIN tours_resourceneed n ON n.tour_id = d.tour_id AND n.on_shortage = 'STOP'
      AND (n.option_id IS NULL OR n.option_id = d.option_id)
    WHERE d.id = ANY(%s::uuid[])
)
ORDER BY r.id FOR NO KEY UPDATE
"""


def free_for(departure: Departure, need: ResourceNeed) -> list[Free]:
    """What suits a need and is free, that with the fewest skills and languages first: who can do more is kept for more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.resource_id, f.units, coalesce(f.seats, 0), f.span FROM tours_free_resources(%s::uuid, %s::uuid) f"
            " JOIN tours_resource r ON r.id = f.resource_id WHERE f.units > 0"
            " ORDER BY cardinality(r.skills) + cardinality(r.languages), r.seats, r.name_en, r.id",
            [departure.pk, need.pk],
        )
        return [Free(*row) for row in cursor.fetchall()]
