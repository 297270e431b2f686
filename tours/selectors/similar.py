"""Tours that somebody who looks at one may like as well."""

from uuid import UUID

from django.db import connection

from config.tenancy import tenant_id_or_raise
from tours.errors import TourNotFound
from tours.selectors.bookable import AT_ALL

# Points: 3 for the same category, up to 3 for shared tags (those of both among those of either), 2 for the same destination,
# 1 for the same kind, up to 2 for a near price (the lower over the higher). Of the best 200 of these, those that can be booked
# get up to 3 for words of title and place that look alike.
SIMILAR = f"""
WITH one AS (
    SELECT * FROM tours_publishedtour WHERE tenant_id = %(tenant)s::uuid AND tour_id = %(tour)s::uuid
), alike AS (
    SELECT p.tour_id, p.tenant_id, p.popularity,
        CASE WHEN p.category = one.category THEN 3.0 ELSE 0 END
        + CASE WHEN p.destination_id = one.destination_id THEN 2 ELSE 0 END
        + CASE WHEN p.kind = one.kind THEN 1 ELSE 0 END
        + CASE WHEN p.tags && one.tags THEN 3 * shared.number
            / (cardinality(p.tags) + cardinality(one.tags) - shared.number)::float8 ELSE 0 END
        + CASE WHEN p.compare_minor > 0 AND one.compare_minor > 0 THEN 2 * least(p.compare_minor, one.compare_minor)
            / greatest(p.compare_minor, one.compare_minor)::float8 ELSE 0 END AS points
    FROM one JOIN tours_publishedtour p ON p.tenant_id = one.tenant_id AND p.tour_id <> one.tour_id,
        LATERAL (SELECT count(*) AS number FROM unnest(one.tags) AS tag WHERE tag = ANY(p.tags)) shared
), most_alike AS MATERIALIZED (
    SELECT * FROM alike ORDER BY points DESC, popularity DESC, tour_id LIMIT 200
), likely AS (
    SELECT p.tour_id, p.points, p.popularity FROM most_alike p WHERE {AT_ALL}
), best AS (
    SELECT p.tour_id, row_number() OVER (
        ORDER BY likely.points + 3 * similarity(p.words, one.words) DESC, likely.popularity DESC, p.tour_id) AS place
    FROM likely JOIN tours_publishedtour p USING (tour_id), one
    ORDER BY place LIMIT %(size)s::int
)
SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM best),
    (SELECT coalesce(string_agg(p.card_{{language}}, ',' ORDER BY place), '')
     FROM best JOIN tours_publishedtour p USING (tour_id))
"""


def similar_tours(tour_id: UUID, size: int, *, language: str) -> bytes:
    """The cards of those most like this one, that can be booked, the most alike first, as JSON. Raises `TourNotFound`."""
    with connection.cursor() as cursor:
        cursor.execute(
            SIMILAR.format(language=language), {"tenant": tenant_id_or_raise(), "tour": tour_id, "size": size}
        )
        known, total, cards = cursor.fetchone()
    if not known:
        raise TourNotFound
    return f'{{"items":[{cards}],"total":{total}}}'.encode()
