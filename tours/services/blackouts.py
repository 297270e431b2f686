"""Blackouts by callers who look at no page: what concerns guests is done only once its preview was seen."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from tours.errors import GuestsConcerned
from tours.models import Blackout
from tours.services.operations import Operation, written
from tours.services.planning import Replan, apply_operations, look


def add_blackout(*, data: Mapping[str, Any], actor: Any, fingerprint: str = "") -> tuple[Blackout, Replan]:
    """Nothing is planned on these days any more. Raises `GuestsConcerned`, `PlanStale`, `InvalidInput`, `TourNotFound`."""
    replan = _done({"op": "blackout.add", "data": written(data)}, actor, fingerprint)
    return Blackout.objects.get(pk=replan.done[0].subject.pk), replan


def change_blackout(
    *, blackout_id: UUID, data: Mapping[str, Any], actor: Any, fingerprint: str = ""
) -> tuple[Blackout, Replan]:
    """Other days, another place, another reason. Raises as `add_blackout`, and `NotFound`."""
    operation = {"op": "blackout.change", "blackout": str(blackout_id), "data": written(data)}
    replan = _done(operation, actor, fingerprint)
    return Blackout.objects.get(pk=blackout_id), replan


def lift_blackout(*, blackout_id: UUID, actor: Any) -> Replan:
    """The schedule asks for these days again. Raises `NotFound`."""
    return _done({"op": "blackout.delete", "blackout": str(blackout_id)}, actor, "")


@transaction.atomic
def _done(operation: Operation, actor: Any, fingerprint: str) -> Replan:
    """With guests on departures that go, `fingerprint` says that they were seen: the departures are closed and run for them."""
    seen = look([operation])
    if seen.sold and not fingerprint:
        seats = sum(row.seats_held + row.seats_booked for row in seen.sold)
        told = {"departures": len(seen.sold), "seats": seats, "fingerprint": seen.fingerprint}
        raise GuestsConcerned(departures=len(seen.sold), details=told)
    return apply_operations(operations=[operation], actor=actor, fingerprint=fingerprint or seen.fingerprint)
