"""With which options, and for whom, an extra is offered."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from config.errors import InvalidInput
from tours.models import Extra, ExtraCategory, ExtraOption, PriceCategory, TourOption


def write_for_whom(extra: Extra, row: Mapping[str, Any], where: str) -> None:
    """Offer the extra with the `options` and for the `categories` that `row` names by code; with none, with and for all.

    What `row` does not name stays. Raises `InvalidInput` for codes that the tour or the operator does not have.
    """
    if "options" in row:
        known = {option.code: option.pk for option in TourOption.objects.filter(tour_id=extra.tour_id)}
        offer_with(extra, _found(row["options"], known, f"{where}.options"))
    if "categories" in row:
        known = dict(PriceCategory.objects.values_list("code", "pk"))
        offer_for(extra, _found(row["categories"], known, f"{where}.categories"))


def offer_with(extra: Extra, options: list[Any]) -> None:
    """Offer it with just these options; none: with all."""
    extra.for_options.exclude(option_id__in=options).delete()
    ExtraOption.objects.bulk_create((ExtraOption(extra=extra, option_id=pk) for pk in options), ignore_conflicts=True)


def offer_for(extra: Extra, categories: list[Any]) -> None:
    """Offer it for guests of just these categories; none: for all."""
    extra.for_categories.exclude(category_id__in=categories).delete()
    rows = (ExtraCategory(extra=extra, category_id=pk) for pk in categories)
    ExtraCategory.objects.bulk_create(rows, ignore_conflicts=True)


def _found(codes: list[str], known: Mapping[str, Any], where: str) -> list[Any]:
    for code in codes:
        if code not in known:
            raise InvalidInput(details={where: [_("There is no “{}”.").format(code)]})
    return [known[code] for code in codes]
