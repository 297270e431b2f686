"""Pickup zones with their places."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model, ProtectedError
from django.utils.translation import gettext as _

from accounts.audit import differences, record, snapshot
from config.errors import InvalidInput, NotFound
from tours.errors import ZoneCodeTaken, ZoneInUse
from tours.limits import faults_of_zone
from tours.models import PickupPlace, PickupZone

MOST_PLACES = 500  # of one zone


@transaction.atomic
def create_zone(*, data: Mapping[str, Any], actor: Any) -> PickupZone:
    """A new zone. `data` holds its columns and, optionally, `places`. Raises `ZoneCodeTaken`, `InvalidInput`."""
    zone = PickupZone()
    _fill(zone, data)
    with _code_named(zone):
        zone.save(force_insert=True)
    _write_places(zone, data.get("places", ()))
    record("tours.pickupzone.added", zone, actor=actor, after=_whole(zone))
    return zone


@transaction.atomic
def change_zone(*, zone_id: UUID, data: Mapping[str, Any], actor: Any) -> PickupZone:
    """Change what `data` names; `places`, where they are given, replace those that were there, by their English name.

    Raises `NotFound`, `ZoneCodeTaken`, `InvalidInput`.
    """
    zone = _locked(zone_id)
    before = _whole(zone)
    _fill(zone, data)
    with _code_named(zone):
        zone.save()
    if "places" in data:
        _write_places(zone, data["places"])
    old, new = differences(before, _whole(zone))
    if old or new:
        record("tours.pickupzone.changed", zone, actor=actor, before=old, after=new)
    return zone


@transaction.atomic
def delete_zone(*, zone_id: UUID, actor: Any) -> None:
    """Take a zone away that no tour has a price for. Raises `NotFound`, `ZoneInUse`."""
    zone = _locked(zone_id)
    record("tours.pickupzone.deleted", zone, actor=actor, before=_whole(zone))
    try:
        zone.delete()
    except ProtectedError as fault:
        raise ZoneInUse(zone=zone) from fault


def _locked(zone_id: UUID) -> PickupZone:
    zone = PickupZone.objects.select_for_update().filter(pk=zone_id).first()
    if zone is None:
        raise NotFound
    return zone


def _fill(zone: PickupZone, data: Mapping[str, Any]) -> None:
    for name, value in data.items():
        if name != "places":
            setattr(zone, name, value)
    _clean(zone, "")
    faults = faults_of_zone(zone)
    if faults:
        raise InvalidInput(details=dict(faults))


def _write_places(zone: PickupZone, rows: Sequence[Mapping[str, Any]]) -> None:
    if len(rows) > MOST_PLACES:
        raise InvalidInput(details={"places": [_("At most {most} places.").format(most=MOST_PLACES)]})
    known = {place.name_en: place for place in PickupPlace.objects.filter(zone=zone)}
    names = [row["name_en"] for row in rows]
    PickupPlace.objects.filter(zone=zone).exclude(name_en__in=names).delete()
    for number, row in enumerate(rows):
        if row["name_en"] in names[:number]:
            told = _("“{}” stands here twice.").format(row["name_en"])
            raise InvalidInput(details={f"places.{number}.name_en": [told]})
        place = known.get(row["name_en"]) or PickupPlace(zone=zone)
        before = snapshot(place)
        for name, value in row.items():
            setattr(place, name, value)
        _clean(place, f"places.{number}.")
        if place._state.adding or snapshot(place) != before:
            place.save()


def _clean(row: Model, where: str) -> None:
    try:
        row.clean_fields(exclude={"tenant", "zone"})
    except ValidationError as refusal:
        raise InvalidInput(
            details={f"{where}{name}": found for name, found in refusal.message_dict.items()}
        ) from refusal


def _whole(zone: PickupZone) -> dict[str, Any]:
    """The zone with its places, as the audit trail keeps it."""
    places = PickupPlace.objects.filter(zone=zone).order_by("name_en")
    rows = places.values("name_en", "name_ar", "address", "minutes_earlier", "is_active")
    return snapshot(zone) | {"places": {row["name_en"]: row for row in rows}}


@contextmanager
def _code_named(zone: PickupZone) -> Any:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as fault:
        if getattr(getattr(fault.__cause__, "diag", None), "constraint_name", "") != "pickup_zone_once":
            raise
        raise ZoneCodeTaken(code=zone.code, details={"code": [zone.code]}) from fault
