"""From how much a party can go, day by day: for calendars that show prices."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Case, ExpressionWrapper, F, Func, IntegerField, When
from django.utils.timezone import now

from ledger.errors import NoRate
from ledger.money import amount_text
from ledger.rates import rate_on
from tours.errors import TourHasNoPrice, TourNotFound, UnknownPriceCategory
from tours.models import Departure
from tours.prices import Line, Terms, load_offers, price_lines, seats_of, starting, total_of
from tours.selectors.capacity import FULLNESS

Priced = tuple[Decimal, Line]


def price_calendar(
    tour_id: UUID, first: date, last: date, guests: Mapping[str, int], currency: str | None = None
) -> bytes:
    """One entry for each day on which the party can book: the lowest total, and what its first guest pays.

    Public prices as of now, fees and taxes included as in a quote. Four statements at most. Raises `TourNotFound`, `NoRate`,
    and what refuses the party on every option.
    """
    offers = [_wanted(offer, currency) for offer in load_offers([tour_id]) if offer.on_sale]
    if not offers:
        raise TourNotFound
    by_option = {offer.option_id: offer for offer in _fitting(offers, guests)}
    best: dict[date, Priced] = {}
    counts: dict[date, int] = {}
    own = F("capacity") - F("seats_held") - F("seats_booked") - F("seats_allotted")
    left = Case(
        When(is_limited=True, then=Func(F("pk"), function="tours_places_left", output_field=IntegerField())),
        default=own,
    )
    rows = (
        Departure.objects.bookable()
        .filter(tour_id=tour_id, option_id__in=by_option, local_date__range=(first, last))
        .annotate(places=ExpressionWrapper(left, IntegerField()), fullness=FULLNESS)
    )
    at = now()
    for option_id, starts_at, day, (sold, capacity), places in rows.values_list(
        "option_id", "starts_at", "local_date", "fullness", "places"
    ):
        offer = by_option[option_id]
        if places < seats_of(offer, guests):
            continue
        terms = replace(starting(offer, starts_at), capacity=capacity, sold=sold)
        lines, taxes = price_lines(terms, guests, at=at)
        found = (total_of(lines, taxes), lines[0])
        counts[day] = counts.get(day, 0) + 1
        if day not in best or found[0] < best[day][0]:
            best[day] = found
    wanted = offers[0].currency
    return orjson.dumps(
        {
            "tour_id": str(tour_id),
            "date_from": first.isoformat(),
            "date_to": last.isoformat(),
            "time_zone": offers[0].time_zone,
            "currency": wanted,
            "guests": dict(guests),
            "days": [_day(day, best[day], counts[day], wanted) for day in sorted(best)],
        }
    )


def _day(day: date, priced: Priced, departures: int, currency: str) -> dict[str, Any]:
    total, line = priced
    return {
        "date": day.isoformat(),
        "price_from": amount_text(line.unit, currency),
        "original_price": None if line.was is None else amount_text(line.was, currency),
        "total": amount_text(total, currency),
        "departures": departures,
    }


def _wanted(offer: Terms, currency: str | None) -> Terms:
    """The offer in the currency. Raises `NoRate` where neither a rate nor a price list of its own brings it there."""
    if currency is None or currency == offer.currency:
        return offer
    try:
        return offer.converted(currency, rate_on(offer.currency, currency))
    except NoRate:
        if not offer.is_listed_in(currency):
            raise
        return offer.converted(currency, None)


def _fitting(offers: list[Terms], guests: Mapping[str, int]) -> list[Terms]:
    """Those options that the party can take. Raises what the last of them refuses where there is none."""
    fitting, refusal = [], None
    for offer in offers:
        try:
            price_lines(offer, guests)
            fitting.append(offer)
        except (UnknownPriceCategory, TourHasNoPrice) as fault:  # another option may well have it
            refusal = fault if refusal is None else refusal
    if not fitting and refusal is not None:
        raise refusal
    return fitting
