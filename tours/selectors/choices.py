"""What can be chosen beside the seats: extras with what is left of them, places and zones with their prices."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q

from config.i18n import in_language
from ledger.money import amount_text
from tours.errors import DepartureNotFound
from tours.models import (
    Departure,
    Extra,
    PickupKind,
    PickupPlace,
    PickupPrice,
    PickupRule,
    PickupZone,
    Tour,
    TransferPrice,
)
from tours.pickups import nearest
from tours.prices import Terms, load_terms
from tours.search import fold
from tours.services.stock import extras_left

MOST_PLACES = 50


def extras_of(departure_id: UUID) -> list[dict[str, Any]]:
    """The extras of a departure on sale, with what is left of limited ones. Raises `DepartureNotFound`."""
    terms = load_terms(departure_id)
    if not terms.on_sale:
        raise DepartureNotFound
    left = left_of(terms)
    names = {extra.code: extra for extra in Extra.objects.filter(tour_id=terms.tour_id, is_active=True)}
    return [
        {
            "code": code,
            "name": in_language(names[code], "name") if code in names else extra.label_en,
            "basis": extra.basis,
            "amount": amount_text(extra.amount, terms.currency),
            "currency": terms.currency,
            "min_quantity": extra.least,
            "max_quantity": extra.most,
            "is_required": extra.required,
            "categories": sorted(extra.categories or ()),
            "available": left.get(code),
        }
        for code, extra in terms.extras.items()
    ]


def left_of(terms: Terms) -> dict[str, int]:
    """How many of each limited extra are left on the departure of these terms; no statement where none is limited."""
    if not any(extra.stocked for extra in terms.extras.values()):
        return {}
    return extras_left(Departure.objects.get(pk=terms.departure_id))


def pickups_of(
    tour: Tour, *, q: str = "", latitude: float | None = None, longitude: float | None = None
) -> dict[str, Any]:
    """How the tour fetches its guests: zones with prices, and the first places that are called so, in either language."""
    rule = PickupRule.objects.filter(tour_id=tour.pk).first()
    if rule is None:
        return {"kind": None, "allows_unlisted": False, "zones": [], "transfers": [], "places": [], "zone": None}
    prices = list(PickupPrice.objects.filter(tour_id=tour.pk, zone__is_active=True).select_related("zone"))
    ways = list(TransferPrice.objects.filter(tour_id=tour.pk).select_related("origin", "destination", "option"))
    ids = {price.zone_id for price in prices} if rule.kind != "TRANSFER" else set()
    if rule.kind == "TRANSFER":
        ids = {zone for way in ways for zone in (way.origin_id, way.destination_id)}
    zones = list(PickupZone.objects.filter(pk__in=ids, is_active=True))
    here = nearest(zones, latitude, longitude) if latitude is not None and longitude is not None else None
    return {
        "kind": rule.kind,
        "allows_unlisted": rule.allows_unlisted,
        "zones": [_zone(zone, {price.zone_id: price for price in prices}.get(zone.pk), tour) for zone in zones],
        "transfers": [_way(way, tour) for way in ways] if rule.kind == "TRANSFER" else [],
        "places": [_place(place) for place in places_called(q, zones)],
        "zone": here.code if here else None,
    }


def zones_with_places(rule: PickupRule) -> list[dict[str, Any]]:
    """The zones that a tour serves, each with its places, in the language at hand: for a form. Two statements."""
    served = PickupZone.objects.filter(is_active=True).filter(
        Q(pk__in=PickupPrice.objects.filter(tour_id=rule.tour_id).values("zone_id"))
        if rule.kind != PickupKind.TRANSFER
        else Q(pk__in=TransferPrice.objects.filter(tour_id=rule.tour_id).values("origin_id"))
        | Q(pk__in=TransferPrice.objects.filter(tour_id=rule.tour_id).values("destination_id"))
    )
    places = Prefetch("places", PickupPlace.objects.filter(is_active=True), to_attr="served_places")
    return [
        {
            "code": zone.code,
            "name": in_language(zone, "name"),
            "places": [{"id": str(place.pk), "name": in_language(place, "name")} for place in zone.served_places],
        }
        for zone in served.prefetch_related(places)
    ]


def places_called(q: str, zones: list[PickupZone]) -> list[PickupPlace]:
    """The first places of these zones whose name or address has every word that is asked for."""
    places = PickupPlace.objects.filter(zone__in=zones, is_active=True).select_related("zone").order_by("name_en", "pk")
    words = fold(q).split()
    if not words:
        return list(places[:MOST_PLACES])
    found = [
        place
        for place in places
        if all(word in fold(f"{place.name_en} {place.name_ar} {place.address}") for word in words)
    ]
    return found[:MOST_PLACES]


def _zone(zone: PickupZone, price: PickupPrice | None, tour: Tour) -> dict[str, Any]:
    return {
        "code": zone.code,
        "name": in_language(zone, "name"),
        "basis": price.basis if price else None,
        "amount": amount_text(price.amount, tour.currency_id) if price else None,
        "vehicle_seats": price.vehicle_seats if price else None,
        "minutes_before": price.minutes_before if price else None,
    }


def _way(way: TransferPrice, tour: Tour) -> dict[str, Any]:
    return {
        "origin": way.origin.code,
        "destination": way.destination.code,
        "both_ways": way.both_ways,
        "option": way.option.code if way.option else None,
        "amount": amount_text(way.amount, tour.currency_id),
        "vehicle_seats": way.vehicle_seats,
    }


def _place(place: PickupPlace) -> dict[str, Any]:
    return {
        "id": str(place.pk),
        "name": in_language(place, "name"),
        "address": place.address,
        "zone": place.zone.code,
        "minutes_earlier": place.minutes_earlier,
    }
