"""Tours from a table, each by the services that its page uses."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import DomainError
from tours.models import CancellationPolicy, Tour
from tours.selectors.tables import LISTS, SEPARATOR, TOUR_COLUMNS, tour_row
from tours.services.importing.frame import FALSE, TRUE, Line, Outcome, whole
from tours.services.tours import create_tour, update_tour

MOST_TOURS = 500  # that change anything; each is a dozen statements
WHOLE = (
    *("duration_minutes", "nights", "min_group_size", "max_group_size", "min_age", "min_guests", "max_guests"),
    *("cutoff_minutes", "display_order"),
)


class TourReader:
    """Writes also where it is a rehearsal, whose transaction is rolled back: the services say best what they refuse."""

    columns = TOUR_COLUMNS
    needed = frozenset({"slug"})

    def __init__(self, actor: Any, outcome: Outcome, for_good: bool) -> None:
        self.actor, self.outcome = actor, outcome
        self.policies = {name: pk for pk, name in CancellationPolicy.objects.values_list("pk", "name_en")}
        self.seen: set[str] = set()
        self.is_full = False

    def take(self, rows: Sequence[Line]) -> None:
        slugs = {row.get("slug", "") for _number, row in rows}
        tours = Tour.objects.alive().select_related("destination", "category", "cancellation_policy", "tax")
        known = {tour.slug: tour for tour in tours.filter(slug__in=slugs - {""})}
        for number, row in rows:
            slug = row.get("slug", "")
            if slug and slug in self.seen:
                self.outcome.refuse(number, "slug", _("This tour stands here twice."))
                continue
            self.seen.add(slug)
            self._take(number, row, known.get(slug))

    def finish(self) -> None:
        """Each row was written by itself."""

    def _take(self, number: int, row: dict[str, str], tour: Tour | None) -> None:
        data = self._data(number, row, tour)
        if data is None or self.is_full:
            return
        if tour is not None and not data:
            self.outcome.same += 1
        elif self.outcome.added + self.outcome.changed >= MOST_TOURS:
            self.is_full = True
            told = _("More than {most} tours at once that are new or changed.").format(most=MOST_TOURS)
            self.outcome.refuse(number, "", told)
        else:
            self._write(number, row, tour, data)

    def _data(self, number: int, row: dict[str, str], tour: Tour | None) -> dict[str, Any] | None:
        """What differs from the tour, as the services take it; None where the row is faulty."""
        stands = tour_row(tour) if tour is not None else {"status": "DRAFT"}
        data: dict[str, Any] = {}
        for name, written in row.items():
            if name not in TOUR_COLUMNS or _plain(written) == _plain(str(stands.get(name, ""))):
                continue
            if tour is None and not written:
                continue
            if name == "status":
                self.outcome.refuse(number, name, _("Tours go on sale and off it on their own page."))
            elif name == "cancellation_policy" and written not in self.policies:
                self.outcome.refuse(number, name, _("There is no “{}”.").format(written[:60]))
            else:
                _take_cell(data, number, name, written, self.policies, self.outcome)
        return None if self.outcome.is_faulty(number) else data

    def _write(self, number: int, row: dict[str, str], tour: Tour | None, data: dict[str, Any]) -> None:
        stands = tour_row(tour) if tour is not None else {}
        try:
            with transaction.atomic():
                if tour is None:
                    create_tour(data=data, actor=self.actor)
                else:
                    update_tour(tour_id=tour.pk, data=data, actor=self.actor)
        except DomainError as refusal:
            self.outcome.refuse_for(number, refusal)
            return
        name = row.get("title_en") or row.get("slug", "") if tour is None else str(tour.title_en)
        changes = [(column, stands.get(column, ""), row[column]) for column in data if tour is not None]
        self.outcome.take(number, name, is_new=tour is None, changes=changes)


def _plain(text: str) -> str:
    """Without what spreadsheets do to the ends of lines."""
    return "\n".join(text.split("\r\n")).strip()


def _take_cell(
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
        value = whole(written)
        if value is None and written:
            outcome.refuse(number, name, _("A whole number, 0 or more."))
        data[name] = value
    else:
        data[name] = written
