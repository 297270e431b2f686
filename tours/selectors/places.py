"""Where to, of which kind, and what somebody may be about to type."""

from typing import Any

from django.db import connection
from django.db.models import Count

from config.i18n import in_language
from config.tenancy import tenant_id_or_raise
from tours.models import Category, Destination, PublishedTour
from tours.search import Question

MOST = 10  # suggestions of each kind

TOURS = """
SELECT coalesce(json_agg(suggestion ORDER BY place), '[]'::json)::text FROM (
    SELECT json_build_object(
            'id', p.tour_id, 'slug', p.slug, 'title', p.card_{language}::json -> 'title',
            'city', p.card_{language}::json -> 'destination' -> 'city') AS suggestion,
        row_number() OVER (ORDER BY
            NOT (p.sort_en LIKE %(q_begins)s::text OR p.sort_ar LIKE %(q_begins)s::text), NOT ({begins}),
            {likeness} DESC, p.popularity DESC, p.display_order, p.tour_id) AS place
    FROM tours_publishedtour p
    WHERE p.tenant_id = %(tenant)s::uuid AND ({begins} OR {similar})
    ORDER BY place LIMIT {most}) found
"""

# A destination is found by its own names only, never by the titles of its tours.
DESTINATIONS = """
SELECT coalesce(json_agg(suggestion ORDER BY place), '[]'::json)::text FROM (
    SELECT (one.card_{language}::jsonb -> 'destination') || jsonb_build_object('tours', p.tours) AS suggestion, place
    FROM (
        SELECT *, row_number() OVER (ORDER BY NOT ({begins}), p.tours DESC, p.words) AS place
        FROM (
            SELECT ' ' || array_to_string(places, ' ') || ' ' AS words, count(*) AS tours,
                (array_agg(tour_id))[1] AS one_of_them
            FROM tours_publishedtour WHERE tenant_id = %(tenant)s::uuid GROUP BY destination_id, places) p
        WHERE {begins} OR {similar_words}
        ORDER BY place LIMIT {most}) p
    JOIN tours_publishedtour one ON one.tour_id = p.one_of_them) found
"""


def suggestions(text: str, *, language: str) -> bytes:
    """Tours and destinations that match what has been typed so far, at most ten of each, as JSON. Two statements."""
    question = Question(text)
    if not question.words:
        return b'{"tours":[],"destinations":[]}'
    parts = {
        "language": language,
        "most": MOST,
        "begins": question.begins,
        "similar": question.similar,
        "similar_words": question.similar_words,
        "likeness": question.likeness,
    }
    parameters = question.parameters | {"tenant": tenant_id_or_raise(), "q_begins": f"{question.folded}%"}
    with connection.cursor() as cursor:
        cursor.execute(TOURS.format(**parts), parameters)
        tours = cursor.fetchone()[0]
        cursor.execute(DESTINATIONS.format(**parts), parameters)
        destinations = cursor.fetchone()[0]
    return f'{{"tours":{tours},"destinations":{destinations}}}'.encode()


def categories() -> list[dict[str, Any]]:
    """Every category in its order, with the number of public tours."""
    counts = _counts("category")
    return [
        {
            "id": category.pk,
            "code": category.code,
            "name": in_language(category, "name"),
            "icon": category.icon,
            "tours": counts.get(category.code, 0),
        }
        for category in Category.objects.all()
    ]


def destinations() -> list[dict[str, Any]]:
    """Every destination by country and city, with the number of public tours."""
    counts = _counts("destination_id")
    rows: Any = Destination.objects.all()
    return [
        {
            "id": destination.pk,
            "slug": destination.slug,
            "city": in_language(destination, "city"),
            "region": in_language(destination, "region"),
            "country": destination.country.code,
            "country_name": str(destination.country.name),
            "latitude": float(destination.latitude),
            "longitude": float(destination.longitude),
            "time_zone": destination.time_zone,
            "tours": counts.get(destination.pk, 0),
        }
        for destination in rows
    ]


def _counts(field: str) -> dict[Any, int]:
    listed = PublishedTour.objects.filter(tenant_id=tenant_id_or_raise())
    return {row[field]: row["tours"] for row in listed.values(field).annotate(tours=Count("pk")).order_by()}
