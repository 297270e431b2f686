"""A page of the public list."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from config.errors import InvalidInput
from config.tenancy import tenant_id_or_raise
from ledger.money import round_money, to_minor
from ledger.rates import convert
from tours.filters.public import FALLING
from tours.models import Category
from tours.search import Question, fold

FEW = 3  # findings; with fewer the search forgives typing errors

# What each filter asks of `p`, a row of published facts.
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
WHEN = ("date_from", "date_to", "guests")

# Somebody can really go: a departure that can be booked, in these days, with so many places left.
BOOKABLE = """EXISTS (
    SELECT FROM tours_departure d
    WHERE d.tenant_id = p.tenant_id AND d.tour_id = p.tour_id
      AND d.status = 'OPEN' AND d.cutoff_at > now() AND d.starts_at > now() - interval '1 day'
      AND (d.opens_at IS NULL OR d.opens_at <= now())
      AND d.capacity - d.seats_held - d.seats_booked >= %(seats)s::int
      AND d.local_date BETWEEN %(date_from)s::date AND %(date_to)s::date)"""

SORT_KEYS = {
    "title": "p.sort_{language}",
    "price": "p.compare_minor",
    "rating": "p.rating",
    "created_at": "p.created_at",
    "popularity": "p.popularity",
    "duration": "p.duration_minutes",
}

# Every part of an answer: `near` is 0 for what holds each word asked for, 1 for what looks like it, 2 for what holds some.
PART = """
    SELECT p.tour_id, {near} AS near, {rank} AS rank, {key} AS key, p.popularity, p.display_order
    FROM tours_publishedtour p WHERE {where} AND {condition}
"""
# What a search adds: each next part only where those before found too little.
MORE = """, nearly AS (
    {close} AND (SELECT count(*) FROM exactly) < {few} AND p.tour_id NOT IN (SELECT tour_id FROM exactly)
), partly AS (
    {some} AND NOT EXISTS (SELECT FROM exactly) AND NOT EXISTS (SELECT FROM nearly)
)"""
PAGE = """
WITH exactly AS ({exact}) {more}, found AS (
    SELECT * FROM exactly {union}
), page AS (
    SELECT tour_id, row_number() OVER (ORDER BY {order}) AS place FROM found
    ORDER BY place LIMIT %(size)s::int OFFSET %(offset)s::int
)
SELECT (SELECT count(*) FROM found), coalesce(string_agg(p.card_{language}, ',' ORDER BY page.place), '')
FROM page JOIN tours_publishedtour p USING (tour_id)
"""


def tour_page(asked: dict[str, Any], *, language: str, home_currency: str) -> tuple[int, str]:
    """How many tours answer the question, and the cards of the page asked for, as JSON without the brackets.

    `asked` is a checked `ListQuery`. Prices are compared in `home_currency`, the tenant's; those asked for are in
    `asked["currency"]`, if given. One statement; a second one where nothing was found in a category, to refuse one that
    does not exist (`InvalidInput`).
    """
    sql, parameters = _statement(asked, language, home_currency)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        total, cards = cursor.fetchone()
    if not total and asked.get("category"):
        _refuse_unknown_categories(asked["category"])
    return total, cards


def _statement(asked: dict[str, Any], language: str, home_currency: str) -> tuple[str, dict[str, Any]]:
    parameters = _parameters(asked, home_currency)
    where = ["p.tenant_id = %(tenant)s::uuid", *(FILTERS[name] for name in FILTERS if name in parameters)]
    if any(asked.get(name) is not None for name in WHEN):
        where.append(BOOKABLE)
    shared = {
        "where": " AND ".join(where),
        "key": SORT_KEYS.get(asked.get("sort_by", ""), "NULL::int").format(language=language),
    }
    exact, more, union = PART.format(**shared, near=0, rank=0, condition="TRUE"), "", ""
    if "q" in asked:
        question = Question(asked["q"])
        parameters |= question.parameters
        exact = PART.format(**shared, near=0, rank=question.rank, condition=question.exact)
        close = PART.format(**shared, near=1, rank=question.likeness, condition=question.close)
        some = PART.format(**shared, near=2, rank=question.rank_of_some, condition=question.some)
        more = MORE.format(close=close, some=some, few=FEW)
        union = "UNION ALL SELECT * FROM nearly UNION ALL SELECT * FROM partly"
    sql = PAGE.format(exact=exact, more=more, union=union, order=_order(asked), language=language)
    return sql, parameters


def _parameters(asked: dict[str, Any], home_currency: str) -> dict[str, Any]:
    values: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()}
    values = {name: value for name, value in values.items() if value is not None and value != []}
    for name in ("destination", "city"):
        if name in values:
            values[name] = fold(values[name])
    for name in ("min_price", "max_price"):
        if name in values:
            values[name] = _in_minor_units(values[name], asked.get("currency") or home_currency, home_currency)
    if "tags" in values:
        values["tags"] = [tag.lower() for tag in values["tags"]]
    if "min_rating" in values:
        values["min_rating"] = int(values["min_rating"] * 100)
    values["seats"] = values.get("guests", 1)
    values["date_from"] = values.get("date_from", date.min)
    values["date_to"] = values.get("date_to", date.max)
    values["tenant"] = tenant_id_or_raise()
    values["offset"] = (asked["page"] - 1) * asked["size"]
    return values


def _in_minor_units(amount: Decimal, currency: str, home_currency: str) -> int:
    if currency != home_currency:
        amount = convert(amount, currency, home_currency)
    return to_minor(round_money(amount, home_currency), home_currency)


def _order(asked: dict[str, Any]) -> str:
    falling = asked.get("sort_by") in FALLING
    if "sort_order" in asked:
        falling = asked["sort_order"] == "desc"
    direction = "DESC" if falling else "ASC"
    if "sort_by" in asked:
        return f"key {direction} NULLS LAST, display_order, tour_id"
    if "q" in asked:
        return "near, rank DESC, popularity DESC, display_order, tour_id"
    return f"display_order {direction}, tour_id {direction}"


def _refuse_unknown_categories(codes: tuple[str, ...]) -> None:
    known = set(Category.objects.values_list("code", flat=True))
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise InvalidInput(
            details={"category": [_("“{value}” is not known.").format(value=value) for value in unknown]}
        )
