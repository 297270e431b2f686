"""How rules make the price of one guest (or group) out of the price list's. Pure.

The order is fixed: an override, else season, then weekday, then occupancy; after it early bird or last minute; after it the
members' price. Of each step at most one rule counts: `PriceRule` says which. Rules come here in that order of precedence.
Nothing is rounded before the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tours.models.rules import RuleEffect, RuleKind

BY_DATE = (RuleKind.SEASON, RuleKind.WEEKDAY, RuleKind.OCCUPANCY)
BY_BOOKING = (RuleKind.EARLY_BIRD, RuleKind.LAST_MINUTE)


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """A rule as plain values. `value` is None where it is an amount in a currency without a rate."""

    id: str
    kind: str
    effect: str
    value: Decimal | None
    label_en: str
    label_ar: str
    categories: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    season: tuple[tuple[date, date], ...] | None = None
    weekdays: tuple[int, ...] = ()
    times: tuple[str, ...] = ()
    days_before: int | None = None
    hours_before: int | None = None
    occupancy: int | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """What rules look at besides the category: when the trip is, when it is bought, how full it is, and by whom."""

    day: date
    time: str
    days_ahead: int
    seconds_ahead: float
    sold: int
    capacity: int
    group: str = ""

    @classmethod
    def of(cls, starts_at: datetime, zone: str, at: datetime, sold: int, capacity: int, group: str = "") -> "Sale":
        """The sale at `at` of a trip that starts at `starts_at`; days are counted in the destination's calendar."""
        there = ZoneInfo(zone)
        local = starts_at.astimezone(there)
        return cls(
            day=local.date(),
            time=f"{local:%H:%M}",
            days_ahead=(local.date() - at.astimezone(there).date()).days,
            seconds_ahead=(starts_at - at).total_seconds(),
            sold=sold,
            capacity=capacity,
            group=group,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a unit price: by which rule, said how, and the price after it (not rounded)."""

    rule: str
    label_en: str
    label_ar: str
    effect: str
    value: Decimal
    unit: Decimal


class AmountUnknown(Exception):
    """A rule's amount has no value in this currency."""


def fits(rule: RuleTerms, sale: Sale, category: str | None) -> bool:
    """Whether all conditions of the rule are met. A group's price (category None) is of no category."""
    return (
        (not rule.categories or category in rule.categories)
        and (rule.first_day is None or sale.day >= rule.first_day)
        and (rule.last_day is None or sale.day <= rule.last_day)
        and (rule.season is None or any(first <= sale.day <= last for first, last in rule.season))
        and (not rule.weekdays or sale.day.isoweekday() in rule.weekdays)
        and (not rule.times or sale.time in rule.times)
        and (rule.days_before is None or sale.days_ahead >= rule.days_before)
        and (rule.hours_before is None or sale.seconds_ahead <= rule.hours_before * 3600)
        and (rule.occupancy is None or sale.sold * 100 >= rule.occupancy * sale.capacity)
        and (rule.group is None or sale.group == rule.group)
    )


def steps(rules: Sequence[RuleTerms], unit: Decimal, sale: Sale, category: str | None) -> list[Step]:
    """The rules that count for this unit price, one after the other. Raises `AmountUnknown`."""
    if not rules:
        return []
    found: list[Step] = []
    override = _first(rules, (RuleKind.OVERRIDE,), sale, category)
    chosen = [override] if override else [_first(rules, (kind,), sale, category) for kind in BY_DATE]
    chosen += [_first(rules, BY_BOOKING, sale, category), _first(rules, (RuleKind.GROUP,), sale, category)]
    for rule in chosen:
        if rule is not None:
            step = _step(rule, unit)
            found.append(step)
            unit = step.unit
    return found


def _first(rules: Sequence[RuleTerms], kinds: Sequence[str], sale: Sale, category: str | None) -> RuleTerms | None:
    return next((rule for rule in rules if rule.kind in kinds and fits(rule, sale, category)), None)


def _step(rule: RuleTerms, unit: Decimal) -> Step:
    if rule.value is None:
        raise AmountUnknown
    match rule.effect:
        case RuleEffect.PERCENT:
            after = unit * (100 + rule.value) / 100
        case RuleEffect.AMOUNT:
            after = unit + rule.value
        case _:
            after = rule.value
    return Step(f"price_rule:{rule.id}", rule.label_en, rule.label_ar, rule.effect, rule.value, max(after, Decimal(0)))
