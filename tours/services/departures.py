"""Departures: made from the schedule, changed, closed and reopened by staff."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Case, F, When
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts.audit import differences, record, record_added, snapshot
from config.errors import IllegalMove, InvalidInput
from notifications.outbox import announce
from tours.caching import seats_changed
from tours.errors import (
    CapacityBelowSold,
    DepartureExists,
    DepartureNotFound,
    DepartureOver,
    LocalTimeDoesNotExist,
    OptionKindFixed,
    OptionNotFound,
    ScheduleFixed,
)
from tours.models import Departure, DepartureStatus, Tour, TourOption
from tours.occurrences import closing_of, exists_locally, moment
from tours.services.facts import lock_tour, settle_tour

MOST_ROWS = 1000
MOST_PLACES = 100_000
BATCH = 1000


Start = tuple[UUID, datetime]  # an option and a moment: no two departures share both
CHANGEABLE = ("capacity", "note_en", "note_ar")
# What cut-offs count back from: the start, or the end of opening hours.
LAST_MOMENT = Case(When(any_time=True, then=F("ends_at")), default=F("starts_at"))


@transaction.atomic
def add_departure(
    *,
    option_id: UUID,
    day: date,
    at: time,
    capacity: int | None = None,
    note_en: str = "",
    note_ar: str = "",
    actor: Any,
) -> Departure:
    """Make one departure by hand, at a local time of the destination; without a capacity the option's holds.

    Raises `OptionNotFound`, `DepartureExists`, `DepartureOver`, `LocalTimeDoesNotExist`, `InvalidInput`.
    """
    option = TourOption.objects.select_related("tour__destination").filter(pk=option_id, tour__deleted_at=None).first()
    if option is None:
        raise OptionNotFound
    zone = ZoneInfo(option.tour.destination.time_zone)
    if not exists_locally(day, at, zone):
        raise LocalTimeDoesNotExist(time=f"{at:%H:%M}", date=day, zone=zone.key)
    departure = departure_of(option, moment(day, at, zone))
    if departure.starts_at <= now():
        raise DepartureOver
    departure.note_en, departure.note_ar = note_en, note_ar
    departure.capacity = _positive(option.capacity if capacity is None else capacity)
    Departure.objects.bulk_create([departure], ignore_conflicts=True)
    if not Departure.objects.filter(pk=departure.pk).exists():  # another one stands there
        raise DepartureExists(departure=departure)
    record("tours.departure.added", departure, actor=actor, after=snapshot(departure))
    _tell_changed(departure)
    return departure


@transaction.atomic
def change_departure(*, departure_id: UUID, data: Mapping[str, Any], actor: Any) -> Departure:
    """Change `capacity`, `note_en`, `note_ar`. Raises `CapacityBelowSold` with how many are sold, and `DepartureNotFound`."""
    (departure,) = lock_departures([departure_id])
    if _apply(departure, data, actor):
        _tell_changed(departure)
    return departure


@transaction.atomic
def close_departures(*, departure_ids: Iterable[UUID], actor: Any, reason: str) -> list[Departure]:
    """Stop selling; what is held or booked stays. Safe to repeat. Raises `DepartureNotFound`, `IllegalMove` if cancelled."""
    return _moved(departure_ids, DepartureStatus.CLOSED, "closed", actor, reason)


@transaction.atomic
def reopen_departures(*, departure_ids: Iterable[UUID], actor: Any, reason: str = "") -> list[Departure]:
    """Sell again. Safe to repeat. Raises `DepartureNotFound`, `DepartureOver` once started, `IllegalMove` if cancelled."""
    return _moved(departure_ids, DepartureStatus.OPEN, "reopened", actor, reason)


@transaction.atomic
def upsert_departures(*, tour_id: UUID, rows: Sequence[Mapping[str, Any]], actor: Any) -> list[Departure]:
    """Make or change departures of a tour by option and local start; returns them in the order of the rows.

    A row holds `date`, `time` (of the destination), and as needed `option` (its code; the one offered first otherwise),
    `capacity`, `status` (OPEN or CLOSED), `note_en`, `note_ar`. What a row leaves out stays as it is, or as the option has it.
    All or nothing. Raises `InvalidInput` with the faults by place (`departures.3.time`), `CapacityBelowSold`, `TourNotFound`.
    """
    tour = lock_tour(tour_id)
    wanted = wanted_departures(tour, rows)
    keys = [(departure.option_id, departure.starts_at) for departure in wanted]
    existing = {(departure.option_id, departure.starts_at): departure for departure in _lock_starts(tour, keys)}
    outcome, fresh = [], []
    for departure, row in zip(wanted, rows, strict=True):
        known = existing.get((departure.option_id, departure.starts_at))
        if known is None:
            fresh.append(departure)
        else:
            _apply(known, row, actor)
        outcome.append(known or departure)
    Departure.objects.bulk_create(fresh, batch_size=BATCH)
    record_added("tours.departure.added", fresh, actor=actor)
    settle_tour(tour_id)
    transaction.on_commit(partial(seats_changed, tour_id))
    return outcome


def lock_departures(departure_ids: Iterable[UUID]) -> list[Departure]:
    """The departures, locked in the order of their ids. Raises `DepartureNotFound` unless all are there."""
    ids = set(departure_ids)
    departures = list(
        Departure.objects.select_for_update(of=("self",))
        .select_related("tour__destination", "option")
        .filter(pk__in=ids)
        .order_by("pk")
    )
    if len(departures) < len(ids):
        raise DepartureNotFound
    return departures


def follow_tour(tour: Tour, changed: Iterable[str], *, old_zone: str) -> None:
    """Bring the departures to come in line with what changed on their tour: cut-off, duration.

    A destination in another time zone would move every start: raises `ScheduleFixed` while there are departures to come.
    """
    coming = Departure.objects.filter(tour_id=tour.pk).upcoming()
    if tour.destination.time_zone != old_zone:
        refuse_departures_to_come(coming)
    if "cutoff_minutes" in changed:
        coming.update(cutoff_at=LAST_MOMENT - timedelta(minutes=tour.cutoff_minutes))
    if "partner_cutoff_minutes" in changed:
        minutes = tour.partner_cutoff_minutes
        coming.update(partner_cutoff_at=None if minutes is None else LAST_MOMENT - timedelta(minutes=minutes))
    if "duration_minutes" in changed:
        follow_options(tour.pk)


def follow_options(tour_id: UUID) -> None:
    """Bring the departures to come in line with their options: on sale since when, and, where nobody holds or booked a
    place, when they end. Raises `OptionKindFixed` for an option that is sold by opening hours now, or no longer, while there
    are departures of the other kind."""
    coming = Departure.objects.filter(tour_id=tour_id).upcoming()
    for option in TourOption.objects.filter(tour_id=tour_id).select_related("tour"):
        own = coming.filter(option_id=option.pk)
        others = own.exclude(any_time=option.by_opening_hours).count()
        if others:
            raise OptionKindFixed(option=option.code, count=others)
        days = option.opens_days_before
        opens_at = None if days is None else F("starts_at") - timedelta(days=days)
        if days is None:
            own.exclude(opens_at=None).update(opens_at=None)
        else:
            own.update(opens_at=opens_at)
        ends_at = F("starts_at") + timedelta(minutes=option.minutes)
        unsold = own.filter(seats_held=0, seats_booked=0, any_time=False)
        unsold.exclude(ends_at=ends_at).update(ends_at=ends_at)


def refuse_departures_to_come(coming: Any) -> None:
    """Raise `ScheduleFixed` when there is any."""
    count = coming.count()
    if count:
        raise ScheduleFixed(count=count)


def departure_of(
    option: TourOption, starts_at: datetime, zone: ZoneInfo | None = None, *, rule: Any = None
) -> Departure:
    tour = option.tour
    zone = zone or ZoneInfo(tour.destination.time_zone)
    by_hours = rule is not None and rule.closes_at is not None
    ends_at = closing_of(rule, starts_at, zone) if by_hours else starts_at + timedelta(minutes=option.minutes)
    last, partner = ends_at if option.by_opening_hours else starts_at, tour.partner_cutoff_minutes
    days = option.opens_days_before
    return Departure(
        tour=tour,
        option=option,
        rule=rule,
        starts_at=starts_at,
        ends_at=ends_at,
        any_time=option.by_opening_hours,
        cutoff_at=last - timedelta(minutes=tour.cutoff_minutes),
        partner_cutoff_at=None if partner is None else last - timedelta(minutes=partner),
        opens_at=None if days is None else starts_at - timedelta(days=days),
        local_date=starts_at.astimezone(zone).date(),
        capacity=(rule.capacity if rule else None) or option.capacity,
    )


def _is_capacity(capacity: Any) -> bool:
    return isinstance(capacity, int) and not isinstance(capacity, bool) and 1 <= capacity <= MOST_PLACES


def _positive(capacity: Any) -> int:
    if not _is_capacity(capacity):
        raise InvalidInput(details={"capacity": [_capacity_fault()]})
    return int(capacity)


def _capacity_fault() -> str:
    return _("A departure has between 1 and {most} places.").format(most=MOST_PLACES)


def _apply(departure: Departure, data: Mapping[str, Any], actor: Any) -> bool:
    """Write what differs onto a locked departure, with its audit entry. Returns whether anything did."""
    before = snapshot(departure)
    for field in CHANGEABLE:
        if data.get(field) is not None:
            setattr(departure, field, _positive(data[field]) if field == "capacity" else data[field].strip())
    if "min_to_run" in data:
        departure.min_to_run = data["min_to_run"]
    sold = departure.seats_taken
    if departure.capacity < sold:
        raise CapacityBelowSold(
            sold=sold,
            asked=departure.capacity,
            details={"sold": sold, "asked": departure.capacity, "departure_id": str(departure.pk)},
        )
    if data.get("status") is not None and data["status"] != departure.status:
        refuse_move(departure, DepartureStatus(data["status"]))
        departure.status = data["status"]
    old, new = differences(before, snapshot(departure))
    if not new:
        return False
    departure.save(update_fields=list(new))
    record("tours.departure.changed", departure, actor=actor, before=old, after=new)
    return True


def _moved(ids: Iterable[UUID], status: DepartureStatus, verb: str, actor: Any, reason: str) -> list[Departure]:
    departures = lock_departures(ids)
    for departure in departures:
        if departure.status == status:
            continue
        refuse_move(departure, status)
        before, departure.status = departure.status, status
        departure.closed_by_schedule = False  # staff's word: no schedule opens it again
        departure.save(update_fields=["status", "closed_by_schedule"])
        record(
            f"tours.departure.{verb}",
            departure,
            actor=actor,
            before={"status": before},
            after={"status": str(status)},
            reason=reason,
        )
        _tell_changed(departure)
    return departures


def _tell_changed(departure: Departure) -> None:
    """Announce it; who reads the places next already sees the change, whether or not a worker is awake."""
    announce("departure.changed", departure, tour=str(departure.tour_id))
    transaction.on_commit(partial(seats_changed, departure.tour_id))


def refuse_move(departure: Departure, status: DepartureStatus) -> None:
    if departure.status == DepartureStatus.CANCELLED or status == DepartureStatus.CANCELLED:
        raise IllegalMove(what=departure, current=departure.get_status_display(), wanted=status.label)
    if status == DepartureStatus.OPEN and departure.is_over:
        raise DepartureOver


def _lock_starts(tour: Tour, keys: Sequence[tuple[UUID, datetime]]) -> list[Departure]:
    found = Departure.objects.filter(tour_id=tour.pk, starts_at__in={start for _option, start in keys})
    return list(found.select_for_update(of=("self",)).select_related("tour__destination", "option").order_by("pk"))


def wanted_departures(tour: Tour, rows: Sequence[Mapping[str, Any]]) -> list[Departure]:
    """One departure, not saved, for each row. Raises `InvalidInput` with every fault found."""
    if not 1 <= len(rows) <= MOST_ROWS:
        raise InvalidInput(
            details={"departures": [_("Between 1 and {most} rows can be sent at once.").format(most=MOST_ROWS)]}
        )
    zone = ZoneInfo(tour.destination.time_zone)
    options = {option.code: option for option in tour.options.order_by("-is_default", "display_order", "code")}
    faults: dict[str, list[str]] = {}
    wanted: list[Departure] = []
    seen: set[tuple[UUID, datetime]] = set()
    for place, row in enumerate(rows):
        code = row.get("option") or next(iter(options), "")
        option = options.get(code)
        if option is None:
            faults[f"departures.{place}.option"] = [_("There is no “{}”.").format(code)]
            continue
        option.tour = tour
        start = moment(row["date"], row["time"], zone)
        fault = _fault_of_start(row, start, zone, (option.pk, start) in seen)
        if fault:
            faults[f"departures.{place}.{fault[0]}"] = [fault[1]]
            continue
        seen.add((option.pk, start))
        departure = departure_of(option, start, zone)
        departure.capacity = option.capacity if row.get("capacity") is None else row["capacity"]
        departure.status = row.get("status") or DepartureStatus.OPEN
        departure.note_en, departure.note_ar = row.get("note_en") or "", row.get("note_ar") or ""
        wanted.append(departure)
    if faults:
        raise InvalidInput(details=faults)
    return wanted


def _fault_of_start(row: Mapping[str, Any], start: datetime, zone: ZoneInfo, repeated: bool) -> tuple[str, str] | None:
    if row.get("status") not in (None, DepartureStatus.OPEN, DepartureStatus.CLOSED):
        return "status", _("Only OPEN and CLOSED can be set.")
    if not exists_locally(row["date"], row["time"], zone):
        return "time", _("This time does not exist on that day: the clocks are put forward over it.")
    if start <= datetime.now(UTC):
        return "date", _("This start is in the past.")
    if row.get("capacity") is not None and not _is_capacity(row["capacity"]):
        return "capacity", _capacity_fault()
    if repeated:
        return "time", _("This start stands here twice.")
    return None
