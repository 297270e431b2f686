"""Writing stories, some hundreds at a time, each part whole or not at all; many parts in several processes at once.

Parts may be written in any order and side by side: each brings the departures of the past that it needs (the first one to
come inserts them, at once and by themselves: without guests they do no harm), and the counters are added to in the order of
ids, as the last thing, so that parts hardly wait for each other.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from random import Random
from uuid import UUID

import django
from django.conf import settings
from django.db import connection, transaction

from bookings.models import Booking
from config.tenancy import tenant_context, tenant_id_or_raise
from payments.demo.bulk import insert, insert_missing
from payments.demo.chronicle import Chronicle
from payments.demo.plan import Planned
from payments.demo.remote import tell_sandbox
from payments.demo.story import Story
from payments.demo.telling import tell
from tours.models import Departure

STORIES_AT_ONCE = 500
MOST_LANES = 4


@dataclass(frozen=True)
class Part:
    """Some stories, the departures they need that may not be there yet, and what they add to the counters."""

    tenant_id: UUID
    name: str
    stories: Sequence[Story]
    departures: Sequence[Departure]
    seats: Sequence[tuple[UUID, int, int]]


def write_stories(planned: Iterable[Planned], seed: str, *, lanes: int) -> int:
    """Write all of them, in so many processes; returns how many there are. What is there already is left alone."""
    stories, number = iter(planned), 0
    with _Lanes(lanes) as writing:
        while found := list(islice(stories, STORIES_AT_ONCE)):
            writing.add(_part(found, f"{seed}:part:{number}"))
            number += len(found)
    return number


def lanes_for(count: int) -> int:
    """How many processes are worth it for so many stories: one for a demo, which is written before others have started."""
    return 1 if count <= 4 * STORIES_AT_ONCE else min(MOST_LANES, os.cpu_count() or 1)


def write_part(part: Part) -> None:
    """Write one part, unless it is there. Called in a process of its own, or in this one."""
    with tenant_context(part.tenant_id):
        if Booking.objects.filter(reference=part.stories[0].reference).exists():
            return
        chronicle = Chronicle(Random(part.name))
        for (
            story
        ) in part.stories:  # before the transaction: ledger accounts that are new are shared with the other lanes
            tell(chronicle, story)
        insert_missing(part.departures)  # likewise: a lane that waited for another one's whole part would be none
        with transaction.atomic():
            insert(chronicle.take_rows())
            if settings.ALLOW_SANDBOX:
                tell_sandbox(chronicle.remote)
            _take_seats(part.seats)


class _Lanes:
    """Writes parts here, or in processes; never more than two parts a process wait for their turn."""

    def __init__(self, count: int) -> None:
        self.waiting: deque[Future[None]] = deque()
        self.most = 2 * count
        self.pool = (
            ProcessPoolExecutor(max_workers=count, mp_context=get_context("spawn"), initializer=django.setup)
            if count > 1
            else None
        )

    def __enter__(self) -> "_Lanes":
        return self

    def add(self, part: Part) -> None:
        if self.pool is None:
            write_part(part)
            return
        self.waiting.append(self.pool.submit(write_part, part))
        while len(self.waiting) >= self.most:
            self.waiting.popleft().result()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=kind is not None)
        while kind is None and self.waiting:
            self.waiting.popleft().result()


def _part(planned: Sequence[Planned], name: str) -> Part:
    seats: dict[UUID, list[int]] = {}
    for one in planned:
        counters = seats.setdefault(one.start.id, [0, 0])
        counters[0] += one.held
        counters[1] += one.booked
    return Part(
        tenant_id=tenant_id_or_raise(),
        name=name,
        stories=[one.story for one in planned],
        departures=sorted(_of_the_past(planned), key=lambda departure: departure.pk),
        seats=[(departure_id, held, booked) for departure_id, (held, booked) in sorted(seats.items())],
    )


def _of_the_past(planned: Sequence[Planned]) -> Iterator[Departure]:
    made = set()
    for one in planned:
        if not one.start.is_stored and one.start.id not in made:
            made.add(one.start.id)
            yield one.sale.departure(one.start)


def _take_seats(seats: Sequence[tuple[UUID, int, int]]) -> None:
    ids = [departure_id for departure_id, _held, _booked in seats]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM tours_departure WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE",
            [ids],
        )
        cursor.execute(
            "UPDATE tours_departure d SET seats_held = d.seats_held + s.held, seats_booked = d.seats_booked + s.booked"
            " FROM unnest(%s::uuid[], %s::int[], %s::int[]) AS s (id, held, booked) WHERE d.id = s.id",
            [ids, [held for _, held, _ in seats], [booked for _, _, booked in seats]],
        )
