"""What a tour, its prices and its schedule must keep to, for API and back-office alike, and what they need to be sold.

The limits of single fields (lengths, lowest values) stand on the models; here is what concerns several fields or lists.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from ledger.errors import AmountTooFine
from ledger.money import minor_units, to_minor
from tours.models import (
    DepositBasis,
    DepositRule,
    Extra,
    Overdue,
    PickupBasis,
    PickupPrice,
    PickupZone,
    PricingBasis,
    Repeats,
    ScheduleRule,
    Tour,
    TourOption,
    TransferPrice,
)

Faults = dict[str, list[str]]

MOST_HIGHLIGHTS = 10
MOST_INCLUSIONS = 15
MOST_LINES = 30
MOST_TAGS = 20
MOST_DATES = 366
MOST_TIMES = 96

_MOST = {
    "highlights": MOST_HIGHLIGHTS,
    "inclusions": MOST_INCLUSIONS,
    "exclusions": MOST_LINES,
    "amenities": MOST_LINES,
}

# Texts without which nothing is shown to customers, in each language.
_NEEDED_TEXTS = ("title", "summary", "description", "meeting_point")
_NEEDED_LISTS = ("highlights", "inclusions")


def faults_of_tour(tour: Tour) -> Faults:
    """By field, what is wrong with the tour beyond its single fields. Asks no query."""
    faults: Faults = {}
    for name, most in _MOST.items():
        for field in (f"{name}_en", f"{name}_ar"):
            if len(getattr(tour, field)) > most:
                faults[field] = [_("At most {most} lines.").format(most=most)]
    if len(tour.tags) > MOST_TAGS:
        faults["tags"] = [_("At most {most} lines.").format(most=MOST_TAGS)]
    if len(set(tour.tags)) < len(tour.tags):
        faults["tags"] = [_("The same tag stands here twice.")]
    if _above(tour.min_group_size, tour.max_group_size):
        faults["max_group_size"] = [_("The largest group cannot be smaller than the smallest.")]
    if _above(tour.min_guests, tour.max_guests):
        faults["max_guests"] = [_("The most guests a booking takes cannot be fewer than the least.")]
    return faults


def faults_of_price(amount: Decimal | None, original: Decimal | None, currency: str) -> Faults:
    """By field (`amount`, `original_amount`), what is wrong with a price in that currency."""
    faults: Faults = {}
    for field, value in (("amount", amount), ("original_amount", original)):
        if value is None:
            continue
        if value < 0:
            faults[field] = [_("A price cannot be below zero.")]
            continue
        try:
            to_minor(value, currency)
        except AmountTooFine:
            decimals = minor_units(currency)
            faults[field] = [_("{currency} has {decimals} decimals.").format(currency=currency, decimals=decimals)]
    if amount is not None and original is not None and original <= amount:
        faults.setdefault("original_amount", []).append(_("The “was” price must be above the price."))
    return faults


def faults_of_extra(extra: Extra, currency: str) -> Faults:
    """By field, what is wrong with an extra."""
    faults = faults_of_price(extra.amount, None, currency)
    if _above(extra.min_quantity, extra.max_quantity):
        faults["max_quantity"] = [_("The most cannot be less than the least.")]
    if extra.is_required and extra.stock == 0:
        faults["stock"] = [_("What is part of every booking cannot be out of stock.")]
    return faults


def faults_of_zone(zone: PickupZone) -> Faults:
    """By field, what is wrong with a pickup zone."""
    if zone.radius_km is not None and (zone.latitude is None or zone.longitude is None):
        return {"radius_km": [_("A radius needs its centre: latitude and longitude.")]}
    return {}


def faults_of_pickup_price(price: PickupPrice) -> Faults:
    """By field, what is wrong with what a pickup costs."""
    faults = faults_of_price(price.amount, None, price.tour.currency_id)
    if price.basis == PickupBasis.PER_VEHICLE and not price.vehicle_seats:
        faults["vehicle_seats"] = [_("Say how many guests a vehicle takes.")]
    return faults


def faults_of_transfer(price: TransferPrice) -> Faults:
    """By field, what is wrong with what a transfer costs."""
    faults = faults_of_price(price.amount, None, price.tour.currency_id)
    if price.origin_id is not None and price.origin_id == price.destination_id:
        faults["destination"] = [_("A transfer leads to another zone.")]
    return faults


def faults_of_deposit(rule: DepositRule, currency: str) -> Faults:
    """By field, what is wrong with a tour's deposit."""
    faults: Faults = {}
    amount = rule.amount
    if amount is not None and amount <= 0:
        faults["amount"] = [_("A deposit is more than nothing.")]
    elif amount is not None and rule.basis == DepositBasis.PERCENT and amount >= 100:
        faults["amount"] = [_("A deposit is less than 100 percent of the price.")]
    elif amount is not None and rule.basis != DepositBasis.PERCENT:
        faults |= faults_of_price(amount, None, currency)
    if rule.overdue == Overdue.CANCEL and (rule.grace_days or 0) >= (rule.balance_days or 0):
        faults["grace_days"] = [_("The wait must be over before the departure.")]
    return faults


def faults_of_rule(rule: ScheduleRule) -> Faults:
    """By field, what is wrong with a schedule rule."""
    faults: Faults = {}
    if rule.repeats == Repeats.DATES:
        if not rule.dates:
            faults["dates"] = [_("Name at least one date.")]
        elif len(rule.dates) > MOST_DATES:
            faults["dates"] = [_("At most {most} dates.").format(most=MOST_DATES)]
    elif not rule.weekdays:
        faults["weekdays"] = [_("Choose at least one weekday.")]
    elif not set(rule.weekdays) <= set(range(1, 8)):
        faults["weekdays"] = [_("Weekdays are numbered from 1, Monday, to 7, Sunday.")]
    if rule.repeats == Repeats.MONTHLY and not rule.ordinals:
        faults["ordinals"] = [_("Say which of the month's weekdays.")]
    elif not set(rule.ordinals) <= {1, 2, 3, 4, -1}:
        faults["ordinals"] = [_("1 to 4, or -1 for the last.")]
    if len(rule.more_times) > MOST_TIMES:
        faults["more_times"] = [_("At most {most} times a day.").format(most=MOST_TIMES)]
    faults |= _faults_of_hours(rule)
    if rule.valid_until is not None and rule.valid_from is not None and rule.valid_until < rule.valid_from:
        faults["valid_until"] = [_("The last day cannot be before the first.")]
    if rule.capacity is not None and rule.capacity < 1:
        faults["capacity"] = [_("A departure has at least one place.")]
    return faults


def _faults_of_hours(rule: ScheduleRule) -> Faults:
    by_hours = rule.option.by_opening_hours if rule.option_id is not None else rule.closes_at is not None
    if not by_hours:
        return {"closes_at": [_("The option is not sold by opening hours.")]} if rule.closes_at is not None else {}
    if rule.closes_at is None:
        return {"closes_at": [_("The option is sold by opening hours: say when it closes.")]}
    if rule.closes_at == rule.start_time:
        return {"closes_at": [_("It cannot close when it opens.")]}
    if rule.more_times:
        return {"more_times": [_("Opening hours have one beginning a day.")]}
    return {}


@dataclass(frozen=True)
class Gap:
    """One thing a tour lacks before it can be sold: a field of it, else the prices of an option, else an option."""

    words: str
    field: str = ""
    option: TourOption | None = None


def gaps_for_sale(tour: Tour) -> list[Gap]:
    """What the tour lacks before it can be sold, in the language at hand; empty when it is complete.

    A picture is no must. Asks no query when `options__prices__category` is prefetched.
    """
    gaps = [Gap(str(Tour._meta.get_field(field).verbose_name), field) for field in empty_fields(tour)]  # type: ignore[union-attr]
    options = list(tour.options.all())
    if not options:
        gaps.append(Gap(_("an option with a price")))
    for option in options:
        if option.basis == PricingBasis.PER_GROUP:
            priced = any(
                tier.category_id is None and tier.currency_id is None and tier.from_guests <= tour.min_guests
                for tier in option.tiers.all()
            )
        else:
            priced = any(price.category.seats for price in option.prices.all())
        if not priced:
            gaps.append(Gap(_("a price of the option “{option}”").format(option=option.code), option=option))
    return gaps


def missing_for_sale(tour: Tour) -> list[str]:
    """The gaps in words."""
    return [gap.words for gap in gaps_for_sale(tour)]


def empty_fields(tour: Tour) -> list[str]:
    """The fields that a tour on sale must have and that are empty."""
    names = [f"{name}_{language}" for name in (*_NEEDED_TEXTS, *_NEEDED_LISTS) for language in ("en", "ar")]
    return [name for name in names if not getattr(tour, name)]


def _above(low: int | None, high: int | None) -> bool:
    return low is not None and high is not None and low > high
