"""The page of one tour."""

import re
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from config.tenancy import tenant_id_or_raise
from tours.errors import TourNotFound
from tours.guards import places_left_sql
from tours.models import PublishedTour, Tour
from tours.selectors.bookable import CAN_BE_BOOKED

# What `?translations=true` gives in both languages: the texts, not the facts.
TRANSLATED = [
    "title",
    "summary",
    "description",
    "meeting_point",
    "highlights",
    "inclusions",
    "exclusions",
    "amenities",
    "itinerary",
    "destination",
    "category",
    "options",
    "extras",
    "cancellation_policy",
    "seo",
]

SLUG = re.compile(r"[-\w]{1,220}")

BOOKABLE = CAN_BE_BOOKED.format(seats="1")
DETAIL = """
SELECT p.document_{language}, coalesce((
    SELECT json_build_object(
        'id', d.id,
        'starts_at', to_char(d.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'date', d.local_date,
        'time', CASE WHEN NOT d.any_time THEN to_char(d.starts_at AT TIME ZONE place.time_zone, 'HH24:MI') END,
        'opening_hours', CASE WHEN d.any_time THEN json_build_object(
            'opens', to_char(d.starts_at AT TIME ZONE place.time_zone, 'HH24:MI'),
            'closes', to_char(d.ends_at AT TIME ZONE place.time_zone, 'HH24:MI')) END,
        'available', {places_left})::text
    FROM tours_departure d JOIN tours_destination place ON place.id = p.destination_id
    WHERE d.tenant_id = p.tenant_id AND d.tour_id = p.tour_id AND {bookable}
    ORDER BY d.starts_at LIMIT 1), 'null')
FROM tours_publishedtour p
WHERE p.tenant_id = %(tenant)s::uuid AND p.tour_id = %(tour)s::uuid
"""


def public_tour_id(slug: str) -> UUID:
    """The id of the public tour with this slug. Raises `TourNotFound`."""
    found = PublishedTour.objects.filter(tenant_id=tenant_id_or_raise(), slug=as_slug(slug))
    tour_id: UUID | None = found.values_list("pk", flat=True).first()
    if tour_id is None:
        raise TourNotFound
    return tour_id


def as_uuid(given: str) -> UUID | None:
    """The id that is written here, if it is one in the usual form (a slug of 32 hexadecimal letters is a slug)."""
    if len(given) != 36:
        return None
    try:
        return UUID(given)
    except ValueError:
        return None


def tour_document(tour_id: UUID, *, language: str) -> bytes:
    """Everything the page shows, with the next departure that can be booked, as JSON. One statement; `TourNotFound`."""
    with connection.cursor() as cursor:
        cursor.execute(
            DETAIL.format(language=language, bookable=BOOKABLE, places_left=places_left_sql("d")),
            {"tenant": tenant_id_or_raise(), "tour": tour_id},
        )
        row = cursor.fetchone()
    if row is None:
        raise TourNotFound
    document, departure = row
    return f'{document[:-1]},"next_departure":{departure}}}'.encode()


def translations(tour_id: UUID) -> dict[str, Any]:
    """The texts of the page in both languages."""
    row: Any = PublishedTour.objects.values("document_en", "document_ar").get(
        tenant_id=tenant_id_or_raise(), tour_id=tour_id
    )
    both = {language: orjson.loads(row[f"document_{language}"]) for language in ("en", "ar")}
    return {language: {name: document[name] for name in TRANSLATED} for language, document in both.items()}


def as_slug(given: str) -> str:
    """What is written here, if it can be a slug at all. Raises `TourNotFound`."""
    if not SLUG.fullmatch(given):
        raise TourNotFound
    return given


def any_tour(given: str) -> Tour:
    """The tour with this id or slug, public or not, for those who may see all of them. Raises `TourNotFound`."""
    tour: Tour | None = Tour.objects.for_display().filter(pk=any_tour_id(given)).first()
    if tour is None:
        raise TourNotFound
    return tour


def any_tour_id(given: str) -> UUID:
    """The id of the tour with this id or slug, public or not. Raises `TourNotFound`."""
    tour_id = as_uuid(given)
    known = {"pk": tour_id} if tour_id else {"slug": as_slug(given)}
    found: UUID | None = Tour.objects.alive().filter(**known).values_list("pk", flat=True).first()
    if found is None:
        raise TourNotFound
    return found
