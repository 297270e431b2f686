"""The catalogue as tables: what staff export, change in a spreadsheet and bring back."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from tours.models import Departure, Tour

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
