"""How a tour fetches its guests, and what it charges: the rule, its prices by zone, and transfers from zone to zone."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import differences, plain, record
from config.errors import InvalidInput
from tours.limits import Faults, faults_of_pickup_price, faults_of_transfer
from tours.models import PickupPrice, PickupRule, PickupZone, Tour, TourOption, TransferPrice
from tours.services.facts import lock_tour, settle_tour

RULE_FIELDS = ("kind", "allows_unlisted", "change_until_minutes")
PRICE_FIELDS = ("basis", "amount", "vehicle_seats", "minutes_before")
TRANSFER_FIELDS = ("both_ways", "amount", "vehicle_seats")


@transaction.atomic
def set_pickups(*, tour_id: UUID, data: Mapping[str, Any], actor: Any) -> PickupRule:
    """The tour fetches its guests so from now on: `data` holds the rule's columns, and `zones` and `transfers` as lists.

    Zones are named by code, options likewise; a list that is given replaces what was there. Bookings keep the pickup and the
    price that they have. Raises `TourNotFound`, `InvalidInput` (faults by place, as `zones.0.amount`).
    """
    tour = lock_tour(tour_id)
    before = pickups_of(tour)
    rule = PickupRule.objects.filter(tour=tour).first() or PickupRule(tour=tour)
    for name in RULE_FIELDS:
        if name in data:
            setattr(rule, name, data[name])
    _clean(rule, "")
    rule.save()
    zones = {zone.code: zone for zone in PickupZone.objects.all()} if {"zones", "transfers"} & set(data) else {}
    if "zones" in data:
        _write_prices(tour, data["zones"], zones)
    if "transfers" in data:
        _write_transfers(tour, data["transfers"], zones)
    old, new = differences(before, pickups_of(tour))
    if old or new:
        record("tours.pickuprule.set", rule, actor=actor, before=old, after=new)
        settle_tour(tour_id)
    return rule


@transaction.atomic
def drop_pickups(*, tour_id: UUID, actor: Any) -> None:
    """The tour fetches nobody any more. Safe to repeat. Raises `TourNotFound`."""
    tour = lock_tour(tour_id)
    rule = PickupRule.objects.filter(tour=tour).first()
    if rule is None:
        return
    record("tours.pickuprule.deleted", rule, actor=actor, before=pickups_of(tour))
    PickupPrice.objects.filter(tour=tour).delete()
    TransferPrice.objects.filter(tour=tour).delete()
    rule.delete()
    settle_tour(tour_id)


def pickups_of(tour: Tour) -> dict[str, Any]:
    """All of it as plain values, as the audit trail keeps it; empty where the tour fetches nobody."""
    rule = PickupRule.objects.filter(tour=tour).values(*RULE_FIELDS).first()
    prices = PickupPrice.objects.filter(tour=tour).order_by("zone__code")
    ways = TransferPrice.objects.filter(tour=tour).order_by("origin__code", "destination__code", "option__code")
    if rule is None:
        return {}
    found: dict[str, Any] = plain(
        {
            **rule,
            "zones": list(prices.values("zone__code", *PRICE_FIELDS)),
            "transfers": list(ways.values("origin__code", "destination__code", "option__code", *TRANSFER_FIELDS)),
        }
    )
    return found


def _write_prices(tour: Tour, rows: Sequence[Mapping[str, Any]], zones: Mapping[str, PickupZone]) -> None:
    made: list[PickupPrice] = []
    for place, row in enumerate(rows):
        where = f"zones.{place}."
        price = PickupPrice(tour=tour, zone=_zone(zones, row["zone"], f"{where}zone"))
        for name in PRICE_FIELDS:
            if name in row:
                setattr(price, name, row[name])
        _clean(price, where, faults_of_pickup_price(price))
        if price.zone_id in {other.zone_id for other in made}:
            raise InvalidInput(details={f"{where}zone": [_("“{}” stands here twice.").format(row["zone"])]})
        made.append(price)
    PickupPrice.objects.filter(tour=tour).delete()
    PickupPrice.objects.bulk_create(made)


def _write_transfers(tour: Tour, rows: Sequence[Mapping[str, Any]], zones: Mapping[str, PickupZone]) -> None:
    options = {option.code: option for option in TourOption.objects.filter(tour=tour)}
    made: list[TransferPrice] = []
    for place, row in enumerate(rows):
        where = f"transfers.{place}."
        way = TransferPrice(
            tour=tour,
            origin=_zone(zones, row["origin"], f"{where}origin"),
            destination=_zone(zones, row["destination"], f"{where}destination"),
        )
        if row.get("option"):
            if row["option"] not in options:
                raise InvalidInput(details={f"{where}option": [_("There is no “{}”.").format(row["option"])]})
            way.option = options[row["option"]]
        for name in TRANSFER_FIELDS:
            if name in row:
                setattr(way, name, row[name])
        _clean(way, where, faults_of_transfer(way))
        key = (way.option_id, way.origin_id, way.destination_id)
        if key in {(other.option_id, other.origin_id, other.destination_id) for other in made}:
            told = f"{row['origin']} → {row['destination']}"
            raise InvalidInput(details={f"{where}destination": [_("“{}” stands here twice.").format(told)]})
        made.append(way)
    TransferPrice.objects.filter(tour=tour).delete()
    TransferPrice.objects.bulk_create(made)


def _zone(zones: Mapping[str, PickupZone], code: str, where: str) -> PickupZone:
    if code not in zones:
        raise InvalidInput(details={where: [_("There is no “{}”.").format(code)]})
    return zones[code]


def _clean(row: Any, where: str, faults: Faults | None = None) -> None:
    try:
        row.clean_fields(exclude={"tenant", "tour", "zone", "origin", "destination", "option"})
    except ValidationError as refusal:
        faults = {**refusal.message_dict, **(faults or {})}
    if faults:
        raise InvalidInput(details={f"{where}{name}": found for name, found in faults.items()})
