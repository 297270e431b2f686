"""Changing many departures at once: first a plan that can be looked at, then exactly that plan, or nothing."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from accounts.audit import plain, record_each
from config.errors import InvalidInput
from notifications.outbox import announce_each
from tours.caching import seats_changed
from tours.errors import PlanStale, TooManyDepartures
from tours.models import Departure, DepartureStatus
from tours.services.departures import MOST_PLACES

MOST = 10_000  # departures at once
AT_ONCE = 5000  # ids in one statement
MOST_DAYS = 366
LONGEST_CUTOFF = 60 * 24 * 90  # minutes


@dataclass(frozen=True)
class Wish:
    """Which departures, and what is to be different. None leaves a field as it is; without tours, options and destinations,
    all of them.

    `weekdays` are ISO numbers (1 is Monday) of the local day, `cutoff_minutes` is how long before the start selling ends.
    """

    date_from: date
    date_to: date
    weekdays: Collection[int] = (1, 2, 3, 4, 5, 6, 7)
    tour_ids: Collection[UUID] = ()
    option_ids: Collection[UUID] = ()
    destination_ids: Collection[UUID] = ()
    capacity: int | None = None
    status: str | None = None
    note_en: str | None = None
    note_ar: str | None = None
    cutoff_minutes: int | None = None


@dataclass
class Planned:
    """One departure: `changes` from old to new by field, or why it is refused. With neither, nothing is to do."""

    departure: Departure
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    refusal: str = ""


@dataclass(frozen=True)
class Plan:
    """What would happen. The `fingerprint` changes with any of it, and with the seats that are booked."""

    rows: list[Planned]
    fingerprint: str

    @property
    def changing(self) -> list[Planned]:
        return [row for row in self.rows if row.changes]

    @property
    def refused(self) -> list[Planned]:
        return [row for row in self.rows if row.refusal]


def plan_changes(wish: Wish) -> Plan:
    """What the wish would do to departures to come. It changes nothing. Raises `InvalidInput`, `TooManyDepartures`."""
    _refuse_senseless(wish)
    return _plan(wish, _concerned(wish))


@transaction.atomic
def apply_changes(*, wish: Wish, fingerprint: str, actor: Any, reason: str, also_lock: Collection[UUID] = ()) -> Plan:
    """Do what `plan_changes` showed: every change of the plan, in one transaction; what it refused stays as it was.

    `also_lock` are departures that the caller will need too.

    Raises what `plan_changes` raises, and `PlanStale` when it would not be the same any more.
    """
    _refuse_senseless(wish)
    ids = sorted({*_concerned(wish).values_list("pk", flat=True), *also_lock})
    rows = Departure.objects.select_for_update(no_key=True).order_by("pk")
    for first in range(0, len(ids), AT_ONCE):
        list(rows.filter(pk__in=ids[first : first + AT_ONCE]).values_list("pk"))
    plan = _plan(wish, _concerned(wish))
    if plan.fingerprint != fingerprint:
        raise PlanStale
    _write(plan.changing, actor, reason)
    for tour_id in {row.departure.tour_id for row in plan.changing}:
        transaction.on_commit(partial(seats_changed, tour_id))
    return plan


def _refuse_senseless(wish: Wish) -> None:
    faults: dict[str, list[str]] = {}
    if wish.date_to < wish.date_from:
        faults["date_to"] = [_("This is before the first day.")]
    elif (wish.date_to - wish.date_from).days >= MOST_DAYS:
        faults["date_to"] = [_("At most {days} days.").format(days=MOST_DAYS)]
    if not wish.weekdays or not set(wish.weekdays) <= set(range(1, 8)):
        faults["weekdays"] = [_("Choose at least one weekday.")]
    if wish.capacity is not None and not 1 <= wish.capacity <= MOST_PLACES:
        faults["capacity"] = [_("A departure has between 1 and {most} places.").format(most=MOST_PLACES)]
    if wish.cutoff_minutes is not None and not 0 <= wish.cutoff_minutes <= LONGEST_CUTOFF:
        faults["cutoff_minutes"] = [_("Between 0 and {most} minutes.").format(most=LONGEST_CUTOFF)]
    if wish.status not in (None, DepartureStatus.OPEN, DepartureStatus.CLOSED):
        faults["status"] = [_("Only OPEN and CLOSED can be set.")]
    if all(value is None for value in (wish.capacity, wish.status, wish.note_en, wish.note_ar, wish.cutoff_minutes)):
        faults["capacity"] = [_("Say what is to be different.")]
    if faults:
        raise InvalidInput(details=faults)


def _concerned(wish: Wish) -> Any:
    """The departures to come that the wish is about, in the order in which they are locked."""
    found = Departure.objects.upcoming().filter(
        tour__deleted_at=None,
        local_date__range=(wish.date_from, wish.date_to),
        local_date__iso_week_day__in=sorted(wish.weekdays),
    )
    if wish.tour_ids or wish.option_ids or wish.destination_ids:
        found = found.filter(
            Q(tour_id__in=list(wish.tour_ids))
            | Q(option_id__in=list(wish.option_ids))
            | Q(tour__destination_id__in=list(wish.destination_ids))
        )
    return found.select_related("tour__destination", "option").order_by("pk")


def _plan(wish: Wish, departures: Any) -> Plan:
    found = list(departures[: MOST + 1])
    if len(found) > MOST:
        raise TooManyDepartures(most=MOST)
    rows = [_planned(departure, wish) for departure in found]
    told = [
        [
            str(row.departure.pk),
            row.departure.seats_booked,
            row.refusal,
            plain({name: list(pair) for name, pair in row.changes.items()}),
        ]
        for row in rows
    ]
    fingerprint = hashlib.sha256(orjson.dumps(told)).hexdigest()[:32]
    rows.sort(key=lambda row: (row.departure.starts_at, str(row.departure.pk)))
    return Plan(rows, fingerprint)


def _planned(departure: Departure, wish: Wish) -> Planned:
    wanted = {
        "capacity": wish.capacity,
        "status": wish.status,
        "note_en": wish.note_en.strip() if wish.note_en is not None else None,
        "note_ar": wish.note_ar.strip() if wish.note_ar is not None else None,
        "cutoff_at": None
        if wish.cutoff_minutes is None
        else (departure.ends_at if departure.any_time else departure.starts_at)
        - timedelta(minutes=wish.cutoff_minutes),
    }
    changes = {
        name: (getattr(departure, name), value)
        for name, value in wanted.items()
        if value is not None and value != getattr(departure, name)
    }
    refusal = _refusal(departure, changes)
    return Planned(departure, {} if refusal else changes, refusal)


def _refusal(departure: Departure, changes: dict[str, tuple[Any, Any]]) -> str:
    sold = departure.seats_taken
    if departure.status == DepartureStatus.CANCELLED and changes:
        return _("It is cancelled.")
    if "capacity" in changes and changes["capacity"][1] < sold:
        return _("{sold} places are held or booked already.").format(sold=sold)
    return ""


def _write(rows: Sequence[Planned], actor: Any, reason: str) -> None:
    """Rows to which the same happens are written together; each has its entry in the audit trail."""
    alike: dict[tuple[tuple[str, Any], ...], list[Planned]] = {}
    for row in rows:
        new = {name: value for name, (_old, value) in row.changes.items()}
        if "status" in new:
            new["closed_by_schedule"] = False  # staff's word: no schedule opens it again
        if "cutoff_at" in new:
            new["cutoff_at"] = new["cutoff_at"] - row.departure.starts_at
        alike.setdefault(tuple(sorted(new.items())), []).append(row)
    for values, some in alike.items():
        new = dict(values)
        if "cutoff_at" in new:
            new["cutoff_at"] = F("starts_at") + new["cutoff_at"]
        for first in range(0, len(some), AT_ONCE):
            ids = [row.departure.pk for row in some[first : first + AT_ONCE]]
            Departure.objects.filter(pk__in=ids).update(**new)
    record_each(
        "tours.departure.changed_in_bulk",
        [
            (
                row.departure,
                {name: old for name, (old, _new) in row.changes.items()},
                {name: new for name, (_old, new) in row.changes.items()},
            )
            for row in rows
        ],
        actor=actor,
        reason=reason,
    )
    tours = {row.departure.tour_id: row.departure.tour for row in rows}
    announce_each("tour.changed", tours.values(), lambda tour: {})
