"""Schedule rules from a table, each by the service that its page uses. A rule is known by its id; without one it is new."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.errors import DomainError
from tours.models import Repeats, ScheduleRule, Season, TourOption
from tours.selectors.tables import RULE_COLUMNS, rule_row
from tours.services.importing.cells import identity, several, truth, weekday
from tours.services.importing.frame import Line, Outcome, clock_of, day_of, whole
from tours.services.schedule import change_rule, create_rule

MOST_RULES = 1000  # that change anything; each makes its departures


class RuleReader:
    """Writes also where it is a rehearsal, whose transaction is rolled back: the services say best what they refuse."""

    columns = RULE_COLUMNS
    needed = frozenset({"tour", "option", "start_time", "valid_from"})

    def __init__(self, actor: Any, outcome: Outcome, for_good: bool) -> None:
        self.actor, self.outcome = actor, outcome
        self.seasons = {season.code: season for season in Season.objects.all()}
        self.seen: set[str] = set()

    def take(self, rows: Sequence[Line]) -> None:
        slugs = {row.get("tour", "") for _number, row in rows}
        options = {
            (option.tour.slug, option.code): option
            for option in TourOption.objects.filter(tour__slug__in=slugs, tour__deleted_at=None).select_related("tour")
        }
        asked = {pk for pk in (identity(row.get("rule", "")) for _number, row in rows) if pk is not None}
        rules = {
            str(rule.pk): rule
            for rule in ScheduleRule.objects.filter(pk__in=asked, option__tour__deleted_at=None).select_related(
                "option__tour", "season"
            )
        }
        for number, row in rows:
            option = options.get((row.get("tour", ""), row.get("option", "")))
            written = row.get("rule", "").lower()
            if option is None:
                known_tour = any(slug == row.get("tour", "") for slug, _code in options)
                column = "option" if known_tour else "tour"
                self.outcome.refuse(number, column, _("There is no “{}”.").format(row.get(column, "")[:60]))
            elif written and (written not in rules or rules[written].option_id != option.pk):
                self.outcome.refuse(number, "rule", _("This option has no such rule. Leave it empty for a new one."))
            elif written and written in self.seen:
                self.outcome.refuse(number, "rule", _("“{}” stands here twice.").format(written))
            else:
                self.seen.add(written)
                self._take(number, row, option, rules.get(written))

    def finish(self) -> None:
        """Each row was written by itself."""

    def _take(self, number: int, row: dict[str, str], option: TourOption, known: ScheduleRule | None) -> None:
        stands = rule_row(known) if known is not None else {}
        wanted = {
            name: text
            for name, text in row.items()
            if name not in ("rule", "tour", "option", "title") and text != str(stands.get(name, ""))
        }
        data = {name: self._cell(number, name, text) for name, text in wanted.items()}
        if self.outcome.is_faulty(number):
            return
        if known is not None and not data:
            self.outcome.same += 1
            return
        if self.outcome.added + self.outcome.changed >= MOST_RULES:
            told = _("More than {most} rules at once that are new or changed.").format(most=MOST_RULES)
            self.outcome.refuse(number, "", told)
            return
        try:
            with transaction.atomic():
                if known is None:
                    create_rule(option_id=option.pk, data=data, actor=self.actor)
                else:
                    change_rule(rule_id=known.pk, data=data, actor=self.actor)
        except DomainError as refusal:
            self.outcome.refuse_for(number, refusal)
            return
        changes = [(name, stands.get(name, ""), text) for name, text in wanted.items()] if known is not None else []
        name = f"{option.tour.title_en} · {option.code} · {row['start_time']}"
        self.outcome.take(number, name, is_new=known is None, changes=changes)

    def _cell(self, number: int, name: str, written: str) -> Any:
        """The value of a cell, as the service takes it; what it cannot be is noted."""
        if not written and name in EMPTY:
            return EMPTY[name]
        if name == "season":
            value: Any = self.seasons.get(written)
            told = _("There is no “{}”.").format(written[:60])
        elif name == "repeats":
            value = written.upper() if written.upper() in Repeats.values else None
            told = _("One of {choices}.").format(choices=", ".join(Repeats.values))
        elif name == "is_active":
            value = truth(written)
            told = _("true or false.")
        else:
            read, told = CELLS[name]
            value = read(written)
        if value is None:
            self.outcome.refuse(number, name, told)
        return value


def _ordinal(written: str) -> int | None:
    return int(written) if written in ("1", "2", "3", "4", "-1") else None


# What stands where a cell is left empty.
EMPTY: dict[str, Any] = {
    **{name: [] for name in ("weekdays", "ordinals", "dates", "more_times", "except_dates")},
    **dict.fromkeys(("closes_at", "valid_until", "season", "capacity")),
    "repeats": Repeats.WEEKLY,
    "every": 1,
    "is_active": True,
}
CELLS: dict[str, tuple[Callable[[str], Any], Any]] = {
    "every": (whole, gettext_lazy("A whole number, 0 or more.")),
    "capacity": (whole, gettext_lazy("A whole number, 0 or more.")),
    "weekdays": (
        several(weekday),
        gettext_lazy("Numbers from 1, Monday, to 7, Sunday, with spaces between: 1 3 5."),
    ),
    "ordinals": (several(_ordinal), gettext_lazy("1 to 4, or -1 for the last.")),
    "dates": (several(day_of), gettext_lazy("Days as 2027-01-31, with spaces between.")),
    "except_dates": (several(day_of), gettext_lazy("Days as 2027-01-31, with spaces between.")),
    "start_time": (clock_of, gettext_lazy("A time of the day, as 09:30.")),
    "closes_at": (clock_of, gettext_lazy("A time of the day, as 09:30.")),
    "more_times": (several(clock_of), gettext_lazy("Times of the day as 09:30, with spaces between.")),
    "valid_from": (day_of, gettext_lazy("A day, as 2027-01-31.")),
    "valid_until": (day_of, gettext_lazy("A day, as 2027-01-31.")),
}
