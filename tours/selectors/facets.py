"""How many tours each value of a filter would find: counted under all other filters, in one statement.

Values of one filter are alternatives, so its own choice does not count against the others. Tags are asked for together: each
counts under those chosen already. A band of prices or durations finds as many as it counts when its ends are asked for.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.money import amount_text, minor_units
from tours.models import Difficulty, TourKind
from tours.selectors.finding import FACETS, Finding, finding, in_minor_units

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

COLUMNS = """p.tour_id, p.destination_id, p.kind, p.category, p.difficulty, p.tags, p.compare_minor, p.duration_minutes,
    p.rating, {missed} AS missed"""
# `missed` has a bit for each facet whose filter the tour does not pass: it counts for that facet where no other bit is set.
COUNTED = """
SELECT '{facet}'::text AS facet, {value} AS value, count(*)::int AS number, {sample} AS sample
FROM candidates {joined} WHERE {kept} GROUP BY 2"""
COUNTS = """
WITH {candidates}, counts AS ({counts})
SELECT c.facet, c.value, c.number, p.card_{language}::json -> c.facet
FROM counts c LEFT JOIN tours_publishedtour p ON p.tour_id = c.sample
"""
SAMPLE = "min(tour_id::text)::uuid"  # a tour that shows what the value is called
NO_SAMPLE = "NULL::uuid"

Rows = dict[str, list[tuple[str, int, dict[str, Any] | None]]]


def facets(asked: dict[str, Any], *, language: str, home_currency: str) -> bytes:
    """The facets of a checked `ListQuery` as JSON. Amounts are in the currency asked for, else the tenant's. Raises `NoRate`."""
    wanted = finding(asked, home_currency)
    currency = asked.get("currency") or home_currency
    wanted.parameters |= bands(currency, home_currency)
    with connection.cursor() as cursor:
        cursor.execute(statement(wanted, language), wanted.parameters)
        rows: Rows = defaultdict(list)
        for facet, value, number, shown in cursor.fetchall():
            rows[facet].append((value, number, orjson.loads(shown) if isinstance(shown, str) else shown))
    return orjson.dumps(
        {
            "destination": _named(rows["destination"], "destination", _destination),
            "kind": _chosen(rows["kind"], TourKind.choices),
            "category": _named(rows["category"], "category", lambda shown: (shown["code"], shown["name"])),
            "difficulty": _chosen(rows["difficulty"], Difficulty.choices),
            "tags": _tags(rows["tags"]),
            "price": _prices(_by_place(rows["price"]), currency),
            "duration": _durations(_by_place(rows["duration"])),
            "rating": _ratings(_by_place(rows["rating"])),
        }
    )


def bands(currency: str, home_currency: str) -> dict[str, list[int]]:
    """Where the bands begin, in the units of the published facts: parameters of the statement. Raises `NoRate`."""
    return {
        "prices": [in_minor_units(Decimal(price), currency, home_currency) for price in PRICES],
        "durations": DURATIONS,
        "stars": [int(star * 100) for star in STARS],
    }


def statement(wanted: Finding, language: str) -> str:
    """SQL of what each value of each facet counts; its parameters are those of what is wanted, and `bands`."""
    bits = {facet: 1 << place for place, facet in enumerate(FACETS)}
    missed = " + ".join(
        f"CASE WHEN {condition} THEN 0 ELSE {bits[facet]} END" for facet, condition in wanted.narrowing.items()
    )

    def counted(facet: str, value: str, sample: str = NO_SAMPLE, joined: str = "", others: int | None = None) -> str:
        kept = f"missed IN (0, {bits[facet] if others is None else others})"
        if value.startswith("width_bucket("):
            kept += f" AND {value} > 0"
        return COUNTED.format(facet=facet, value=f"{value}::text", sample=sample, joined=joined, kept=kept)

    counts = [
        counted("destination", "destination_id", SAMPLE),
        counted("kind", "kind"),
        counted("category", "category", SAMPLE),
        counted("difficulty", "difficulty"),
        counted("tags", "tag", joined=", unnest(tags) AS tag", others=0),
        counted("price", "width_bucket(compare_minor, %(prices)s::bigint[])"),
        counted("duration", "width_bucket(duration_minutes, %(durations)s::int[])"),
        counted("rating", "width_bucket(rating, %(stars)s::int[])"),
    ]
    # What misses two filters counts nowhere, and need not be looked up among the departures.
    counting = [f"{missed} IN (0, {', '.join(str(bit) for bit in bits.values())})"] if len(wanted.narrowing) > 1 else []
    candidates = wanted.candidates(COLUMNS.format(missed=missed or "0"), *([] if wanted.question else counting))
    return COUNTS.format(candidates=candidates, counts=" UNION ALL ".join(counts), language=language)


# --- How each facet is shown ---


def _named(
    rows: Iterable[tuple[str, int, Any]], facet: str, read: Callable[[Any], tuple[str, str]]
) -> list[dict[str, Any]]:
    values = [{"value": read(shown)[0], "name": read(shown)[1], "count": number} for _value, number, shown in rows]
    return _most_first(values)[: MOST.get(facet)]


def _destination(shown: dict[str, str]) -> tuple[str, str]:
    return shown["slug"], _("{city}, {country}").format(city=shown["city"], country=shown["country_name"])


def _chosen(rows: Iterable[tuple[str, int, Any]], choices: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
    """All choices in their order, those that find nothing too: what is shown keeps its place."""
    counts = {value: number for value, number, _shown in rows}
    return [{"value": value, "name": str(name), "count": counts.get(value, 0)} for value, name in choices]


def _tags(rows: Iterable[tuple[str, int, Any]]) -> list[dict[str, Any]]:
    values = [{"value": tag, "name": tag.replace("-", " "), "count": number} for tag, number, _shown in rows]
    return _most_first(values)[: MOST["tags"]]


def _most_first(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(values, key=lambda one: (-one["count"], one["name"], one["value"]))


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
