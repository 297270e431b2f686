"""The price of certain days: first what guests would pay then, one departure after the other, then one rule, or nothing."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from config.errors import InvalidInput
from tours.errors import OptionNotFound, PlanStale, TooManyDepartures
from tours.lowest import cheapest_line
from tours.models import Departure, PriceRule, RuleEffect, RuleKind, Tour, TourOption
from tours.prices import Terms, load_offers, starting
from tours.selectors.capacity import FULLNESS
from tours.services.bulk import MOST, MOST_DAYS
from tours.services.facts import lock_tour
from tours.services.price_rules import create_price_rule

NAMES = ("Price of these days", "سعر هذه الأيام")


@dataclass(frozen=True)
class PriceWish:
    """Which days of a tour, or of one option, and what becomes of their prices: percent or amount more or less, or the price."""

    tour_id: UUID
    first_day: date
    last_day: date
    effect: str
    value: Decimal
    option_id: UUID | None = None
    weekdays: Collection[int] = (1, 2, 3, 4, 5, 6, 7)
    name_en: str = NAMES[0]
    name_ar: str = NAMES[1]


@dataclass(frozen=True)
class PlannedPrice:
    """A departure to come and what an adult (the group, where it is sold so) pays, now and then. None: it has no price."""

    departure: Departure
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True)
class PricePlan:
    """What would happen. The `fingerprint` changes with any of it."""

    rows: list[PlannedPrice]
    currency: str
    fingerprint: str

    @property
    def changing(self) -> list[PlannedPrice]:
        return [row for row in self.rows if row.before != row.after]


def plan_prices(wish: PriceWish, *, actor: Any) -> PricePlan:
    """What the wish would do. Nothing stays. Raises `InvalidInput`, `TourNotFound`, `TooManyDepartures`."""
    with transaction.atomic():
        plan, _rule = _carried_out(wish, actor)
        transaction.set_rollback(True)
    return plan


@transaction.atomic
def apply_prices(*, wish: PriceWish, fingerprint: str, actor: Any) -> PriceRule:
    """Do what `plan_prices` showed. Raises what it raises, and `PlanStale` when it would not be the same any more."""
    plan, rule = _carried_out(wish, actor)
    if plan.fingerprint != fingerprint:
        raise PlanStale
    return rule


def _carried_out(wish: PriceWish, actor: Any) -> tuple[PricePlan, PriceRule]:
    tour, option = _tour_and_option(wish)
    departures = _departures(wish)
    before = _prices(wish, departures)
    rule = create_price_rule(data=_rule_data(wish, tour, option), actor=actor)
    after = _prices(wish, departures)
    rows = [PlannedPrice(row, before[row.pk], after[row.pk]) for row in departures]
    told = [[str(row.departure.pk), str(row.before), str(row.after)] for row in rows]
    fingerprint = hashlib.sha256(orjson.dumps(told)).hexdigest()[:32]
    return PricePlan(rows, str(tour.currency_id), fingerprint), rule


def _tour_and_option(wish: PriceWish) -> tuple[Tour, TourOption | None]:
    faults: dict[str, list[str]] = {}
    if wish.last_day < wish.first_day:
        faults["date_to"] = [_("This is before the first day.")]
    elif (wish.last_day - wish.first_day).days >= MOST_DAYS:
        faults["date_to"] = [_("At most {days} days.").format(days=MOST_DAYS)]
    if not wish.weekdays or not set(wish.weekdays) <= set(range(1, 8)):
        faults["weekdays"] = [_("Choose at least one weekday.")]
    if wish.effect not in RuleEffect.values:
        faults["effect"] = [_("There is no “{}”.").format(wish.effect[:20])]
    if faults:
        raise InvalidInput(details=faults)
    tour = lock_tour(wish.tour_id)  # two clerks with the same preview: the second one looks again
    if wish.option_id is None:
        return tour, None
    option = TourOption.objects.filter(pk=wish.option_id, tour_id=tour.pk).first()
    if option is None:
        raise OptionNotFound
    return tour, option


def _departures(wish: PriceWish) -> list[Any]:
    found = Departure.objects.upcoming().filter(
        tour_id=wish.tour_id,
        local_date__range=(wish.first_day, wish.last_day),
        local_date__iso_week_day__in=sorted(wish.weekdays),
    )
    if wish.option_id:
        found = found.filter(option_id=wish.option_id)
    rows = list(
        found.annotate(fullness=FULLNESS)
        .select_related("tour__destination", "option")
        .order_by("starts_at", "pk")[: MOST + 1]
    )
    if len(rows) > MOST:
        raise TooManyDepartures(most=MOST)
    return rows


def _prices(wish: PriceWish, departures: list[Any]) -> dict[UUID, Decimal | None]:
    offers: dict[UUID, Terms] = {offer.option_id: offer for offer in load_offers([wish.tour_id])}
    at = now()
    found: dict[UUID, Decimal | None] = {}
    for row in departures:
        terms = replace(
            starting(offers[row.option_id], row.starts_at),
            sold=row.fullness[0],
            capacity=row.fullness[1],
        )
        line = cheapest_line(terms, at)
        found[row.pk] = None if line is None else line.unit
    return found


def _rule_data(wish: PriceWish, tour: Tour, option: TourOption | None) -> dict[str, Any]:
    every_day = set(wish.weekdays) == set(range(1, 8))
    return {
        "tour": tour,
        "option": option,
        "name_en": wish.name_en,
        "name_ar": wish.name_ar,
        "kind": RuleKind.OVERRIDE,
        "effect": wish.effect,
        "value": wish.value,
        "first_day": wish.first_day,
        "last_day": wish.last_day,
        "weekdays": [] if every_day else sorted(wish.weekdays),
        "priority": _highest(wish),
    }


def _highest(wish: PriceWish) -> int:
    """Above the other prices of days of the tour: what was said last counts."""
    others = PriceRule.objects.filter(tour_id=wish.tour_id, kind=RuleKind.OVERRIDE).values_list("priority", flat=True)
    return min(max([0, *(number + 1 for number in others)]), 32_000)
