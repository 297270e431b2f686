"""A change of rules, seasons, blackouts or the archive: what it would do to departures to come, then exactly that, or nothing.

The preview is the change itself, done and taken back: so it cannot say anything else than what happens. Departures are compared
as the schedule asked for them before and after; what staff changed by hand in between stays. Those with places held or booked
are never deleted: they take no more bookings, and whoever applies the change decides for their guests (`bookings`).
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.db import transaction
from django.db.models import Max
from django.utils.timezone import now

from accounts.audit import plain, record
from notifications.outbox import announce_each
from tours.blackouts import RestDays, rest_days
from tours.caching import seats_changed
from tours.errors import PlanStale, TooManyDepartures
from tours.models import Departure, DepartureStatus, ScheduleRule, Tour, TourStatus
from tours.services.departures import BATCH, Start
from tours.services.generation import planned
from tours.services.operations import STEPS, Done, Operation, archived_by, tours_of

FIRST = timedelta(days=30)
AT_ONCE = 5000  # ids in one statement
ONE_BY_ONE = 20  # different sets of values that are written by a statement each
MOST = 20_000  # departures that one change may touch
COMPARED = ("ends_at", "cutoff_at", "partner_cutoff_at", "opens_at", "capacity", "rule_id")


@dataclass
class Changed:
    """A departure that stays, with the values that the schedule asks for now: (old, new) by field."""

    departure: Departure
    values: dict[str, tuple[Any, Any]]


@dataclass
class Replan:
    """What a change does. `sold` are those no longer asked for that have places held or booked."""

    appear: list[Departure] = field(default_factory=list)
    reopen: list[Departure] = field(default_factory=list)
    vanish: list[Departure] = field(default_factory=list)
    sold: list[Departure] = field(default_factory=list)
    change: list[Changed] = field(default_factory=list)
    stuck: list[Departure] = field(default_factory=list)  # more is sold than the new capacity: they keep the old one
    done: list[Done] = field(default_factory=list)
    fingerprint: str = ""
    removed: int = 0
    closed: int = 0

    @property
    def touches(self) -> bool:
        """Whether departures that are there already are touched."""
        return bool(self.vanish or self.sold or self.change or self.stuck)

    def counts(self) -> dict[str, int]:
        return {
            "departures_made": len(self.appear) + len(self.reopen),
            "departures_removed": self.removed,
            "departures_closed": self.closed,
            "departures_changed": len(self.change),
            "departures_left": len(self.sold) + len(self.stuck),
        }


def look(operations: Sequence[Operation]) -> Replan:
    """What these operations would do. Nothing is changed. Raises what they refuse, `TooManyDepartures`."""
    with transaction.atomic():
        replan = _work_out(operations, lock=False)
        transaction.set_rollback(True)
    return replan


@transaction.atomic
def apply_operations(
    *,
    operations: Sequence[Operation],
    actor: Any,
    fingerprint: str | None = None,
    sells_on: bool = False,
    also_lock: Collection[UUID] = (),
) -> Replan:
    """Do what `look` showed, in one transaction and a fixed number of statements.

    With `fingerprint`, what would be different by now is refused (`PlanStale`). Departures with guests that are no longer
    asked for are closed, or with `sells_on` left as they are. `also_lock` are departures that the caller will need too.
    """
    replan = _work_out(operations, lock=True, also_lock=also_lock)
    if fingerprint is not None and fingerprint != replan.fingerprint:
        raise PlanStale
    _execute(replan, sells_on)
    counts = replan.counts()
    for place, done in enumerate(replan.done):
        record(
            done.action, done.subject, actor=actor, before=done.before, after=done.after | (counts if not place else {})
        )
    return replan


def horizon(tour_ids: Collection[UUID]) -> date:
    """Until which day the departures of these tours were made, a month at least."""
    made = Departure.objects.filter(tour_id__in=list(tour_ids), rule__isnull=False).upcoming()
    last: date | None = made.aggregate(last=Max("local_date"))["last"]
    return max(last or first_horizon(), first_horizon())


def first_horizon() -> date:
    """Until which day departures are made at once; the daily job goes on from there."""
    return now().date() + FIRST


def _work_out(operations: Sequence[Operation], *, lock: bool, also_lock: Collection[UUID] = ()) -> Replan:
    tours = _tours(tours_of(operations), lock)
    until = horizon(tours)
    existing = _existing(tours, lock, also_lock)
    rested = rest_days()
    before = dict(_asked_for(tours, until, rested))
    replan = Replan(done=[done for done in (STEPS[one["op"]](one) for one in operations) if done is not None])
    rests = rest_days()
    after = dict(_asked_for(tours, until, rests))
    for key, wanted in after.items():
        _compare(replan, existing.get(key), before.get(key), wanted)
    leaving = {pk for pk in archived_by(operations) if tours[pk].status != TourStatus.ARCHIVED}
    for key, departure in existing.items():
        tour = tours[departure.tour_id]
        if key not in after and _is_gone(departure, key in before, tour, rested, rests, tour.pk in leaving):
            (replan.sold if departure.seats_held or departure.seats_booked else replan.vanish).append(departure)
    touched = len(replan.appear) + len(replan.vanish) + len(replan.sold) + len(replan.change)
    if touched > MOST:
        raise TooManyDepartures(most=MOST)
    for rows in (replan.appear, replan.reopen, replan.vanish, replan.sold, replan.stuck):
        rows.sort(key=lambda row: (row.starts_at, str(row.option_id)))
    replan.change.sort(key=lambda one: (one.departure.starts_at, str(one.departure.option_id)))
    replan.fingerprint = _fingerprint(replan)
    return replan


def _tours(tour_ids: Iterable[UUID], lock: bool) -> dict[UUID, Tour]:
    found = Tour.objects.alive().filter(pk__in=list(tour_ids)).select_related("destination").order_by("pk")
    return {tour.pk: tour for tour in (found.select_for_update(of=("self",)) if lock else found)}


def _existing(tours: Collection[UUID], lock: bool, also_lock: Collection[UUID]) -> dict[Start, Departure]:
    coming = Departure.objects.filter(tour_id__in=list(tours)).upcoming()
    if lock:
        ids = {*coming.values_list("pk", flat=True), *also_lock}
        rows = Departure.objects.select_for_update(of=("self",), no_key=True).order_by("pk")
        for some in _chunks(sorted(ids)):
            list(rows.filter(pk__in=some).values_list("pk"))
    rows = coming.exclude(status=DepartureStatus.CANCELLED).select_related("tour__destination", "option")
    return {(row.option_id, row.starts_at): row for row in rows}


def _asked_for(tours: dict[UUID, Tour], until: date, resting: RestDays) -> Iterator[tuple[Start, Departure]]:
    """Every departure to come that the rules ask for, not saved."""
    rules = (
        ScheduleRule.objects.filter(is_active=True, option__tour_id__in=list(tours))
        .exclude(option__tour__status=TourStatus.ARCHIVED)
        .select_related("option__tour__destination", "season")
        .prefetch_related("season__ranges")
        .order_by("valid_from", "pk")
    )
    known: set[Start] = set()
    for rule in rules:
        for departure in planned(rule, until, resting):
            key = (departure.option_id, departure.starts_at)
            if key not in known:  # of two rules, the one that began first
                known.add(key)
                yield key, departure


def _compare(replan: Replan, row: Departure | None, before: Departure | None, wanted: Departure) -> None:
    if row is None:
        replan.appear.append(wanted)
        return
    if row.status == DepartureStatus.CLOSED and row.closed_by_schedule:
        replan.reopen.append(row)
    if before is None or row.rule_id is None:
        return
    values = {
        name: (getattr(row, name), getattr(wanted, name))
        for name in COMPARED
        if getattr(before, name) != getattr(wanted, name) and getattr(row, name) != getattr(wanted, name)
    }
    if "capacity" in values and wanted.capacity < row.seats_held + row.seats_booked:
        del values["capacity"]
        replan.stuck.append(row)
    if row.seats_booked and "ends_at" in values:
        del values["ends_at"]  # what was sold ends when it was said to
    if values:
        replan.change.append(Changed(row, values))


def _is_gone(
    departure: Departure, was_asked_for: bool, tour: Tour, rested: RestDays, rests: RestDays, is_leaving: bool
) -> bool:
    if departure.status == DepartureStatus.CLOSED and departure.closed_by_schedule:
        return False  # decided already
    if is_leaving:
        return True  # into the archive, with those that were added by hand
    if departure.rule_id is not None:
        return was_asked_for
    day = departure.starts_at.astimezone(ZoneInfo(tour.destination.time_zone)).date()
    return rests.include(tour, day) and not rested.include(tour, day)  # added by hand, and now nothing runs that day


def _fingerprint(replan: Replan) -> str:
    told = [
        [plain([row.option_id, row.starts_at, row.capacity, row.ends_at]) for row in replan.appear],
        [str(row.pk) for row in replan.reopen],
        [str(row.pk) for row in replan.vanish],
        [[str(row.pk), row.seats_booked] for row in replan.sold],
        [
            [str(one.departure.pk), plain({name: list(pair) for name, pair in one.values.items()})]
            for one in replan.change
        ],
        [str(row.pk) for row in replan.stuck],
    ]
    return hashlib.sha256(orjson.dumps(told)).hexdigest()[:32]


def _execute(replan: Replan, sells_on: bool) -> None:
    rules = set(ScheduleRule.objects.filter(pk__in={row.rule_id for row in replan.appear}).values_list("pk", flat=True))
    fresh = [row for row in replan.appear if row.rule_id in rules]
    Departure.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=BATCH)
    for some in _chunks([row.pk for row in replan.reopen]):
        Departure.objects.filter(pk__in=some).update(status=DepartureStatus.OPEN, closed_by_schedule=False)
    for some in _chunks([row.pk for row in replan.vanish]):
        gone = Departure.objects.filter(pk__in=some, seats_held=0, seats_booked=0)
        replan.removed += gone.without_history().delete()[1].get(Departure._meta.label, 0)
        replan.closed += _close(some)
    if not sells_on:
        for some in _chunks([row.pk for row in replan.sold]):
            _close(some)
    _write_values(replan.change)
    touched = [*fresh, *replan.reopen, *replan.vanish, *replan.sold, *(one.departure for one in replan.change)]
    made = Counter(row.tour_id for row in fresh)
    tours = {row.tour_id: row.tour for row in touched}
    tours |= {one.subject.pk: one.subject for one in replan.done if isinstance(one.subject, Tour)}
    announce_each("tour.changed", tours.values(), lambda tour: {"departures": made[tour.pk]})
    for tour_id in tours:
        transaction.on_commit(partial(seats_changed, tour_id))


def _close(ids: Sequence[UUID]) -> int:
    open_ones = Departure.objects.filter(pk__in=ids, status=DepartureStatus.OPEN)
    return open_ones.update(status=DepartureStatus.CLOSED, closed_by_schedule=True)


def _write_values(changes: Sequence[Changed]) -> None:
    """Departures to which the same happens are written together."""
    alike: dict[tuple[tuple[str, Any], ...], list[UUID]] = {}
    for one in changes:
        new = tuple((name, value) for name, (_old, value) in sorted(one.values.items()))
        alike.setdefault(new, []).append(one.departure.pk)
    if len(alike) <= ONE_BY_ONE:
        for new, ids in alike.items():
            for some in _chunks(ids):
                Departure.objects.filter(pk__in=some).update(**dict(new))
        return
    for one in changes:
        for name, (_old, value) in one.values.items():
            setattr(one.departure, name, value)
    names = sorted({name for one in changes for name in one.values})
    Departure.objects.bulk_update([one.departure for one in changes], names, batch_size=500)


def _chunks(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for first in range(0, len(ids), AT_ONCE):
        yield ids[first : first + AT_ONCE]
