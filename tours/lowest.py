"""The lowest price that the public is shown for a tour before it has chosen a day: by rules, where there are any.

What a list shows must hold for a day at least, so only rules that do so count: not those of the last hours, of occupancy, or
of a group of customers. Facts are made anew each night, and when rules, seasons or departures change.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.timezone import now

from ledger.money import amount_text
from tours.errors import TourHasNoPrice
from tours.models import Departure, DepartureStatus, PriceRule, PricingBasis, Tour
from tours.prices import Line, Terms, load_offers, price_lines, starting

Price = tuple[Decimal, Decimal | None]


def lasting_rules() -> Any:
    """The rules that decide what a list shows."""
    return PriceRule.objects.filter(is_active=True, price_group=None, hours_before=None, occupancy_percent=None)


def has_rules(tour_id: UUID) -> bool:
    """Whether what a list shows of the tour depends on its days."""
    return lasting_rules().filter(Q(tour=tour_id) | Q(tour=None)).exists()


def advertise(tours: Sequence[Tour]) -> None:
    """Write the lowest price by rules onto those of the tours that have any; `tours.prices.price_from` says it then."""
    concerned = set(lasting_rules().values_list("tour_id", flat=True).distinct())
    ruled = [tour for tour in tours if None in concerned or tour.pk in concerned]
    if not ruled:
        return
    found = _lowest([tour.pk for tour in ruled], now())
    for tour in ruled:
        tour.__dict__["advertised"] = found.get(tour.pk)


def _lowest(tour_ids: list[UUID], at: datetime) -> dict[UUID, Price]:
    read = [_lasting(offer) for offer in load_offers(tour_ids)]
    by_person = {offer.tour_id for offer in read if offer.basis == PricingBasis.PER_PERSON and offer.prices}
    # A group's price is no guest's: it is shown only where nothing is sold by the person.
    offers = {
        offer.option_id: offer
        for offer in read
        if offer.basis == PricingBasis.PER_PERSON or offer.tour_id not in by_person
    }
    starts: dict[UUID, list[datetime]] = defaultdict(list)
    coming = Departure.objects.filter(
        tour__in=tour_ids, status=DepartureStatus.OPEN, local_date__gte=at.date()
    ).values_list("option_id", "starts_at")
    for option_id, starts_at in coming:
        starts[option_id].append(starts_at)
    lowest: dict[UUID, Price] = {}
    for option_id, moments in starts.items():
        for starts_at in moments:
            line = cheapest_line(starting(offers[option_id], starts_at), at) if option_id in offers else None
            if line is not None and line.unit < lowest.get(offers[option_id].tour_id, (line.unit + 1, None))[0]:
                lowest[offers[option_id].tour_id] = (line.unit, line.was)
    return lowest


def _lasting(offer: Terms) -> Terms:
    rules = [rule for rule in offer.rules if (rule.group, rule.hours_before, rule.occupancy) == (None, None, None)]
    return replace(offer, rules=tuple(rules))


def cheapest_line(terms: Terms, at: datetime, guests: int = 1) -> Line | None:
    """What an adult pays (the group, where it is sold so), in the smallest party or in one of so many guests.

    Where no adult has a price, the cheapest guest who takes a place. None where nothing has a price.
    """
    number = max(guests, terms.min_guests, 1)
    seated = [price for price in terms.prices.values() if price.seats and price.amount is not None]
    chosen = [price for price in seated if price.code == "adult"] or sorted(seated, key=lambda price: price.amount or 0)
    if not chosen or number > terms.max_guests:
        return None
    try:
        lines, _taxes = price_lines(replace(terms, fee=None, taxes=()), {chosen[0].code: number}, at=at)
    except TourHasNoPrice:
        return None
    return lines[0]


def reprice(
    items: Iterable[dict[str, Any]],
    filled: Iterable[tuple[int, int]],
    tour_id: UUID,
    guests: int | None,
    at: datetime | None = None,
) -> None:
    """Put the price by rules into items of the availability, each of which is a departure as JSON.

    `filled` says of each how many places are sold, and of how many (`tours.guards.fullness_sql`).
    """
    offers = {offer.option_code: offer for offer in load_offers([tour_id])}
    for item, (sold, capacity) in zip(items, filled, strict=True):
        offer = offers[item["option"]["code"]]
        terms = replace(
            starting(offer, datetime.fromisoformat(item["starts_at"])),
            capacity=capacity,
            sold=sold,
        )
        line = cheapest_line(terms, at or now(), guests or 1)
        if line is not None:
            item["price_from"] = amount_text(line.unit, terms.currency)
            item["per_group"] = terms.basis == PricingBasis.PER_GROUP
