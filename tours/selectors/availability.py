"""When a tour can be bought: its departures by day, in the time of the place."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from config.errors import InvalidInput
from config.tenancy import tenant_id_or_raise
from tours.errors import TourNotFound
from tours.filters.public import MOST_DAYS, month_days
from tours.guards import fullness_sql, places_left_sql
from tours.lowest import reprice

DAYS = 30  # when nobody says until when

# The price is an adult's where the option has one, else the lowest of a guest who takes a seat: as `tours.prices.price_from`.
AVAILABILITY = """
WITH tour AS (
    SELECT t.id, t.tenant_id, place.time_zone, currency.code AS currency, currency.minor_units,
        coalesce(%(date_from)s::date, (now() AT TIME ZONE place.time_zone)::date) AS first
    FROM tours_tour t
    JOIN tours_destination place ON place.id = t.destination_id
    JOIN ledger_currency currency ON currency.code = t.currency_id
    WHERE t.tenant_id = %(tenant)s::uuid AND t.id = %(tour)s::uuid AND t.deleted_at IS NULL
      AND (t.status = 'ACTIVE' OR %(all)s::boolean)
), options AS (
    SELECT o.id, o.code, coalesce(nullif(o.name_{language}, ''), o.name_en) AS name, o.display_order,
        coalesce(min(price.amount) FILTER (WHERE category.code = 'adult'), min(price.amount)) AS price
    FROM tour
    JOIN tours_touroption o ON o.tour_id = tour.id
    LEFT JOIN (tours_optionprice price JOIN tours_pricecategory category
        ON category.id = price.category_id AND category.seats > 0) ON price.option_id = o.id
    GROUP BY o.id
), starts AS (
    SELECT d.*,
        CASE WHEN d.status <> 'OPEN' THEN d.status
             WHEN d.opens_at > now() THEN 'NOT_YET'
             WHEN d.cutoff_at <= now() THEN 'CUTOFF'
             WHEN d.available <= 0 THEN 'SOLD_OUT'
             ELSE 'OPEN' END AS state
    FROM (
        SELECT d.*, {places_left} AS available
        FROM tour
        JOIN tours_departure d ON d.tenant_id = tour.tenant_id AND d.tour_id = tour.id
          AND d.local_date BETWEEN tour.first AND coalesce(%(date_to)s::date, tour.first + {days} - 1)
          AND d.starts_at >= (tour.first - 1)::timestamp AT TIME ZONE tour.time_zone
    ) d
), items AS (
    SELECT starts.starts_at, options.display_order, starts.id, starts.is_limited, starts.seats_held, starts.seats_booked,
        starts.capacity, json_build_object(
        'id', starts.id,
        'starts_at', to_char(starts.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'ends_at', to_char(starts.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'date', starts.local_date,
        'time', CASE WHEN NOT starts.any_time THEN to_char(starts.starts_at AT TIME ZONE tour.time_zone, 'HH24:MI') END,
        'opening_hours', CASE WHEN starts.any_time THEN json_build_object(
            'opens', to_char(starts.starts_at AT TIME ZONE tour.time_zone, 'HH24:MI'),
            'closes', to_char(starts.ends_at AT TIME ZONE tour.time_zone, 'HH24:MI')) END,
        'opens_at', to_char(starts.opens_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'option', json_build_object('code', options.code, 'name', options.name),
        'capacity', starts.capacity,
        'available', greatest(starts.available, 0),
        'status', starts.state,
        'price_from', round(options.price, tour.minor_units)::text,
        'currency', tour.currency,
        'note', coalesce(nullif(starts.note_{language}, ''), starts.note_en)) AS item
    FROM tour, starts
    JOIN options ON options.id = starts.option_id
    WHERE %(guests)s::int IS NULL OR (starts.state = 'OPEN' AND starts.available >= %(guests)s::int)
)
SELECT json_build_object(
    'tour_id', tour.id,
    'date_from', tour.first,
    'date_to', coalesce(%(date_to)s::date, tour.first + {days} - 1),
    'time_zone', tour.time_zone,
    'currency', tour.currency,
    'items', coalesce((SELECT json_agg(item ORDER BY starts_at, display_order, id) FROM items), '[]'::json),
    'total', (SELECT count(*) FROM items))::text,
    CASE WHEN EXISTS (SELECT FROM tours_pricerule r WHERE r.is_active AND (r.tour_id = tour.id OR r.tour_id IS NULL))
        OR EXISTS (SELECT FROM tours_grouptier g JOIN tours_touroption o ON o.id = g.option_id WHERE o.tour_id = tour.id)
    THEN (SELECT coalesce(json_agg({fullness} ORDER BY starts_at, display_order, id), '[]'::json) FROM items) END
FROM tour
"""

# What a day of several departures is: the best that any of them is.
BEST_FIRST = ["OPEN", "NOT_YET", "SOLD_OUT", "CUTOFF", "CLOSED", "CANCELLED"]
START_STATES = [(state, state) for state in BEST_FIRST]
DAY_STATES = [*START_STATES, ("NONE", "NONE")]


def availability(tour_id: UUID, asked: dict[str, Any], *, language: str, for_staff: bool = False) -> bytes:
    """The departures of some days as JSON, in one statement, or two where rules or groups make prices.

    Raises `TourNotFound` where the tour is not public.

    `asked` is a checked `AvailabilityQuery`: local days, `DAYS` of them from today by default; with `guests` only what
    so many can book together. Staff see it of tours that are not public as well.
    """
    last = asked.get("date_to")
    if last is not None and asked.get("date_from") is None:
        _refuse_distant(last)
    with connection.cursor() as cursor:
        cursor.execute(
            AVAILABILITY.format(
                language=language, days=DAYS, places_left=places_left_sql("d"), fullness=fullness_sql("items")
            ),
            {
                "tenant": tenant_id_or_raise(),
                "tour": tour_id,
                "date_from": asked.get("date_from"),
                "date_to": last,
                "guests": asked.get("guests"),
                "all": for_staff,
            },
        )
        row = cursor.fetchone()
    if row is None:
        raise TourNotFound
    body, filled = row
    if filled is None:  # neither rules nor groups make prices
        return str(body).encode()
    found = orjson.loads(body)
    reprice(found["items"], filled, tour_id, asked.get("guests"))
    return orjson.dumps(found)


def _refuse_distant(last: date) -> None:
    """A range that begins today must end within it. Whose today is seen to a day: the place may be far away."""
    days = (last - localdate()).days
    if days < -1:
        raise InvalidInput(details={"date_to": [_("This is before the first day.")]})
    if days >= MOST_DAYS:
        raise InvalidInput(details={"date_to": [_("At most {days} days.").format(days=MOST_DAYS)]})


def calendar(tour_id: UUID, month: str, guests: int | None, *, language: str) -> bytes:
    """One entry for each day of the month: its best status, places and departures left, the lowest price of these."""
    first, last = month_days(month)
    asked = {"date_from": first, "date_to": last, "guests": guests}
    found = orjson.loads(availability(tour_id, asked, language=language))
    by_day: dict[str, list[dict[str, Any]]] = {}
    for item in found["items"]:
        by_day.setdefault(item["date"], []).append(item)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return orjson.dumps(
        {
            "tour_id": found["tour_id"],
            "month": month,
            "time_zone": found["time_zone"],
            "currency": found["currency"],
            "days": [_day(day, by_day.get(day.isoformat(), [])) for day in days],
        }
    )


def _day(day: date, items: list[dict[str, Any]]) -> dict[str, Any]:
    open_ones = [item for item in items if item["status"] == "OPEN"]
    states = {item["status"] for item in items}
    prices = [item["price_from"] for item in open_ones if item["price_from"] is not None]
    return {
        "date": day.isoformat(),
        "status": next((state for state in BEST_FIRST if state in states), "NONE"),
        "departures": len(open_ones),
        "available": sum(item["available"] for item in open_ones),
        "price_from": min(prices, key=float, default=None),
    }
