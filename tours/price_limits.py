"""What a price rule must keep to, and what is suspicious about it: that it never matches, or that another one hides it."""

from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from tours.limits import Faults, faults_of_price
from tours.models import (
    GroupTier,
    PriceCategory,
    PriceRule,
    PricingBasis,
    RuleEffect,
    RuleKind,
    ScheduleRule,
    TourOption,
)
from tours.rules import BY_BOOKING

NEEDED = {
    RuleKind.SEASON: "season",
    RuleKind.WEEKDAY: "weekdays",
    RuleKind.OCCUPANCY: "occupancy_percent",
    RuleKind.EARLY_BIRD: "days_before",
    RuleKind.LAST_MINUTE: "hours_before",
    RuleKind.GROUP: "price_group",
}
WHEN = ("first_day", "last_day", "season", "weekdays", "start_times")


def faults_of_price_rule(rule: PriceRule) -> Faults:
    """By field, what is wrong with a rule beyond its single fields."""
    faults: Faults = {}
    needed = NEEDED.get(RuleKind(rule.kind)) if rule.kind else None
    if needed and not getattr(rule, "season_id" if needed == "season" else _column(needed)):
        faults[needed] = [_("A rule of this kind needs it.")]
    if rule.kind == RuleKind.OVERRIDE:
        if not any(getattr(rule, _column(name)) for name in WHEN):
            faults["first_day"] = [_("Say on which days, weekdays or start times.")]
    elif rule.effect == RuleEffect.PRICE and rule.kind != RuleKind.GROUP:
        faults["effect"] = [_("Only a price of certain days and a members' price can be a price of their own.")]
    faults |= _faults_of_value(rule)
    if rule.first_day and rule.last_day and rule.last_day < rule.first_day:
        faults["last_day"] = [_("The last day cannot be before the first.")]
    if not set(rule.weekdays) <= set(range(1, 8)):
        faults["weekdays"] = [_("Weekdays are numbered from 1, Monday, to 7, Sunday.")]
    if rule.option is not None and rule.option.tour_id != rule.tour_id:
        faults["option"] = [_("This is no option of the tour.")]
    unknown = (
        set(rule.categories) - set(PriceCategory.objects.values_list("code", flat=True)) if rule.categories else ()
    )
    if unknown:
        faults["categories"] = [_("There is no price category “{code}”.").format(code=min(unknown))]
    return faults


def faults_of_tier(tier: GroupTier) -> Faults:
    """By field, what is wrong with a group price: the categories of how its option is sold, the decimals of its currency."""
    faults: Faults = {}
    by_group = tier.option.basis == PricingBasis.PER_GROUP
    if by_group and tier.category_id:
        faults["category"] = [_("This option is sold per group: leave the category empty.")]
    elif not by_group and not tier.category_id:
        faults["category"] = [_("This option is sold per person: say whose price it is.")]
    if tier.amount is not None:
        faults |= faults_of_price(tier.amount, None, str(tier.currency_id or tier.option.tour.currency_id))
    return faults


def _faults_of_value(rule: PriceRule) -> Faults:
    if rule.value is None:
        return {}
    if rule.effect == RuleEffect.PERCENT:
        if not Decimal(-100) <= rule.value <= Decimal(1000):
            return {"value": [_("Between -100 and 1000 percent.")]}
        return {}
    if rule.tour is None:
        return {"tour": [_("A rule with an amount belongs to one tour: others may have another currency.")]}
    if rule.effect == RuleEffect.PRICE and rule.value < 0:
        return {"value": [_("A price cannot be below zero.")]}
    found = faults_of_price(abs(rule.value), None, rule.tour.currency_id)
    return {"value": found["amount"]} if found else {}


def _column(name: str) -> str:
    return f"{name}_id" if name in ("season", "price_group") else name


def for_warnings(rules: Any) -> Any:
    """The rules with what `warnings_of` looks at, in a fixed number of queries."""
    schedule = Prefetch("rules", ScheduleRule.objects.filter(is_active=True))
    options = Prefetch("tour__options", TourOption.objects.prefetch_related("prices__category", schedule))
    return rules.select_related("tour", "option", "season").prefetch_related("season__ranges", options)


def rivals_of(rules: Iterable[PriceRule]) -> list[PriceRule]:
    """Every active rule that may count instead of one of these."""
    tours = {rule.tour_id for rule in rules}
    rivals = PriceRule.objects.filter(is_active=True).select_related("tour")
    return sorted(rivals.filter(Q(tour=None) | Q(tour__in=tours - {None})), key=lambda rule: rule.precedence)


def warnings_of(rule: PriceRule, rivals: Iterable[PriceRule]) -> list[str]:
    """In words, why the rule may never take part in a price; empty for most."""
    if not rule.is_active:
        return []
    found = [_("Never matches: {why}").format(why=why) for why in _never(rule)]
    for other in rivals:
        if other.pk == rule.pk or other.precedence > rule.precedence:
            continue
        if _same_step(rule, other) and _covers(other, rule):
            found.append(_("Hidden by “{rule}”, which counts first wherever this one fits.").format(rule=other))
            break
    if rule.kind in (RuleKind.SEASON, RuleKind.WEEKDAY, RuleKind.OCCUPANCY):
        for other in rivals:
            if other.kind == RuleKind.OVERRIDE and _covers(other, rule):
                found.append(_("Hidden by “{rule}”, a price that takes its place.").format(rule=other))
                break
    return found


def _same_step(rule: PriceRule, other: PriceRule) -> bool:
    return rule.kind == other.kind or (rule.kind in BY_BOOKING and other.kind in BY_BOOKING)


def _never(rule: PriceRule) -> list[str]:
    why = []
    today = localdate()
    if rule.last_day and rule.last_day < today:
        why.append(_("its days are over."))
    if rule.season:
        spans = [(span.first_day, span.last_day) for span in rule.season.ranges.all()]
        if not any(last >= today for _first, last in spans):
            why.append(_("the season has no days to come."))
        elif not any(_overlap(rule.first_day, rule.last_day, *span) for span in spans):
            why.append(_("its days lie outside the season."))
    if rule.days_before and rule.hours_before is not None and rule.hours_before < (rule.days_before - 1) * 24:
        why.append(_("nobody books so early and so late."))
    options = [o for o in rule.tour.options.all() if rule.option_id in (None, o.pk)] if rule.tour else []
    if options:
        why += _never_for(rule, options)
    return why


def _never_for(rule: PriceRule, options: Collection[TourOption]) -> list[str]:
    why = []
    if rule.categories:
        priced = {
            price.category.code for o in options if o.basis == PricingBasis.PER_PERSON for price in o.prices.all()
        }
        if not priced & set(rule.categories):
            why.append(_("no option has a price for these categories."))
    planned = [one for option in options for one in option.rules.all()]
    if planned and rule.start_times:
        times = {one.start_time for one in planned} | {time for one in planned for time in one.more_times}
        if not times & set(rule.start_times):
            why.append(_("nothing starts at these times."))
    return why


def _overlap(first: date | None, last: date | None, begin: date, end: date) -> bool:
    return (first is None or first <= end) and (last is None or begin <= last)


def _covers(other: PriceRule, rule: PriceRule) -> bool:
    """Whether every condition of the other is met wherever the rule's are."""
    return (
        other.tour_id in (None, rule.tour_id)
        and other.option_id in (None, rule.option_id)
        and other.season_id in (None, rule.season_id)
        and other.price_group_id in (None, rule.price_group_id)
        and _all_in(rule.categories, other.categories)
        and _all_in(rule.weekdays, other.weekdays)
        and _all_in(rule.start_times, other.start_times)
        and (other.first_day is None or (rule.first_day is not None and other.first_day <= rule.first_day))
        and (other.last_day is None or (rule.last_day is not None and rule.last_day <= other.last_day))
        and (other.days_before is None or (rule.days_before is not None and other.days_before <= rule.days_before))
        and (other.hours_before is None or (rule.hours_before is not None and rule.hours_before <= other.hours_before))
        and (
            other.occupancy_percent is None
            or (rule.occupancy_percent is not None and other.occupancy_percent <= rule.occupancy_percent)
        )
    )


def _all_in(asked: Collection[Any], allowed: Collection[Any]) -> bool:
    return not allowed or (bool(asked) and set(asked) <= set(allowed))
