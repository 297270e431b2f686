"""Departures from a table: looked at without a lock, written in bulk."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from config.errors import DomainError, InvalidInput
from tours.models import Departure, DepartureStatus, Tour
from tours.selectors.tables import DEPARTURE_COLUMNS
from tours.services.departures import MOST_PLACES, refuse_move, upsert_departures, wanted_departures
from tours.services.importing.frame import Line, Outcome, clock_of, day_of, pieces, whole

AT_ONCE = 1000  # rows that a service takes
LONGEST_NOTE = 300
TOLD = ("capacity", "status", "note_en", "note_ar")


@dataclass
class _Start:
    """A row of the table, as the services take it."""

    line: int
    data: dict[str, Any]


class DepartureReader:
    columns = DEPARTURE_COLUMNS
    needed = frozenset({"tour", "date", "time"})

    def __init__(self, actor: Any, outcome: Outcome, for_good: bool) -> None:
        self.actor, self.outcome, self.for_good = actor, outcome, for_good
        # By a number of the option and the start, the line it stands in: a hundred thousand of them are ten megabytes.
        self.seen: dict[int, int] = {}

    def take(self, rows: Sequence[Line]) -> None:
        slugs = {row.get("tour", "") for _number, row in rows}
        tours = {tour.slug: tour for tour in Tour.objects.alive().select_related("destination").filter(slug__in=slugs)}
        by_tour: dict[str, list[_Start]] = defaultdict(list)
        for number, row in rows:
            if row.get("tour", "") not in tours:
                self.outcome.refuse(number, "tour", _("There is no “{}”.").format(row.get("tour", "")[:60]))
                continue
            start = self._start(number, row)
            if start is not None:
                by_tour[row["tour"]].append(start)
        for slug in sorted(by_tour, key=lambda one: tours[one].pk):
            for some in pieces(by_tour[slug], AT_ONCE):
                self._take(tours[slug], some)

    def finish(self) -> None:
        """Each piece was written as it came."""

    def _start(self, number: int, row: dict[str, str]) -> _Start | None:
        outcome = self.outcome
        data: dict[str, Any] = {"date": day_of(row.get("date", "")), "time": clock_of(row.get("time", ""))}
        if data["date"] is None:
            outcome.refuse(number, "date", _("A day, as 2027-01-31."))
        if data["time"] is None:
            outcome.refuse(number, "time", _("A time of the day, as 09:30."))
        if row.get("option"):
            data["option"] = row["option"]
        if row.get("capacity"):
            data["capacity"] = whole(row["capacity"])
            if data["capacity"] is None or not 1 <= data["capacity"] <= MOST_PLACES:
                told = _("A departure has between 1 and {most} places.").format(most=MOST_PLACES)
                outcome.refuse(number, "capacity", told)
        if row.get("status"):
            data["status"] = row["status"].upper()
        for name in ("note_en", "note_ar"):
            if name in row:
                data[name] = row[name]
                if len(row[name]) > LONGEST_NOTE:
                    told = _("At most {most} letters; these are {count}.")
                    outcome.refuse(number, name, told.format(most=LONGEST_NOTE, count=len(row[name])))
        return None if outcome.is_faulty(number) else _Start(number, data)

    def _take(self, tour: Tour, starts: Sequence[_Start]) -> None:
        some = self._sensible(tour, starts)
        if not some:
            return
        wanted = wanted_departures(tour, [start.data for start in some])
        moments = {departure.starts_at for departure in wanted}
        known = {
            (row.option_id, row.starts_at): row
            for row in Departure.objects.filter(tour_id=tour.pk, starts_at__in=moments)
        }
        fresh: list[_Start] = []
        for start, departure in zip(some, wanted, strict=True):
            key = hash((departure.option_id, departure.starts_at))
            if key in self.seen:
                told = _("This start stands in line {line} already.").format(line=self.seen[key])
                self.outcome.refuse(start.line, "time", told)
                continue
            self.seen[key] = start.line
            if self._differs(tour, start, known.get((departure.option_id, departure.starts_at))):
                fresh.append(start)
        if self.for_good and fresh:
            upsert_departures(tour_id=tour.pk, rows=[start.data for start in fresh], actor=self.actor)

    def _sensible(self, tour: Tour, starts: Sequence[_Start]) -> Sequence[_Start]:
        """Those that can be; what is wrong with the others is noted."""
        try:
            wanted_departures(tour, [start.data for start in starts])
        except InvalidInput as refusal:
            faulty = set()
            for place, found in refusal.details.items():
                _word, index, column = place.split(".", 2)
                faulty.add(int(index))
                self.outcome.refuse(starts[int(index)].line, column, found[0])
            return [start for index, start in enumerate(starts) if index not in faulty]
        return starts

    def _differs(self, tour: Tour, start: _Start, known: Departure | None) -> bool:
        """Whether the row is to be written; what its service would refuse is told here already."""
        outcome, asked = self.outcome, {name: start.data[name] for name in TOLD if name in start.data}
        name = f"{tour.title_en} · {start.data['date']} {start.data['time']:%H:%M}"
        if known is None:
            outcome.take(start.line, name, is_new=True)
            return True
        changes = [
            (column, getattr(known, column), value)
            for column, value in asked.items()
            if getattr(known, column) != value
        ]
        if not changes:
            outcome.same += 1
            return False
        sold = known.seats_taken
        if asked.get("capacity", known.capacity) < sold:
            outcome.refuse(start.line, "capacity", _("{sold} places are held or booked already.").format(sold=sold))
            return False
        if asked.get("status", known.status) != known.status:
            try:
                refuse_move(known, DepartureStatus(asked["status"]))
            except DomainError:
                outcome.refuse(start.line, "status", _("It is cancelled."))
                return False
        outcome.take(start.line, name, is_new=False, changes=changes)
        return True
