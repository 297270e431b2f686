"""The catalogue as tables: what staff export, change in a spreadsheet and bring back."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from ledger.money import amount_text
from tours.models import Departure, GroupTier, OptionPrice, PriceRule, ScheduleRule, Tour, TourOption

SEPARATOR = " | "
LISTS = (
    *(
        f"{name}_{language}"
        for name in ("highlights", "inclusions", "exclusions", "amenities")
        for language in ("en", "ar")
    ),
    "tags",
)
TEXTS = tuple(
    f"{name}_{language}"
    for name in ("title", "summary", "description", "meeting_point", "seo_title", "seo_description")
    for language in ("en", "ar")
)
NUMBERS = (
    *("duration_minutes", "nights", "min_group_size", "max_group_size", "min_age", "min_guests", "max_guests"),
    *("cutoff_minutes", "display_order"),
)
TOUR_COLUMNS = (
    *("slug", "status", "kind", "difficulty", "destination", "category", "currency", "tax", "cancellation_policy"),
    *NUMBERS,
    "is_featured",
    *TEXTS,
    *LISTS,
)
DEPARTURE_COLUMNS = (
    *("tour", "option", "date", "time", "capacity", "status", "note_en", "note_ar"),
    # Told, never taken: what is sold is not written by hand.
    *("held", "booked", "title"),
)

OPTION_COLUMNS = (
    *("tour", "option", "name_en", "name_ar", "capacity", "duration_minutes", "is_default", "display_order"),
    *("opens_days_before", "basis", "group_size", "single_supplement", "min_to_run", "decide_hours_before"),
    "below_minimum",
    "title",  # told, never taken
)
PRICE_COLUMNS = ("tour", "option", "category", "amount", "original_amount", "currency", "title")
RULE_COLUMNS = (
    *("rule", "tour", "option", "repeats", "every", "weekdays", "ordinals", "dates", "start_time", "more_times"),
    *("closes_at", "valid_from", "valid_until", "season", "except_dates", "capacity", "is_active", "title"),
)
PRICE_RULE_COLUMNS = (
    *("price_rule", "tour", "option", "name_en", "name_ar", "kind", "effect", "value", "categories", "first_day"),
    *("last_day", "season", "weekdays", "start_times", "days_before", "hours_before", "occupancy_percent"),
    *("price_group", "priority", "is_active", "title"),
)
TIER_COLUMNS = ("tour", "option", "from_guests", "category", "currency", "amount", "title")


def tours_table() -> Iterator[list[Any]]:
    """Every tour that is not deleted, in the order of `TOUR_COLUMNS`."""
    tours = Tour.objects.alive().select_related("destination", "category", "cancellation_policy", "tax")
    for tour in tours.order_by("slug").iterator(chunk_size=500):
        row = tour_row(tour)
        yield [row[name] for name in TOUR_COLUMNS]


def tour_row(tour: Tour) -> dict[str, Any]:
    """A tour by the names of the columns, as it is written there. Needs its references."""
    row: dict[str, Any] = {
        "slug": tour.slug,
        "status": tour.status,
        "kind": tour.kind,
        "difficulty": tour.difficulty,
        "destination": tour.destination.slug,
        "category": tour.category.code,
        "currency": tour.currency_id,
        "tax": tour.tax.code if tour.tax else "",
        "cancellation_policy": tour.cancellation_policy.name_en,
        "is_featured": "true" if tour.is_featured else "false",
    }
    row |= {name: "" if getattr(tour, name) is None else getattr(tour, name) for name in NUMBERS}
    row |= {name: getattr(tour, name) for name in TEXTS}
    return row | {name: SEPARATOR.join(getattr(tour, name)) for name in LISTS}


def departures_table(date_from: date, date_to: date) -> Iterator[list[Any]]:
    """The departures of these local days, in the order of `DEPARTURE_COLUMNS`."""
    departures = Departure.objects.filter(tour__deleted_at=None, local_date__range=(date_from, date_to))
    named = departures.order_by("tour__slug", "starts_at", "pk").values_list(
        *(
            "tour__slug",
            "option__code",
            "local_date",
            "starts_at",
            "tour__destination__time_zone",
            "capacity",
            "status",
        ),
        *("note_en", "note_ar", "seats_held", "seats_booked", "tour__title_en"),
    )
    for slug, option, day, starts_at, zone, *rest in named.iterator(chunk_size=2000):
        start = starts_at.astimezone(ZoneInfo(zone))
        yield [slug, option, day.isoformat(), f"{start:%H:%M}", *rest]


def options_table() -> Iterator[list[Any]]:
    """Every option, in the order of `OPTION_COLUMNS`."""
    options = TourOption.objects.filter(tour__deleted_at=None).select_related("tour")
    for option in options.order_by("tour__slug", "display_order", "code").iterator(chunk_size=1000):
        row = option_row(option)
        yield [row[name] for name in OPTION_COLUMNS]


def option_row(option: TourOption) -> dict[str, Any]:
    """An option by the names of the columns, as it is written there. Needs its tour."""
    return {
        "tour": option.tour.slug,
        "option": option.code,
        "name_en": option.name_en,
        "name_ar": option.name_ar,
        "capacity": option.capacity,
        "duration_minutes": option.duration_minutes or "",
        "is_default": "true" if option.is_default else "false",
        "display_order": option.display_order,
        "opens_days_before": option.opens_days_before or "",
        "basis": option.basis,
        "group_size": option.group_size or "",
        "single_supplement": ""
        if option.single_supplement is None
        else amount_text(option.single_supplement, str(option.tour.currency_id)),
        "min_to_run": option.min_to_run or "",
        "decide_hours_before": option.decide_hours_before,
        "below_minimum": option.below_minimum,
        "title": option.tour.title_en,
    }


def prices_table() -> Iterator[list[Any]]:
    """Every price, in the order of `PRICE_COLUMNS`."""
    prices = OptionPrice.objects.filter(option__tour__deleted_at=None).select_related("option__tour", "category")
    ordered = prices.order_by("option__tour__slug", "option__display_order", "option__code", "category__display_order")
    for price in ordered.iterator(chunk_size=2000):
        tour = price.option.tour
        currency = str(tour.currency_id)
        was = "" if price.original_amount is None else amount_text(price.original_amount, currency)
        amount = amount_text(price.amount, currency)
        yield [tour.slug, price.option.code, price.category.code, amount, was, currency, tour.title_en]


def rules_table() -> Iterator[list[Any]]:
    """Every schedule rule, in the order of `RULE_COLUMNS`."""
    rules = ScheduleRule.objects.filter(option__tour__deleted_at=None).select_related("option__tour", "season")
    for rule in rules.order_by("option__tour__slug", "option__code", "start_time").iterator(chunk_size=1000):
        row = rule_row(rule)
        yield [row[name] for name in RULE_COLUMNS]


def rule_row(rule: ScheduleRule) -> dict[str, Any]:
    """A schedule rule by the names of the columns, as it is written there. Needs its season and its option with the tour."""
    return {
        "rule": str(rule.pk),
        "tour": rule.option.tour.slug,
        "option": rule.option.code,
        "repeats": rule.repeats,
        "every": rule.every,
        "weekdays": " ".join(str(day) for day in rule.weekdays),
        "ordinals": " ".join(str(number) for number in rule.ordinals),
        "dates": " ".join(day.isoformat() for day in rule.dates),
        "start_time": f"{rule.start_time:%H:%M}",
        "more_times": " ".join(f"{at:%H:%M}" for at in rule.more_times),
        "closes_at": f"{rule.closes_at:%H:%M}" if rule.closes_at else "",
        "valid_from": rule.valid_from.isoformat(),
        "valid_until": rule.valid_until.isoformat() if rule.valid_until else "",
        "season": rule.season.code if rule.season else "",
        "except_dates": " ".join(day.isoformat() for day in rule.except_dates),
        "capacity": "" if rule.capacity is None else rule.capacity,
        "is_active": "true" if rule.is_active else "false",
        "title": rule.option.tour.title_en,
    }


def price_rules_table() -> Iterator[list[Any]]:
    """Every price rule, in the order of `PRICE_RULE_COLUMNS`; those of every tour come last."""
    rules = PriceRule.objects.exclude(tour__deleted_at__isnull=False).select_related(
        "tour", "option", "season", "price_group"
    )
    for rule in rules.order_by("tour__slug", "kind", "-priority", "created_at").iterator(chunk_size=1000):
        row = price_rule_row(rule)
        yield [row[name] for name in PRICE_RULE_COLUMNS]


def price_rule_row(rule: PriceRule) -> dict[str, Any]:
    """A price rule by the names of the columns, as it is written there. Needs its references."""
    return {
        "price_rule": str(rule.pk),
        "tour": rule.tour.slug if rule.tour else "",
        "option": rule.option.code if rule.option else "",
        "name_en": rule.name_en,
        "name_ar": rule.name_ar,
        "kind": rule.kind,
        "effect": rule.effect,
        "value": f"{rule.value.normalize():f}",
        "categories": " ".join(rule.categories),
        "first_day": rule.first_day.isoformat() if rule.first_day else "",
        "last_day": rule.last_day.isoformat() if rule.last_day else "",
        "season": rule.season.code if rule.season else "",
        "weekdays": " ".join(str(day) for day in rule.weekdays),
        "start_times": " ".join(f"{at:%H:%M}" for at in rule.start_times),
        **{
            name: "" if getattr(rule, name) is None else getattr(rule, name)
            for name in ("days_before", "hours_before", "occupancy_percent")
        },
        "price_group": rule.price_group.code if rule.price_group else "",
        "priority": rule.priority,
        "is_active": "true" if rule.is_active else "false",
        "title": rule.tour.title_en if rule.tour else "",
    }


def tiers_table() -> Iterator[list[Any]]:
    """Every group price, in the order of `TIER_COLUMNS`. An empty category is the group's, an empty currency the tour's."""
    tiers = GroupTier.objects.filter(option__tour__deleted_at=None).select_related("option__tour", "category")
    ordered = tiers.order_by("option__tour__slug", "option__code", "category__code", "currency", "from_guests")
    for tier in ordered.iterator(chunk_size=2000):
        tour = tier.option.tour
        category = tier.category.code if tier.category else ""
        amount = amount_text(tier.amount, str(tier.currency_id or tour.currency_id))
        yield [tour.slug, tier.option.code, tier.from_guests, category, tier.currency_id or "", amount, tour.title_en]
