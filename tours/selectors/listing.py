"""A page of the public list."""

from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from config.errors import InvalidInput
from tours.filters.public import FALLING
from tours.models import Category
from tours.selectors import facets
from tours.selectors.finding import DISTANCE, Finding, finding

SORT_KEYS = {
    "title": 'p.sort_{language} COLLATE "C"',  # folded already: no rules of a language are left to follow
    "price": "p.compare_minor",
    "rating": "p.rating",
    "created_at": "p.created_at",
    "popularity": "p.popularity",
    "duration": "p.duration_minutes",
    "distance": DISTANCE,
}

COLUMNS = "p.tour_id, {key} AS key, {distance} AS distance, {kept} AS kept, p.popularity, p.display_order"
PAGE = """
WITH {candidates}, found AS (
    SELECT * FROM candidates WHERE kept
), first_ones AS (
    SELECT * FROM found ORDER BY {order} LIMIT %(size)s::int OFFSET %(offset)s::int
), page AS (
    SELECT tour_id, distance, row_number() OVER (ORDER BY {order}) AS place FROM first_ones
), counts AS ({counts})
SELECT (SELECT count(*) FROM found), coalesce(string_agg({card}, ',' ORDER BY page.place), ''),
    (SELECT coalesce(json_agg(json_build_array(facet, value, number, shown)), '[]'::json)::text FROM counts)
FROM page JOIN tours_publishedtour p USING (tour_id)
"""
NOTHING_COUNTED = "SELECT ''::text AS facet, ''::text AS value, 0 AS number, NULL::json AS shown WHERE FALSE"
CARD = "p.card_{language}"
CARD_WITH_DISTANCE = """left(p.card_{language}, -1) || ',"distance_km":'
    || coalesce(round(page.distance::numeric, 1)::text, 'null') || '}}'"""


def tour_page(asked: dict[str, Any], *, language: str, home_currency: str) -> tuple[int, str, bytes]:
    """How many tours answer the question, the cards of the page asked for, as JSON without the brackets, and its facets.

    `asked` is a checked `ListQuery`; the facets are empty unless it asks for them. One statement; a second one where nothing was
    found in a category, to refuse one that does not exist (`InvalidInput`).
    """
    wanted = finding(asked, home_currency)
    currency = asked.get("currency") or home_currency
    counting = asked.get("facets", False)
    if counting:
        wanted.parameters |= facets.bands(currency, home_currency)
    with connection.cursor() as cursor:
        cursor.execute(statement(wanted, asked, language), wanted.parameters)
        total, cards, counted = cursor.fetchone()
    if not total and asked.get("category"):
        _refuse_unknown_categories(asked["category"])
    return total, cards, facets.shown(counted, currency) if counting else b""


def statement(wanted: Finding, asked: dict[str, Any], language: str) -> str:
    """SQL of a page of what is wanted, and of its facets where these are asked for."""
    is_near, counting = "near" in asked, asked.get("facets", False)
    # Words are looked for before the facets' filters; what is counted must not have passed them all.
    narrowing = list(wanted.narrowing.values())
    more, kept = ([], narrowing) if wanted.question or counting else (narrowing, [])
    columns = COLUMNS.format(
        key=SORT_KEYS.get(asked.get("sort_by", ""), "NULL::int").format(language=language),
        distance=DISTANCE if is_near else "NULL::float8",
        kept=" AND ".join(kept) or "TRUE",
    )
    if counting:
        columns += f", {facets.COLUMNS.format(missed=facets.missed(wanted))}"
        more = [] if wanted.question else facets.countable(wanted)
    return PAGE.format(
        candidates=wanted.candidates(columns, *more),
        order=_order(asked),
        counts=facets.counts(language) if counting else NOTHING_COUNTED,
        card=(CARD_WITH_DISTANCE if is_near else CARD).format(language=language),
    )


def _order(asked: dict[str, Any]) -> str:
    falling = asked.get("sort_by") in FALLING
    if "sort_order" in asked:
        falling = asked["sort_order"] == "desc"
    direction = "DESC" if falling else "ASC"
    if "sort_by" in asked:
        return f"key {direction} NULLS LAST, display_order, tour_id"
    if "q" in asked:
        return "near, rank DESC, popularity DESC, display_order, tour_id"
    if "near" in asked:
        return f"distance {direction} NULLS LAST, display_order, tour_id"
    return f"display_order {direction}, tour_id {direction}"


def _refuse_unknown_categories(codes: tuple[str, ...]) -> None:
    known = set(Category.objects.values_list("code", flat=True))
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise InvalidInput(
            details={"category": [_("“{value}” is not known.").format(value=value) for value in unknown]}
        )
