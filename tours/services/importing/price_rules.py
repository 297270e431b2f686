"""Price rules from a table, each by the service that its page uses. A rule is known by its id; without one it is new."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import PriceGroup
from config.errors import DomainError
from tours.models import PriceRule, RuleEffect, RuleKind, Season, Tour, TourOption
from tours.selectors.tables import PRICE_RULE_COLUMNS, price_rule_row
from tours.services.importing.cells import (
    identity,
    one_of,
    several,
    truth,
    weekday,
    whole_or_less,
)
from tours.services.importing.frame import Line, Outcome, amount_of, clock_of, day_of, whole
from tours.services.price_rules import change_price_rule, create_price_rule

MOST_RULES = 5000  # that change anything
DAY = gettext_lazy("A day, as 2027-01-31.")
NUMBER = gettext_lazy("A whole number, 0 or more.")


class PriceRuleReader:
    """Writes also where it is a rehearsal, whose transaction is rolled back: the services say best what they refuse."""

    columns = PRICE_RULE_COLUMNS
    needed = frozenset({"name_en", "name_ar", "kind", "value"})

    def __init__(self, actor: Any, outcome: Outcome, for_good: bool) -> None:
        self.actor, self.outcome = actor, outcome
        self.seasons = {season.code: season for season in Season.objects.all()}
        self.groups = {group.code: group for group in PriceGroup.objects.all()}
        self.seen: set[str] = set()

    def take(self, rows: Sequence[Line]) -> None:
        slugs = {row.get("tour", "") for _number, row in rows}
        tours = {tour.slug: tour for tour in Tour.objects.alive().filter(slug__in=slugs)}
        options = {
            (option.tour_id, option.code): option for option in TourOption.objects.filter(tour__in=tours.values())
        }
        asked = {pk for pk in (identity(row.get("price_rule", "")) for _number, row in rows) if pk is not None}
        known = PriceRule.objects.filter(pk__in=asked).select_related("tour", "option", "season", "price_group")
        rules = {str(rule.pk): rule for rule in known}
        for number, row in rows:
            tour = tours.get(row.get("tour", ""))
            option = options.get((tour.pk, row.get("option", ""))) if tour else None
            for name, found in (("tour", tour), ("option", option)):
                if row.get(name) and found is None:
                    self.outcome.refuse(number, name, _("There is no “{}”.").format(row[name][:60]))
            written = row.get("price_rule", "").lower()
            if written and written not in rules:
                self.outcome.refuse(number, "price_rule", _("There is no such rule. Leave it empty for a new one."))
            elif written and written in self.seen:
                self.outcome.refuse(number, "price_rule", _("“{}” stands here twice.").format(written))
            if not self.outcome.is_faulty(number):
                self.seen.add(written)
                self._take(number, row, {"tour": tour, "option": option}, rules.get(written))

    def finish(self) -> None:
        """Each row was written by itself."""

    def _take(self, number: int, row: dict[str, str], of: dict[str, Any], known: PriceRule | None) -> None:
        cells = {name: text for name, text in row.items() if name in (*TEXTS, *EMPTY, *CELLS, "season", "price_group")}
        data = {name: self._cell(number, name, text) for name, text in cells.items()}
        data |= {name: value for name, value in of.items() if name in row}
        if self.outcome.is_faulty(number):
            return
        if known is not None:
            data = {name: value for name, value in data.items() if getattr(known, name) != value}
            if not data:
                self.outcome.same += 1
                return
        else:
            data = {"tour": None} | data
        if self.outcome.added + self.outcome.changed >= MOST_RULES:
            told = _("More than {most} rules at once that are new or changed.").format(most=MOST_RULES)
            self.outcome.refuse(number, "", told)
            return
        stands = price_rule_row(known) if known is not None else {}
        try:
            with transaction.atomic():
                if known is None:
                    create_price_rule(data=data, actor=self.actor)
                else:
                    change_price_rule(rule_id=known.pk, data=data, actor=self.actor)
        except DomainError as refusal:
            self.outcome.refuse_for(number, refusal)
            return
        changes = [(name, stands[name], row[name]) for name in data] if known is not None else []
        name = " · ".join(text for text in (row.get("tour", ""), row["kind"], row["name_en"]) if text)
        self.outcome.take(number, name, is_new=known is None, changes=changes)

    def _cell(self, number: int, name: str, written: str) -> Any:
        """The value of a cell, as the service takes it; what it cannot be is noted."""
        if name in TEXTS:
            return written.strip()
        if not written and name in EMPTY:
            return EMPTY[name]
        if name in ("season", "price_group"):
            value: Any = (self.seasons if name == "season" else self.groups).get(written)
            told: Any = _("There is no “{}”.").format(written[:60])
        else:
            read, told = CELLS[name]
            value = read(written)
            if name in CHOICES:
                told = _("One of {choices}.").format(choices=", ".join(CHOICES[name]))
        if value is None:
            self.outcome.refuse(number, name, told)
        return value


TEXTS = ("name_en", "name_ar")
# What stands where a cell is left empty.
EMPTY: dict[str, Any] = {
    **{name: [] for name in ("categories", "weekdays", "start_times")},
    **dict.fromkeys(("first_day", "last_day", "season", "days_before", "hours_before", "occupancy_percent")),
    "price_group": None,
    "effect": RuleEffect.PERCENT.value,
    "priority": 0,
    "is_active": True,
}
CHOICES = {"kind": RuleKind.values, "effect": RuleEffect.values}
CELLS: dict[str, tuple[Callable[[str], Any], Any]] = {
    **{name: (one_of(values), "") for name, values in CHOICES.items()},
    "value": (amount_of, gettext_lazy("An amount, as 1250.50.")),
    "categories": (str.split, ""),  # the service knows which there are
    "first_day": (day_of, DAY),
    "last_day": (day_of, DAY),
    "weekdays": (several(weekday), gettext_lazy("Numbers from 1, Monday, to 7, Sunday, with spaces between: 1 3 5.")),
    "start_times": (several(clock_of), gettext_lazy("Times of the day as 09:30, with spaces between.")),
    "days_before": (whole, NUMBER),
    "hours_before": (whole, NUMBER),
    "occupancy_percent": (whole, NUMBER),
    "priority": (whole_or_less, gettext_lazy("A whole number.")),
    "is_active": (truth, gettext_lazy("true or false.")),
}
