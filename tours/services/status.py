"""Putting tours on sale and taking them off."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from accounts.audit import record
from config.errors import IllegalMove
from tours.models import Tour, TourStatus
from tours.services.facts import lock_tour, settle_tour

S = TourStatus

ALLOWED_MOVES: dict[str, set[str]] = {
    S.DRAFT: {S.ACTIVE, S.ARCHIVED},
    S.ACTIVE: {S.INACTIVE, S.ARCHIVED},
    S.INACTIVE: {S.ACTIVE, S.ARCHIVED},
    S.ARCHIVED: {S.ACTIVE, S.INACTIVE},
}

_VERBS = {S.ACTIVE: "published", S.INACTIVE: "taken_off_sale", S.ARCHIVED: "archived"}


def publish_tour(*, tour_id: UUID, actor: Any) -> Tour:
    """Put the tour on sale. Raises `TourIncomplete` with what is missing, `IllegalMove`, `TourNotFound`. Safe to repeat."""
    return _moved_and_settled(tour_id, S.ACTIVE, actor)


def take_off_sale(*, tour_id: UUID, actor: Any) -> Tour:
    """Hide the tour; what is booked stays booked. Raises `IllegalMove`, `TourNotFound`. Safe to repeat."""
    return _moved_and_settled(tour_id, S.INACTIVE, actor)


def archive_tour(*, tour_id: UUID, actor: Any) -> Tour:
    """Put the tour away: hidden, and no new departures are made. What is booked stays booked. Safe to repeat."""
    return _moved_and_settled(tour_id, S.ARCHIVED, actor)


@transaction.atomic
def _moved_and_settled(tour_id: UUID, status: TourStatus, actor: Any) -> Tour:
    move_tour(tour_id=tour_id, status=status, actor=actor)
    return settle_tour(tour_id)


def move_tour(*, tour_id: UUID, status: TourStatus, actor: Any) -> None:
    """The only line that changes a tour's status. The caller settles the tour afterwards, which refuses an incomplete one."""
    tour = lock_tour(tour_id)
    if tour.status == status:
        return
    if status not in ALLOWED_MOVES[tour.status]:
        raise IllegalMove(what=tour, current=tour.get_status_display(), wanted=TourStatus(status).label)
    before, tour.status = tour.status, status
    if status == S.ACTIVE and tour.published_at is None:
        tour.published_at = now()
    tour.save(update_fields=["status", "published_at", "updated_at"])
    record(f"tours.tour.{_VERBS[status]}", tour, actor=actor, before={"status": before}, after={"status": str(status)})
