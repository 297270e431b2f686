"""What is asked of the catalogue, as SQL over `p`, a row of published facts: shared by the list and its facets.

Some filters narrow down what a facet counts (category, price, …); the others hold for everything. Words are looked for under the
others only: that a filter leaves little must not make the search look for less and less alike words.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.timezone import localdate

from config.tenancy import tenant_id_or_raise
from ledger.money import round_money, to_minor
from ledger.rates import convert
from tours.search import Question, fold
from tours.selectors.bookable import FIRST_DAYS, IN_FIRST_DAYS, IN_THESE_DAYS

FEW = 3  # findings; with fewer the search forgives typing errors

# What each filter asks.
FILTERS = {
    "destination": "p.places @> ARRAY[%(destination)s::text]",
    "city": "p.cities @> ARRAY[%(city)s::text]",
    "kind": "p.kind = ANY(%(kind)s::text[])",
    "category": "p.category = ANY(%(category)s::text[])",
    "difficulty": "p.difficulty = ANY(%(difficulty)s::text[])",
    "tags": "p.tags @> %(tags)s::text[]",
    "min_price": "p.compare_minor >= %(min_price)s::bigint",
    "max_price": "p.compare_minor <= %(max_price)s::bigint",
    "min_duration": "p.duration_minutes >= %(min_duration)s::int",
    "max_duration": "p.duration_minutes <= %(max_duration)s::int",
    "min_rating": "p.rating >= %(min_rating)s::int",
    "featured": "p.is_featured = %(featured)s::boolean",
    "deals": "p.is_deal = %(deals)s::boolean",
    "guests": "%(guests)s::int BETWEEN p.min_guests AND p.max_guests",
}
# The facets, and the filters that narrow each.
FACETS = {
    "destination": ("destination", "city"),
    "kind": ("kind",),
    "category": ("category",),
    "difficulty": ("difficulty",),
    "tags": ("tags",),
    "price": ("min_price", "max_price"),
    "duration": ("min_duration", "max_duration"),
    "rating": ("min_rating",),
}
WHEN = ("date_from", "date_to", "guests")

EARTH = 6371.0088  # kilometres, the mean radius
# Kilometres between a tour's destination and the point asked for (haversine); of an unknown place NULL, which `least` would lose.
DISTANCE = f"""CASE WHEN p.latitude IS NOT NULL THEN {2 * EARTH} * asin(least(1, sqrt(
    power(sin(radians(p.latitude - %(lat)s::float8) / 2), 2) + cos(radians(%(lat)s::float8)) * cos(radians(p.latitude))
    * power(sin(radians(p.longitude - %(lng)s::float8) / 2), 2)))) END"""

PART = "SELECT {columns}, {near} AS near, {rank} AS rank FROM tours_publishedtour p WHERE {where} AND {condition}"
# What a search adds: each next part only where those before found too little.
CANDIDATES = """exactly AS MATERIALIZED (
    {exact}
), nearly AS MATERIALIZED (
    {close} AND (SELECT count(*) FROM exactly) < {few} AND p.tour_id NOT IN (SELECT tour_id FROM exactly)
), partly AS (
    {some} AND NOT EXISTS (SELECT FROM exactly) AND NOT EXISTS (SELECT FROM nearly)
), candidates AS (
    SELECT * FROM exactly UNION ALL SELECT * FROM nearly UNION ALL SELECT * FROM partly
)"""


@dataclass
class Finding:
    """A checked `ListQuery` as SQL: what always holds, what narrows each facet, the words looked for, and the parameters."""

    always: list[str]
    narrowing: dict[str, str]
    question: Question | None
    parameters: dict[str, Any]

    def candidates(self, columns: str, *more: str) -> str:
        """SQL of the CTE `candidates`: these columns of what holds always, and `more`, of what the words find.

        `near` is 0 for what holds each word asked for, 1 for what looks like it, 2 for what holds some.
        """
        shared = {"columns": columns, "where": " AND ".join([*self.always, *more])}
        question = self.question
        if question is None:
            return f"candidates AS ({PART.format(**shared, near=0, rank=0, condition='TRUE')})"
        return CANDIDATES.format(
            exact=PART.format(**shared, near=0, rank=question.rank, condition=question.exact),
            close=PART.format(**shared, near=1, rank=question.likeness, condition=question.close),
            some=PART.format(**shared, near=2, rank=question.rank_of_some, condition=question.some),
            few=FEW,
        )


def finding(asked: dict[str, Any], home_currency: str) -> Finding:
    """What is asked. Prices are compared in `home_currency`, the tenant's; those asked for are in `asked["currency"]`."""
    parameters = _parameters(asked, home_currency)
    faceted = {name for names in FACETS.values() for name in names}
    always = ["p.tenant_id = %(tenant)s::uuid"]
    always += [FILTERS[name] for name in FILTERS if name in parameters and name not in faceted]
    if "radius_km" in parameters:
        always += _within(parameters)
    if any(asked.get(name) is not None for name in WHEN):
        first, last = max(parameters["date_from"], localdate()), parameters["date_to"]
        are_few = (last - first).days < FIRST_DAYS
        parameters["soon"] = last if are_few else first + timedelta(days=FIRST_DAYS - 1)
        always.append(IN_FIRST_DAYS if are_few else IN_THESE_DAYS)
    narrowing = {
        facet: " AND ".join(FILTERS[name] for name in names if name in parameters)
        for facet, names in FACETS.items()
        if any(name in parameters for name in names)
    }
    question = Question(asked["q"]) if "q" in asked else None
    return Finding(always, narrowing, question, parameters | (question.parameters if question else {}))


def _parameters(asked: dict[str, Any], home_currency: str) -> dict[str, Any]:
    values: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()}
    values = {name: value for name, value in values.items() if value is not None and value != []}
    for name in ("destination", "city"):
        if name in values:
            values[name] = fold(values[name])
    for name in ("min_price", "max_price"):
        if name in values:
            values[name] = in_minor_units(values[name], asked.get("currency") or home_currency, home_currency)
    if "tags" in values:
        values["tags"] = [tag.lower() for tag in values["tags"]]
    if "min_rating" in values:
        values["min_rating"] = int(values["min_rating"] * 100)
    if "near" in values:
        values["lat"], values["lng"] = values.pop("near")
    values["seats"] = values.get("guests", 1)
    # What has left is not looked through: whose today is seen to two days, the place may be far away.
    values["date_from"] = max(values.get("date_from", date.min), localdate() - timedelta(days=2))
    values["date_to"] = values.get("date_to", date.max)
    values["tenant"] = tenant_id_or_raise()
    values["offset"] = (asked["page"] - 1) * asked["size"]
    return values


def in_minor_units(amount: Decimal, currency: str, home_currency: str) -> int:
    """An amount of a currency in minor units of the tenant's own, as the published prices are compared. Raises `NoRate`."""
    if currency != home_currency:
        amount = convert(amount, currency, home_currency)
    return to_minor(round_money(amount, home_currency), home_currency)


def _within(parameters: dict[str, Any]) -> list[str]:
    """Within the radius: a box that an index finds, then the circle in it. Adds the edges of the box to the parameters."""
    angle = float(parameters["radius_km"]) / EARTH
    south, north = (math.radians(parameters["lat"]) + side * angle for side in (-1, 1))
    parameters |= {"south": math.degrees(south), "north": math.degrees(north), "radius": float(parameters["radius_km"])}
    conditions = ["p.latitude BETWEEN %(south)s::float8 AND %(north)s::float8"]
    if -math.pi / 2 < south and north < math.pi / 2:  # else a pole is within: every longitude comes near
        reach = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(parameters["lat"])))))
        west, east = parameters["lng"] - reach, parameters["lng"] + reach
        if west < -180 or east > 180:  # across the line where the days change
            parameters |= {"west": west + 360 if west < -180 else west, "east": east - 360 if east > 180 else east}
            conditions.append("(p.longitude >= %(west)s::float8 OR p.longitude <= %(east)s::float8)")
        else:
            parameters |= {"west": west, "east": east}
            conditions.append("p.longitude BETWEEN %(west)s::float8 AND %(east)s::float8")
    return [*conditions, f"{DISTANCE} <= %(radius)s::float8"]
