"""Putting tours on sale and taking them off."""

from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.audit import record
from tours.models import Tour, TourStatus
from tours.services.facts import lock_tour, settle_tour
from tours.services.planning import apply_operations
from tours.services.states import VERBS, set_status

S = TourStatus


def publish_tour(*, tour_id: UUID, actor: Any) -> Tour:
    """Put the tour on sale. Raises `TourIncomplete` with what is missing, `IllegalMove`, `TourNotFound`. Safe to repeat."""
    return _moved_and_settled(tour_id, S.ACTIVE, actor)


def take_off_sale(*, tour_id: UUID, actor: Any) -> Tour:
    """Hide the tour; what is booked stays booked. Raises `IllegalMove`, `TourNotFound`. Safe to repeat."""
    return _moved_and_settled(tour_id, S.INACTIVE, actor)


def archive_tour(*, tour_id: UUID, actor: Any) -> Tour:
    """Put the tour away without looking first: the change that the preview shows, with all guests kept. Safe to repeat."""
    return _moved_and_settled(tour_id, S.ARCHIVED, actor)


@transaction.atomic
def _moved_and_settled(tour_id: UUID, status: TourStatus, actor: Any) -> Tour:
    move_tour(tour_id=tour_id, status=status, actor=actor)
    return settle_tour(tour_id)


def move_tour(*, tour_id: UUID, status: TourStatus, actor: Any) -> None:
    """The tour in another state. The caller settles the tour afterwards, which refuses an incomplete one.

    Into the archive its departures to come go with it (those with guests are closed and run for them), and out of it the
    schedule asks for them again: a change of the schedule like any other.
    """
    tour = lock_tour(tour_id)
    if tour.status == status:
        return
    if S.ARCHIVED in (tour.status, status):
        apply_operations(operations=[moving(tour_id, status)], actor=actor)
        return
    before = set_status(tour, status)
    record(f"tours.tour.{VERBS[status]}", tour, actor=actor, before={"status": before}, after={"status": str(status)})


def moving(tour_id: UUID, status: TourStatus) -> dict[str, Any]:
    """The operation that brings a tour into a state."""
    return {"op": "tour.move", "tour": str(tour_id), "status": str(status)}
