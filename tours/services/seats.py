"""Places taken and given back, with everything that a departure shares with others."""

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from django.db import connection, transaction

from tours.caching import seats_changed
from tours.services.resources import follow_seats, lock_resources

MOVE = """
UPDATE tours_departure SET seats_held = seats_held + %(held)s::int, seats_booked = seats_booked + %(booked)s::int,
    seats_allotted = seats_allotted + %(allotted)s::int
WHERE id = %(departure)s::uuid RETURNING is_limited
"""


@transaction.atomic
def move_seats(departure_id: UUID, *, held: int = 0, booked: int = 0, allotted: int = 0) -> None:
    """Add to a departure's counters in SQL, under the CHECK. What is taken must have been found free under the lock.

    Where guides, vehicles or equipment must be there they are engaged, or let go. Raises `ResourcesMissing`.
    """
    with connection.cursor() as cursor:
        cursor.execute(MOVE, {"departure": departure_id, "held": held, "booked": booked, "allotted": allotted})
        row = cursor.fetchone()
    if row and row[0] and held + booked:
        follow_seats(departure_id)
        _shared_seats_changed(departure_id)


def lock_shared(departure_ids: Iterable[UUID]) -> None:
    """Lock what departures share with others, until the end of the transaction. The departures are locked already."""
    ids = list(departure_ids)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tours_lock_pools(%s::uuid[])", [ids])
    lock_resources(ids)


SHARING = """
SELECT DISTINCT o.tour_id FROM tours_departure d
JOIN tours_poolmember mine ON mine.option_id = d.option_id
JOIN tours_poolmember other ON other.pool_id = mine.pool_id
JOIN tours_touroption o ON o.id = other.option_id
WHERE d.id = %(departure)s::uuid
UNION
SELECT other.tour_id FROM tours_departure d
JOIN tours_resourceneed mine ON mine.tour_id = d.tour_id AND mine.on_shortage = 'STOP'
JOIN tours_resourceneed other ON other.kind = mine.kind AND other.on_shortage = 'STOP'
WHERE d.id = %(departure)s::uuid
"""


def _shared_seats_changed(departure_id: UUID) -> None:
    """What is remembered of the places left on tours that share something with the departure is out of date."""
    with connection.cursor() as cursor:
        cursor.execute(SHARING, {"departure": departure_id})
        tours = [row[0] for row in cursor.fetchall()]
    for tour_id in tours:
        transaction.on_commit(partial(seats_changed, tour_id))
