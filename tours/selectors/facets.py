"""How many tours each value of a filter would find: counted under all other filters, in the statement that makes the page.

Values of one filter are alternatives, so its own choice does not count against the others. Tags are asked for together: each
counts under those chosen already. A band of prices or durations finds as many as it counts when its ends are asked for.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import orjson
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_countries import countries

from ledger.money import amount_text, minor_units
from tours.models import Difficulty, TourKind
from tours.selectors.finding import FACETS, Finding, in_minor_units

MOST = {"destination": 50, "tags": 30}  # values shown; the rarest are left out
MOST_BANDS = 6

HOUR, DAY = 60, 24 * 60
DURATIONS = [0, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 3 * DAY, 7 * DAY]  # where each band begins, in minutes
DURATION_NAMES = [
    gettext_lazy("under 2 hours"),
    gettext_lazy("2 to 4 hours"),
    gettext_lazy("4 to 8 hours"),
    gettext_lazy("8 to 24 hours"),
    gettext_lazy("1 to 3 days"),
    gettext_lazy("3 to 7 days"),
    gettext_lazy("a week and longer"),
]
STARS = [Decimal(3), Decimal("3.5"), Decimal(4), Decimal("4.5")]
PRICES = [0, *(step * 10**power for power in range(7) for step in (1, 2, 5))]  # where bands may begin, in major units

BITS = {facet: 1 << place for place, facet in enumerate(FACETS)}

# What is counted of each candidate. `missed` has a bit for each facet whose filter the tour does not pass: it counts for that
# facet where no other bit is set.
COLUMNS = """p.destination_id, p.kind, p.category, p.difficulty, p.tags, p.compare_minor, p.duration_minutes, p.rating,
    {missed} AS missed"""
COUNTED = "SELECT {value} AS value, count(*)::int AS number FROM candidates WHERE {kept} GROUP BY 1"
# Taken apart where they are selected, tags come five times as fast as from a join with each tour's.
COUNTED_TAGS = """SELECT tag AS value, count(*)::int AS number
FROM (SELECT unnest(tags) AS tag FROM candidates WHERE missed = 0) t GROUP BY 1"""
PLAIN = "SELECT '{facet}' AS facet, value::text, number, NULL::json AS shown FROM ({counted}) c"
OF_DESTINATIONS = """
SELECT 'destination' AS facet, d.slug::text AS value, number, json_build_object(
    'city', coalesce(nullif(d.city_{language}, ''), d.city_en), 'country', d.country) AS shown
FROM ({counted}) c JOIN tours_destination d ON d.id = c.value AND d.tenant_id = %(tenant)s::uuid"""
OF_CATEGORIES = """
SELECT 'category' AS facet, k.code::text AS value, number,
    json_build_object('name', coalesce(nullif(k.name_{language}, ''), k.name_en)) AS shown
FROM ({counted}) c JOIN tours_category k ON k.code = c.value AND k.tenant_id = %(tenant)s::uuid"""

Rows = dict[str, list[tuple[str, int, Any]]]


def missed(wanted: Finding) -> str:
    """SQL of the bits of the filters that a tour does not pass."""
    bits = [f"CASE WHEN {condition} THEN 0 ELSE {BITS[facet]} END" for facet, condition in wanted.narrowing.items()]
    return " + ".join(bits) or "0"


def countable(wanted: Finding) -> list[str]:
    """What misses two filters counts nowhere, and need not be looked up among the departures."""
    return [f"{missed(wanted)} IN (0, {', '.join(map(str, BITS.values()))})"] if len(wanted.narrowing) > 1 else []


def counts(language: str) -> str:
    """SQL of what each value of each facet counts, over the CTE `candidates`; its parameters are `bands` besides."""

    def counted(facet: str, value: str) -> str:
        kept = f"missed IN (0, {BITS[facet]})"
        if value.startswith("width_bucket("):
            kept += f" AND {value} > 0"
        return COUNTED.format(value=value, kept=kept)

    plain = {
        "kind": counted("kind", "kind"),
        "difficulty": counted("difficulty", "difficulty"),
        "tags": COUNTED_TAGS,
        "price": counted("price", "width_bucket(compare_minor, %(prices)s::bigint[])"),
        "duration": counted("duration", "width_bucket(duration_minutes, %(durations)s::int[])"),
        "rating": counted("rating", "width_bucket(rating, %(stars)s::int[])"),
    }
    parts = [
        OF_DESTINATIONS.format(counted=counted("destination", "destination_id"), language=language),
        OF_CATEGORIES.format(counted=counted("category", "category"), language=language),
        *(PLAIN.format(facet=facet, counted=part) for facet, part in plain.items()),
    ]
    return " UNION ALL ".join(parts)


def bands(currency: str, home_currency: str) -> dict[str, list[int]]:
    """Where the bands begin, in the units of the published facts. Raises `NoRate`."""
    return {
        "prices": [in_minor_units(Decimal(price), currency, home_currency) for price in PRICES],
        "durations": DURATIONS,
        "stars": [int(star * 100) for star in STARS],
    }


def shown(counted: str, currency: str) -> bytes:
    """What was counted (JSON: rows of facet, value, number, name) as it is answered, in the language at hand."""
    rows: Rows = defaultdict(list)
    for facet, value, number, name in orjson.loads(counted):
        rows[facet].append((value, number, name))
    return orjson.dumps(
        {
            "destination": _most_first("destination", rows, _place_name),
            "kind": _chosen(rows["kind"], TourKind.choices),
            "category": _most_first("category", rows, lambda _value, name: name["name"]),
            "difficulty": _chosen(rows["difficulty"], Difficulty.choices),
            "tags": _most_first("tags", rows, lambda value, _name: value.replace("-", " ")),
            "price": _prices(_by_place(rows["price"]), currency),
            "duration": _durations(_by_place(rows["duration"])),
            "rating": _ratings(_by_place(rows["rating"])),
        }
    )


# --- How each facet is shown ---


def _most_first(facet: str, rows: Rows, named: Callable[[str, Any], str]) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = [
        {"value": value, "name": named(value, name), "count": number} for value, number, name in rows[facet]
    ]
    return sorted(values, key=lambda one: (-one["count"], one["name"], one["value"]))[: MOST.get(facet)]


def _place_name(_slug: str, place: dict[str, str]) -> str:
    return _("{city}, {country}").format(city=place["city"], country=countries.name(place["country"]))


def _chosen(rows: Iterable[tuple[str, int, Any]], choices: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
    """All choices in their order, those that find nothing too: what is shown keeps its place."""
    counts = {value: number for value, number, _shown in rows}
    return [{"value": value, "name": str(name), "count": counts.get(value, 0)} for value, name in choices]


def _by_place(rows: Iterable[tuple[str, int, Any]]) -> dict[int, int]:
    """Numbers by the band they fall into, from 0."""
    return {int(value) - 1: number for value, number, _shown in rows}


def _prices(counts: dict[int, int], currency: str) -> list[dict[str, Any]]:
    """At most six bands without gaps from the cheapest to the dearest; `max` is the last amount of a band."""
    smallest = Decimal(1).scaleb(-minor_units(currency))
    bands = merged([(place, counts.get(place, 0)) for place in range(min(counts), max(counts) + 1)] if counts else [])
    shown = []
    for number, (place, count) in enumerate(bands):
        following = bands[number + 1][0] if number + 1 < len(bands) else max(counts) + 1
        most = amount_text(PRICES[following] - smallest, currency) if following < len(PRICES) else None
        shown.append({"min": amount_text(Decimal(PRICES[place]), currency), "max": most, "count": count})
    return shown


def merged(bands: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbours put together until few are left, those first that are smallest together; each keeps where it begins."""
    left = list(bands)
    while len(left) > MOST_BANDS:
        place = min(range(len(left) - 1), key=lambda at: (left[at][1] + left[at + 1][1], at))
        left[place : place + 2] = [(left[place][0], left[place][1] + left[place + 1][1])]
    return left


def _durations(counts: dict[int, int]) -> list[dict[str, Any]]:
    return [
        {
            "min": minutes,
            "max": DURATIONS[place + 1] - 1 if place + 1 < len(DURATIONS) else None,
            "name": str(DURATION_NAMES[place]),
            "count": counts.get(place, 0),
        }
        for place, minutes in enumerate(DURATIONS)
    ]


def _ratings(counts: dict[int, int]) -> list[dict[str, Any]]:
    """So many stars and more, the best first."""
    return [
        {"min": float(STARS[place]), "count": sum(number for at, number in counts.items() if at >= place)}
        for place in reversed(range(len(STARS)))
    ]
