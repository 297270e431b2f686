"""The parts of a tour that are written with it: options and their prices, extras, itinerary."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Model, ProtectedError
from django.utils.translation import gettext as _

from config.errors import InvalidInput
from ledger.models import Currency
from tours.errors import ExtraInUse, OptionInUse
from tours.limits import faults_of_extra, faults_of_price
from tours.models import Extra, GroupTier, ItineraryDay, OptionPrice, PriceCategory, Tour, TourOption
from tours.price_limits import faults_of_tier
from tours.services.extras import write_for_whom
from tours.services.stock import follow_stock, refuse_stock_change

OPTION_FIELDS = (
    *("name_en", "name_ar", "duration_minutes", "capacity", "by_opening_hours", "opens_days_before"),
    *("is_default", "display_order", "basis", "group_size", "single_supplement"),
    *("min_to_run", "decide_hours_before", "below_minimum"),
)
EXTRA_FIELDS = (
    "name_en",
    "name_ar",
    "basis",
    "amount",
    "min_quantity",
    "max_quantity",
    "is_required",
    "stock",
    "stock_per",
    "is_active",
)
DAY_FIELDS = (
    "title_en",
    "title_ar",
    "description_en",
    "description_ar",
    "activities_en",
    "activities_ar",
    "breakfast",
    "lunch",
    "dinner",
)


def write_contents(tour: Tour, data: Mapping[str, Any]) -> None:
    """Bring the lists that `data` holds into the database: rows are matched by code or day, those not named are deleted.

    Raises `InvalidInput` (faults by place, as `options.0.prices.1.amount`) and `OptionInUse`.
    """
    if "options" in data:
        _write_options(tour, data["options"])
    if "extras" in data:
        extras = _write_rows(Extra, "code", EXTRA_FIELDS, tour, "extras", data["extras"])
        for place, (row, extra) in enumerate(zip(data["extras"], extras, strict=True)):
            _refuse(faults_of_extra(extra, tour.currency_id), f"extras.{place}")
            write_for_whom(extra, row, f"extras.{place}")
        follow_stock(tour.pk)
    if "itinerary" in data:
        _write_rows(ItineraryDay, "day", DAY_FIELDS, tour, "itinerary", data["itinerary"])


def contents_of(tour_id: UUID) -> dict[str, Any]:
    """The parts as plain values for the audit trail."""
    prices = OptionPrice.objects.filter(option__tour_id=tour_id).order_by("option__code", "category__code")
    tiers = GroupTier.objects.filter(option__tour_id=tour_id).order_by("option__code", "category__code", "from_guests")
    extras = Extra.objects.filter(tour_id=tour_id).order_by("code")
    days = ItineraryDay.objects.filter(tour_id=tour_id).order_by("day")
    options = TourOption.objects.filter(tour_id=tour_id).order_by("code")
    return {
        "options": {row["code"]: row for row in options.values("code", *OPTION_FIELDS)},
        "prices": {
            f"{option}/{category}": [str(amount), None if original is None else str(original)]
            for option, category, amount, original in prices.values_list(
                "option__code", "category__code", "amount", "original_amount"
            )
        },
        "group_prices": {
            "/".join(str(part) for part in key if part): str(amount)
            for *key, amount in tiers.values_list(
                "option__code", "category__code", "from_guests", "currency_id", "amount"
            )
        },
        "extras": {row["code"]: row for row in extras.values("code", *EXTRA_FIELDS)},
        "itinerary": {str(row["day"]): row for row in days.values("day", *DAY_FIELDS)},
    }


def _write_options(tour: Tour, rows: list[Mapping[str, Any]]) -> None:
    """The order of the list is the order they are offered in, unless the rows say otherwise."""
    rows = [{"display_order": place, "is_default": place == 0, **row} for place, row in enumerate(rows)]
    options = _write_rows(TourOption, "code", OPTION_FIELDS, tour, "options", rows)
    categories = {category.code: category for category in PriceCategory.objects.all()}
    for place, row in enumerate(rows):
        alone = faults_of_price(options[place].single_supplement, None, tour.currency_id).get("amount")
        _refuse({"single_supplement": alone} if alone else {}, f"options.{place}")
        if "prices" in row:
            _write_prices(tour, options[place], row["prices"], categories, f"options.{place}.prices")
        if "tiers" in row:
            _write_group_prices(options[place], row["tiers"], categories, f"options.{place}.group_prices")


def _write_prices(
    tour: Tour, option: Any, rows: list[Mapping[str, Any]], categories: Mapping[str, PriceCategory], where: str
) -> None:
    _refuse_repeats([row["category"] for row in rows], where, "category")
    wanted = []
    for place, row in enumerate(rows):
        category = categories.get(row["category"])
        if category is None:
            raise InvalidInput(details={f"{where}.{place}.category": [_("There is no “{}”.").format(row["category"])]})
        original = row.get("original_amount")
        _refuse(faults_of_price(row["amount"], original, tour.currency_id), f"{where}.{place}")
        wanted.append(OptionPrice(option=option, category=category, amount=row["amount"], original_amount=original))
    OptionPrice.objects.filter(option_id=option.pk).exclude(
        category__in=[price.category_id for price in wanted]
    ).delete()
    OptionPrice.objects.bulk_create(
        wanted,
        update_conflicts=True,
        unique_fields=["option", "category"],
        update_fields=["amount", "original_amount"],
    )


def _write_group_prices(
    option: Any, rows: list[Mapping[str, Any]], categories: Mapping[str, PriceCategory], where: str
) -> None:
    """The rows replace those that were there."""
    known = set(Currency.objects.values_list("pk", flat=True)) if rows else set()
    tiers = []
    for place, row in enumerate(rows):
        for name, found in (("category", categories), ("currency", known)):
            if row.get(name) is not None and row[name] not in found:
                _refuse({name: [_("There is no “{}”.").format(row[name])]}, f"{where}.{place}")
        category = categories.get(row.get("category") or "")
        tier = GroupTier(option=option, from_guests=row["from_guests"], category=category, amount=row["amount"])
        tier.currency_id = row.get("currency")
        _refuse(faults_of_tier(tier), f"{where}.{place}")
        tiers.append(tier)
    keys = [(tier.from_guests, tier.category_id, tier.currency_id) for tier in tiers]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            _refuse({"from_guests": [_("“{}” stands here twice.").format(key[0])]}, f"{where}.{place}")
    GroupTier.objects.filter(option_id=option.pk).delete()
    GroupTier.objects.bulk_create(tiers)


def _write_rows(
    model: Any, key: str, fields: Iterable[str], tour: Tour, where: str, rows: list[Mapping[str, Any]]
) -> list[Any]:
    """Match rows by their key, make or change them, delete the others. Returns them in the order given."""
    _refuse_repeats([row[key] for row in rows], where, key)
    existing = {getattr(row, key): row for row in model.objects.filter(tour_id=tour.pk)}
    for gone in set(existing) - {row[key] for row in rows}:
        _delete(existing[gone])
    written = []
    for place, row in enumerate(rows):
        target = existing.get(row[key])
        is_new = target is None
        if target is None:
            target = model(tour=tour, **{key: row[key]})
        given = [field for field in fields if field in row]
        for field in given:
            setattr(target, field, row[field])
        _clean(target, f"{where}.{place}")
        if isinstance(target, Extra):
            refuse_stock_change(target)
        if is_new:
            target.save(force_insert=True)
        elif given:
            target.save(update_fields=given)
        written.append(target)
    return written


def _delete(row: Any) -> None:
    try:
        row.delete()
    except ProtectedError as fault:
        raise (ExtraInUse(extra=row.code) if isinstance(row, Extra) else OptionInUse(option=row.code)) from fault


def _clean(row: Model, where: str) -> None:
    try:
        row.clean_fields(exclude={"tour", "tenant"})
    except ValidationError as refusal:
        _refuse(refusal.message_dict, where)


def _refuse(faults: Mapping[str, list[str]], where: str) -> None:
    if faults:
        raise InvalidInput(details={f"{where}.{field}": found for field, found in faults.items()})


def _refuse_repeats(keys: list[Any], where: str, key: str) -> None:
    for place, value in enumerate(keys):
        if value in keys[:place]:
            raise InvalidInput(details={f"{where}.{place}.{key}": [_("“{}” stands here twice.").format(value)]})
