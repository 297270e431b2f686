"""Tours and departures from a table: looked at row by row first, then written by the services, all of it or nothing.

A row that says what is so already is left alone, so that a table that was exported, changed in a few places and brought
back touches those places only.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.dateparse import parse_date, parse_time
from django.utils.translation import gettext as _

from config.errors import DomainError, InvalidInput
from config.tables import Row
from tours.errors import ImportRefused
from tours.models import CancellationPolicy, Departure, DepartureStatus, Tour
from tours.selectors.tables import DEPARTURE_COLUMNS, LISTS, SEPARATOR, TOUR_COLUMNS, tour_row
from tours.services.departures import MOST_PLACES, refuse_move, upsert_departures, wanted_departures
from tours.services.tours import create_tour, update_tour

MOST_TOURS = 500  # that change anything; each is a dozen statements
MOST_FAULTS = 200
AT_ONCE = 1000
LONGEST_NOTE = 300
WHOLE = (
    *("duration_minutes", "nights", "min_group_size", "max_group_size", "min_age", "min_guests", "max_guests"),
    *("cutoff_minutes", "display_order"),
)
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0", "")

Line = tuple[int, Row]


@dataclass(frozen=True)
class Fault:
    """What is wrong in a line of the file; `column` may be empty."""

    line: int
    column: str
    sentence: str


@dataclass
class Outcome:
    """What came, or would come, of a table."""

    added: int = 0
    changed: int = 0
    same: int = 0
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, line: int, column: str, sentence: Any) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(line, column, str(sentence)))

    def refuse_for(self, line: int, refusal: DomainError) -> None:
        """The fields a service names, else its sentence."""
        named = [(name, one) for name, found in refusal.details.items() if isinstance(found, list) for one in found]
        for name, sentence in named or [("", str(refusal))]:
            self.refuse(line, name, sentence)


def rehearse(kind: str, rows: Sequence[Line], *, actor: Any) -> Outcome:
    """What `carry_out` would do. Nothing stays."""
    with transaction.atomic():
        outcome = KINDS[kind](rows, actor, False)
        transaction.set_rollback(True)
    return outcome


def carry_out(kind: str, rows: Sequence[Line], *, actor: Any) -> Outcome:
    """Write the table (`tours` or `departures`), all of it. Raises `ImportRefused` with the faults, and then nothing stays."""
    with transaction.atomic():
        outcome = KINDS[kind](rows, actor, True)
        if outcome.faults:
            raise ImportRefused(outcome=outcome, count=len(outcome.faults), details={"count": len(outcome.faults)})
    return outcome


# --- Tours ---


def _tours(rows: Sequence[Line], actor: Any, for_good: bool) -> Outcome:
    outcome = Outcome()
    if not _has_columns(rows, TOUR_COLUMNS, {"slug"}, outcome):
        return outcome
    slugs = {row.get("slug", "") for _number, row in rows}
    tours = Tour.objects.alive().select_related("destination", "category", "cancellation_policy", "tax")
    known = {tour.slug: tour for tour in tours.filter(slug__in=slugs - {""})}
    policies = {name: pk for pk, name in CancellationPolicy.objects.values_list("pk", "name_en")}
    seen: set[str] = set()
    for number, row in rows:
        slug = row.get("slug", "")
        if slug and slug in seen:
            outcome.refuse(number, "slug", _("This tour stands here twice."))
            continue
        seen.add(slug)
        tour = known.get(slug)
        data = _tour_data(number, row, tour, policies, outcome)
        if data is None:
            continue
        if tour is not None and not data:
            outcome.same += 1
        elif outcome.added + outcome.changed >= MOST_TOURS:
            outcome.refuse(
                number, "", _("More than {most} tours at once that are new or changed.").format(most=MOST_TOURS)
            )
            break
        else:
            _write_tour(number, tour, data, actor, outcome)
    return outcome


def _tour_data(
    number: int, row: Row, tour: Tour | None, policies: dict[str, UUID], outcome: Outcome
) -> dict[str, Any] | None:
    """What differs from the tour, as the services take it; None where the row is faulty."""
    before = len(outcome.faults)
    stands = tour_row(tour) if tour is not None else {"status": "DRAFT"}
    data: dict[str, Any] = {}
    for name, written in row.items():
        if name not in TOUR_COLUMNS or _plain(written) == _plain(str(stands.get(name, ""))):
            continue
        if tour is None and not written:
            continue
        if name == "status":
            outcome.refuse(number, name, _("Tours go on sale and off it on their own page."))
        elif name == "cancellation_policy" and written not in policies:
            outcome.refuse(number, name, _("There is no “{}”.").format(written[:60]))
        else:
            _take(data, number, name, written, policies, outcome)
    return data if len(outcome.faults) == before else None


def _plain(text: str) -> str:
    """Without what spreadsheets do to the ends of lines."""
    return "\n".join(text.split("\r\n")).strip()


def _take(
    data: dict[str, Any], number: int, name: str, written: str, policies: dict[str, UUID], outcome: Outcome
) -> None:
    if name == "cancellation_policy":
        data[name] = policies[written]
    elif name in LISTS:
        data[name] = [part.strip() for part in written.split(SEPARATOR.strip()) if part.strip()]
    elif name == "is_featured":
        if written.lower() not in (*TRUE, *FALSE):
            outcome.refuse(number, name, _("true or false."))
        data[name] = written.lower() in TRUE
    elif name in WHOLE:
        value = _whole(written)
        if value is None and written:
            outcome.refuse(number, name, _("A whole number, 0 or more."))
        data[name] = value
    else:
        data[name] = written


def _write_tour(number: int, tour: Tour | None, data: dict[str, Any], actor: Any, outcome: Outcome) -> None:
    try:
        with transaction.atomic():
            if tour is None:
                create_tour(data=data, actor=actor)
            else:
                update_tour(tour_id=tour.pk, data=data, actor=actor)
    except DomainError as refusal:
        outcome.refuse_for(number, refusal)
        return
    if tour is None:
        outcome.added += 1
    else:
        outcome.changed += 1


# --- Departures ---


@dataclass
class _Start:
    """A row of the table, as the services take it."""

    line: int
    data: dict[str, Any]


def _departures(rows: Sequence[Line], actor: Any, for_good: bool) -> Outcome:
    outcome = Outcome()
    if not _has_columns(rows, DEPARTURE_COLUMNS, {"tour", "date", "time"}, outcome):
        return outcome
    slugs = {row.get("tour", "") for _number, row in rows}
    tours = {tour.slug: tour for tour in Tour.objects.alive().select_related("destination").filter(slug__in=slugs)}
    by_tour: dict[str, list[_Start]] = defaultdict(list)
    for number, row in rows:
        if row.get("tour", "") not in tours:
            outcome.refuse(number, "tour", _("There is no “{}”.").format(row.get("tour", "")[:60]))
            continue
        start = _start(number, row, outcome)
        if start is not None:
            by_tour[row["tour"]].append(start)
    for slug in sorted(by_tour, key=lambda one: tours[one].pk):
        _write_starts(tours[slug], by_tour[slug], actor, outcome, for_good)
    return outcome


def _start(number: int, row: Row, outcome: Outcome) -> _Start | None:
    before = len(outcome.faults)
    data: dict[str, Any] = {"date": _day(row.get("date", "")), "time": _clock(row.get("time", ""))}
    if data["date"] is None:
        outcome.refuse(number, "date", _("A day, as 2027-01-31."))
    if data["time"] is None:
        outcome.refuse(number, "time", _("A time of the day, as 09:30."))
    if row.get("option"):
        data["option"] = row["option"]
    if row.get("capacity"):
        data["capacity"] = _whole(row["capacity"])
        if data["capacity"] is None or not 1 <= data["capacity"] <= MOST_PLACES:
            outcome.refuse(
                number, "capacity", _("A departure has between 1 and {most} places.").format(most=MOST_PLACES)
            )
    if row.get("status"):
        data["status"] = row["status"].upper()
    for name in ("note_en", "note_ar"):
        if name in row:
            data[name] = row[name]
            if len(row[name]) > LONGEST_NOTE:
                told = _("At most {most} letters; these are {count}.").format(most=LONGEST_NOTE, count=len(row[name]))
                outcome.refuse(number, name, told)
    return _Start(number, data) if len(outcome.faults) == before else None


def _write_starts(tour: Tour, starts: list[_Start], actor: Any, outcome: Outcome, for_good: bool) -> None:
    """Look at the rows of one tour without a lock; write those that differ."""
    fresh: list[_Start] = []
    seen: dict[Any, int] = {}
    for first in range(0, len(starts), AT_ONCE):
        some = _sensible(tour, starts[first : first + AT_ONCE], outcome)
        if not some:
            continue
        wanted = wanted_departures(tour, [start.data for start in some])
        moments = {departure.starts_at for departure in wanted}
        rows = Departure.objects.filter(tour_id=tour.pk, starts_at__in=moments)
        known = {(row.option_id, row.starts_at): row for row in rows}
        for start, departure in zip(some, wanted, strict=True):
            key = (departure.option_id, departure.starts_at)
            if key in seen:
                outcome.refuse(
                    start.line, "time", _("This start stands in line {line} already.").format(line=seen[key])
                )
                continue
            seen[key] = start.line
            if _differs(start, known.get(key), outcome):
                fresh.append(start)
    if for_good and not outcome.faults:
        for first in range(0, len(fresh), AT_ONCE):
            upsert_departures(
                tour_id=tour.pk, rows=[start.data for start in fresh[first : first + AT_ONCE]], actor=actor
            )


def _sensible(tour: Tour, starts: list[_Start], outcome: Outcome) -> list[_Start]:
    """Those that can be; what is wrong with the others is noted."""
    try:
        wanted_departures(tour, [start.data for start in starts])
    except InvalidInput as refusal:
        faulty = set()
        for place, found in refusal.details.items():
            _word, index, column = place.split(".", 2)
            faulty.add(int(index))
            outcome.refuse(starts[int(index)].line, column, found[0])
        return [start for index, start in enumerate(starts) if index not in faulty]
    return starts


def _differs(start: _Start, known: Departure | None, outcome: Outcome) -> bool:
    """Whether the row is to be written; what its service would refuse is told here already."""
    if known is None:
        outcome.added += 1
        return True
    asked = {name: start.data[name] for name in ("capacity", "status", "note_en", "note_ar") if name in start.data}
    if all(getattr(known, name) == value for name, value in asked.items()):
        outcome.same += 1
        return False
    sold = known.seats_held + known.seats_booked
    if asked.get("capacity", known.capacity) < sold:
        outcome.refuse(start.line, "capacity", _("{sold} places are held or booked already.").format(sold=sold))
        return False
    if asked.get("status", known.status) != known.status:
        try:
            refuse_move(known, DepartureStatus(asked["status"]))
        except DomainError:
            outcome.refuse(start.line, "status", _("It is cancelled."))
            return False
    outcome.changed += 1
    return True


# --- What both ask of a table ---


def _has_columns(rows: Sequence[Line], known: Sequence[str], needed: set[str], outcome: Outcome) -> bool:
    names = set(rows[0][1]) if rows else set()
    if not rows:
        outcome.refuse(1, "", _("There is no row below the names of the columns."))
    for name in sorted(needed - names) if rows else ():
        outcome.refuse(1, name, _("This column is missing."))
    for name in sorted(names - set(known)):
        outcome.refuse(1, name, _("There is no such column."))
    return not outcome.faults


def _whole(written: str) -> int | None:
    return int(written) if written.isdecimal() and len(written) <= 9 else None


def _day(written: str) -> date | None:
    try:
        return parse_date(written)
    except ValueError:
        return None


def _clock(written: str) -> time | None:
    try:
        return parse_time(written)
    except ValueError:
        return None


KINDS: dict[str, Callable[[Sequence[Line], Any, bool], Outcome]] = {"tours": _tours, "departures": _departures}
