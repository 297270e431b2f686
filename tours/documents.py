"""What the public sees of a tour, in one language: the card of a list, and the whole page.

Made once, when the tour is published (`tours.published`), and sent as it stands. Amounts are texts in the tour's currency.
The tour must come from `Tour.objects.for_display()`; nothing here asks a query then.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config import pictures
from config.i18n import in_language
from ledger.money import amount_text
from tours.errors import TourHasNoPrice
from tours.models import CancellationPolicy, TaxRate, Tour, TourImage, TourOption
from tours.prices import price_from

TEXTS = [
    "title",
    "summary",
    "description",
    "meeting_point",
    "highlights",
    "inclusions",
    "exclusions",
    "amenities",
]


def card(tour: Tour, language: str) -> dict[str, Any]:
    """What a list shows."""
    with translation.override(language):
        images = list(tour.images.all())
        return {
            "id": str(tour.pk),
            "slug": tour.slug,
            "kind": tour.kind,
            "title": in_language(tour, "title"),
            "summary": in_language(tour, "summary"),
            "destination": _place(tour),
            "category": {"code": tour.category.code, "name": in_language(tour.category, "name")},
            "difficulty": tour.difficulty,
            "difficulty_label": tour.get_difficulty_display(),
            "duration_minutes": tour.duration_minutes,
            "nights": tour.nights,
            "min_guests": tour.min_guests,
            "max_guests": tour.max_guests,
            **lowest_price(tour),
            "rating": float(tour.rating_average),
            "rating_count": tour.rating_count,
            "tags": tour.tags,
            "is_featured": tour.is_featured,
            "image": _in_a_list(images[0]) if images else None,
            "created_at": tour.created_at,
        }


def document(tour: Tour, language: str, shown: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the page of a tour shows; all but the next departure, which changes with each booking.

    `shown` is its `card`, where that has been made already.
    """
    with translation.override(language):
        destination = tour.destination
        return (shown or card(tour, language)) | {
            **{field: in_language(tour, field) for field in TEXTS},
            "destination": _place(tour)
            | {
                "latitude": float(destination.latitude),
                "longitude": float(destination.longitude),
                "time_zone": destination.time_zone,
            },
            "min_group_size": tour.min_group_size,
            "max_group_size": tour.max_group_size,
            "min_age": tour.min_age,
            "cutoff_minutes": tour.cutoff_minutes,
            "itinerary": [
                {
                    "day": day.day,
                    "title": in_language(day, "title"),
                    "description": in_language(day, "description"),
                    "activities": in_language(day, "activities"),
                    "breakfast": day.breakfast,
                    "lunch": day.lunch,
                    "dinner": day.dinner,
                }
                for day in tour.itinerary.all()
            ],
            "options": [_option(tour, option) for option in tour.options.all()],
            "extras": [
                {
                    "code": extra.code,
                    "name": in_language(extra, "name"),
                    "basis": extra.basis,
                    "basis_label": extra.get_basis_display(),
                    "amount": amount_text(extra.amount, tour.currency_id),
                    "min_quantity": extra.min_quantity,
                    "max_quantity": extra.max_quantity,
                    "is_required": extra.is_required,
                    "is_limited": extra.stock is not None,
                    "options": sorted(row.option.code for row in extra.for_options.all()),
                    "categories": sorted(row.category.code for row in extra.for_categories.all()),
                }
                for extra in tour.extras.all()
                if extra.is_active
            ],
            "tax": _tax(tour.tax) if tour.tax else None,
            "more_taxes": [_tax(row.tax) for row in tour.more_taxes.all()],
            "images": [_picture(image) for image in tour.images.all()],
            "cancellation_policy": {
                "name": in_language(tour.cancellation_policy, "name"),
                "tiers": [
                    {"hours_before": tier.hours_before, "refund_percent": f"{tier.refund_percent:f}"}
                    for tier in tour.cancellation_policy.tiers.all()
                ],
                "in_words": cancellation_in_words(tour.cancellation_policy, before_closing=_is_by_hours(tour)),
            },
            "seo": {
                "title": in_language(tour, "seo_title") or in_language(tour, "title"),
                "description": in_language(tour, "seo_description") or in_language(tour, "summary"),
            },
        }


def lowest_price(tour: Tour) -> dict[str, Any]:
    """The price that a list shows, and the one before with the discount in whole percent, where there is one."""
    shown: dict[str, Any] = {"price_from": None, "original_price": None, "discount_percent": 0}
    try:
        amount, original = price_from(tour)
    except TourHasNoPrice:
        return shown | {"currency": tour.currency_id}
    shown["price_from"] = amount_text(amount, tour.currency_id)
    if original:
        shown["original_price"] = amount_text(original, tour.currency_id)
        shown["discount_percent"] = discount_percent(amount, original)
    return shown | {"currency": tour.currency_id}


def discount_percent(amount: Decimal, original: Decimal) -> int:
    """How much lower the amount is, in whole percent."""
    return int(((original - amount) * 100 / original).quantize(Decimal(1), ROUND_HALF_UP))


def _is_by_hours(tour: Tour) -> bool:
    """Whether guests of all its options come when they like: then hours before count back from closing."""
    options = list(tour.options.all())
    return bool(options) and all(option.by_opening_hours for option in options)


def cancellation_in_words(policy: CancellationPolicy, *, before_closing: bool = False) -> list[str]:
    """The tiers as sentences in the language at hand, the most generous first."""
    sentence = (
        _("Cancelled {time} or more before closing: {percent} % comes back.")
        if before_closing
        else _("Cancelled {time} or more before the start: {percent} % comes back.")
    )
    tiers = sorted(policy.tiers.all(), key=lambda tier: -tier.hours_before)
    words = [
        sentence.format(time=_hours_in_words(tier.hours_before), percent=_plain(tier.refund_percent))
        for tier in tiers
        if tier.refund_percent
    ]
    if not words:
        return [_("Nothing comes back after booking.")]
    if tiers[-1].hours_before or not tiers[-1].refund_percent:
        words.append(_("Cancelled later: nothing comes back."))
    return words


def _hours_in_words(hours: int) -> str:
    if hours >= 48 and hours % 24 == 0:
        days = hours // 24
        return ngettext("{number} day", "{number} days", days).format(number=days)
    return ngettext("{number} hour", "{number} hours", hours).format(number=hours)


def _plain(percent: Decimal) -> str:
    return f"{percent:f}".rstrip("0").rstrip(".") if "." in f"{percent:f}" else f"{percent:f}"


def _place(tour: Tour) -> dict[str, Any]:
    destination: Any = tour.destination
    return {
        "id": str(destination.pk),
        "slug": destination.slug,
        "city": in_language(destination, "city"),
        "region": in_language(destination, "region"),
        "country": destination.country.code,
        "country_name": str(destination.country.name),
    }


def _option(tour: Tour, option: TourOption) -> dict[str, Any]:
    return {
        "id": str(option.pk),
        "code": option.code,
        "name": in_language(option, "name"),
        "duration_minutes": option.duration_minutes or tour.duration_minutes,
        "capacity": option.capacity,
        "is_default": option.is_default,
        "by_opening_hours": option.by_opening_hours,
        "basis": option.basis,
        "group_size": option.group_size,
        "single_supplement": None
        if option.single_supplement is None
        else amount_text(option.single_supplement, tour.currency_id),
        "group_prices": [
            {
                "from_guests": tier.from_guests,
                "category": tier.category.code if tier.category else None,
                "amount": amount_text(tier.amount, tour.currency_id),
            }
            for tier in option.tiers.all()
            if tier.currency_id in (None, tour.currency_id)
        ],
        "prices": [
            {
                "category": price.category.code,
                "name": in_language(price.category, "name"),
                "min_age": price.category.min_age,
                "max_age": price.category.max_age,
                "seats": price.category.seats,
                "amount": amount_text(price.amount, tour.currency_id),
                "original_amount": amount_text(price.original_amount, tour.currency_id)
                if price.original_amount
                else None,
            }
            for price in sorted(option.prices.all(), key=lambda p: (p.category.display_order, p.category.code))
        ],
    }


def _tax(tax: TaxRate) -> dict[str, Any]:
    return {
        "code": tax.code,
        "name": in_language(tax, "name"),
        "percent": _plain(tax.percent),
        "inclusive": tax.is_inclusive,
    }


def _in_a_list(image: TourImage) -> dict[str, Any]:
    """The cover, without the part that is for sharing a page: lists are long."""
    shown = _picture(image)
    shown["crops"] = {kind: crop for kind, crop in shown["crops"].items() if kind == "card"}
    return shown


def _picture(image: TourImage) -> dict[str, Any]:
    return pictures.shown(image, in_language(image, "alt") or in_language(image.tour, "title")) | {
        "thumbnail": image.thumbnail.url if image.thumbnail else image.file.url,
        "is_cover": image.is_cover,
    }
