"""From where to where a party is driven: found by what a caller says, with its price. Two statements at most.

A caller names a point by `{"place_id"}`, or where the tour takes addresses that are not listed, by `{"text"}` and its
`zone`, or `latitude` and `longitude` instead of the zone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import asin, cos, radians, sin, sqrt
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import override

from config.errors import InvalidInput
from ledger.money import round_money
from tours.errors import (
    AddressNotListed,
    NoPickup,
    NotATransfer,
    OutsideTheZones,
    PickupNeeded,
    TransferNeeded,
    UnknownPickup,
    WayNotServed,
)
from tours.models import PickupBasis, PickupKind, PickupPlace, PickupPrice, PickupRule, PickupZone, TransferPrice

EARTH_KM = 6371.0


@dataclass(frozen=True, slots=True)
class Point:
    """Where people wait, or want to go."""

    zone_id: UUID
    zone: str
    zone_en: str
    zone_ar: str
    name_en: str
    name_ar: str
    place_id: UUID | None = None
    minutes_earlier: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "zone": self.zone,
            "zone_en": self.zone_en,
            "zone_ar": self.zone_ar,
            "place_id": str(self.place_id) if self.place_id else None,
            "name_en": self.name_en,
            "name_ar": self.name_ar,
        }


@dataclass(frozen=True, slots=True)
class Ride:
    """A pickup, or a transfer where there is a `destination`, and what it costs in the currency of its terms."""

    origin: Point
    basis: str
    amount: Decimal
    vehicle_seats: int
    minutes_before: int
    destination: Point | None = None

    @property
    def code(self) -> str:
        return "transfer" if self.destination else "pickup"

    @property
    def rule(self) -> str:
        """`pickup:<zone>` or `transfer:<zone>:<zone>`."""
        return (
            f"transfer:{self.origin.zone}:{self.destination.zone}" if self.destination else f"pickup:{self.origin.zone}"
        )

    def label(self, language: str) -> str:
        """What a quote calls it, in English or Arabic."""
        here = getattr(self.origin, f"zone_{language}")
        if self.destination is None:
            with override(language):
                return _("Pickup: {zone}").format(zone=here)
        return f"{here} → {getattr(self.destination, f'zone_{language}')}"

    def quantity(self, guests: int) -> int:
        """How many times its price is charged for so many guests."""
        if self.basis == PickupBasis.PER_PERSON:
            return guests
        return -(-guests // self.vehicle_seats) if self.basis == PickupBasis.PER_VEHICLE else 1

    def converted(self, currency: str, rate: Decimal) -> "Ride":
        return replace(self, amount=round_money(self.amount * rate, currency))

    def as_json(self, starts_at: datetime) -> dict[str, Any]:
        """As a quote keeps it; `at` is when they are fetched."""
        at = starts_at - timedelta(minutes=self.minutes_before)
        shown = {**self.origin.as_json(), "at": at.isoformat(), "minutes_before": self.minutes_before}
        return shown | ({"destination": self.destination.as_json()} if self.destination else {})


def ride_of(
    *,
    tour_id: UUID,
    option_id: UUID,
    pickup: Mapping[str, Any] | None,
    transfer: Mapping[str, Any] | None,
) -> Ride | None:
    """The ride that was asked for; None where none was, and none is needed.

    Raises `PickupNeeded`, `TransferNeeded`, `NoPickup`, `NotATransfer`, `UnknownPickup`, `AddressNotListed`,
    `OutsideTheZones`, `WayNotServed`, `InvalidInput`.
    """
    rule = PickupRule.objects.filter(tour_id=tour_id).first()
    if rule is None:
        if pickup or transfer:
            raise NoPickup if pickup else NotATransfer
        return None
    if rule.kind == PickupKind.TRANSFER:
        if pickup or not transfer:
            raise TransferNeeded
        return _transfer(rule, option_id, transfer)
    if transfer:
        raise NotATransfer
    if not pickup:
        if rule.kind == PickupKind.REQUIRED:
            raise PickupNeeded
        return None
    return _pickup(rule, pickup)


def _pickup(rule: PickupRule, asked: Mapping[str, Any]) -> Ride:
    prices = {price.zone_id: price for price in PickupPrice.objects.filter(tour_id=rule.tour_id, zone__is_active=True)}
    point = _point(rule, asked, list(prices), "pickup_at")
    price = prices[point.zone_id]
    return Ride(
        origin=point,
        basis=price.basis,
        amount=price.amount,
        vehicle_seats=price.vehicle_seats or 1,
        minutes_before=price.minutes_before + point.minutes_earlier,
    )


def _transfer(rule: PickupRule, option_id: UUID, asked: Mapping[str, Any]) -> Ride:
    ways = list(TransferPrice.objects.filter(tour_id=rule.tour_id).order_by("pk"))
    zones = {zone for way in ways for zone in (way.origin_id, way.destination_id)}
    origin = _point(rule, asked.get("origin") or {}, list(zones), "transfer.origin")
    destination = _point(rule, asked.get("destination") or {}, list(zones), "transfer.destination")
    way = _way(ways, option_id, origin.zone_id, destination.zone_id)
    if way is None:
        raise WayNotServed(origin=origin.zone, destination=destination.zone)
    return Ride(
        origin=origin,
        basis=PickupBasis.PER_VEHICLE,
        amount=way.amount,
        vehicle_seats=way.vehicle_seats,
        minutes_before=0,
        destination=destination,
    )


def _way(ways: Sequence[TransferPrice], option_id: UUID, origin: UUID, destination: UUID) -> TransferPrice | None:
    """The price for this vehicle before the one for all, the way itself before the way back."""
    for option in (option_id, None):
        for ends, back in (((origin, destination), False), ((destination, origin), True)):
            for way in ways:
                if (
                    way.option_id == option
                    and (way.origin_id, way.destination_id) == ends
                    and (way.both_ways or not back)
                ):
                    return way
    return None


def _point(rule: PickupRule, asked: Mapping[str, Any], zones: list[UUID], where: str) -> Point:
    if asked.get("place_id"):
        place = (
            PickupPlace.objects.select_related("zone")
            .filter(pk=asked["place_id"], is_active=True, zone__is_active=True, zone_id__in=zones)
            .first()
        )
        if place is None:
            raise UnknownPickup(details={f"{where}.place_id": [str(UnknownPickup.message)]})
        zone = place.zone
        return Point(
            *(zone.pk, zone.code, zone.name_en, zone.name_ar, place.name_en, place.name_ar),
            place_id=place.pk,
            minutes_earlier=place.minutes_earlier,
        )
    text = str(asked.get("text") or "").strip()
    if not rule.allows_unlisted:
        raise AddressNotListed(details={where: [str(AddressNotListed.message)]})
    if not 3 <= len(text) <= 160:
        raise InvalidInput(details={f"{where}.text": [_("Where it is, in 3 to 160 letters.")]})
    zone = _zone_of(asked, PickupZone.objects.filter(pk__in=zones, is_active=True), where)
    return Point(zone.pk, zone.code, zone.name_en, zone.name_ar, text, text)


def _zone_of(asked: Mapping[str, Any], zones: Any, where: str) -> PickupZone:
    if asked.get("zone"):
        zone = zones.filter(code=asked["zone"]).first()
        if zone is None:
            raise UnknownPickup(details={f"{where}.zone": [str(UnknownPickup.message)]})
        return zone
    if asked.get("latitude") is None or asked.get("longitude") is None:
        raise InvalidInput(details={f"{where}.zone": [_("Choose the zone.")]})
    found = nearest(zones, float(asked["latitude"]), float(asked["longitude"]))
    if found is None:
        raise OutsideTheZones
    return found


def nearest(zones: Any, latitude: float, longitude: float) -> PickupZone | None:
    """The zone around this point whose centre is nearest."""
    around = [
        (kilometres(latitude, longitude, float(zone.latitude), float(zone.longitude)), zone)
        for zone in zones
        if zone.radius_km is not None
    ]
    within = [(distance, zone) for distance, zone in around if distance <= float(zone.radius_km)]
    return min(within, key=lambda one: one[0])[1] if within else None


def kilometres(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The distance on the globe."""
    one, other = radians(latitude), radians(other_latitude)
    half = sin((other - one) / 2) ** 2
    half += cos(one) * cos(other) * sin(radians(other_longitude - longitude) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(half))
