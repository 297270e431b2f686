"""Wish lists: saving for later, taking over what was saved before signing in, and sharing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from tours.errors import TourNotFound, WishListFull
from tours.models import PublishedTour, SavedTour, SharedList, Tour

MOST_SAVED = 200  # tours on one list; two calls at once may pass it by one


def save_tour(*, tour_id: UUID, customer_id: UUID, actor: Any) -> tuple[SavedTour, bool]:
    """Put a public tour on the list; returns it and whether it is new there. Raises `TourNotFound`, `WishListFull`."""
    if not Tour.objects.public().filter(pk=tour_id).exists():
        raise TourNotFound
    known = SavedTour.objects.filter(customer_id=customer_id, tour_id=tour_id).first()
    if known is not None:
        return known, False
    _refuse_full(customer_id, 1)
    return SavedTour.objects.get_or_create(customer_id=customer_id, tour_id=tour_id)


def forget_tour(*, tour_id: UUID, customer_id: UUID, actor: Any) -> None:
    """Take a tour off the list; one that is not there stays off."""
    SavedTour.objects.filter(customer_id=customer_id, tour_id=tour_id).delete()


@dataclass(frozen=True)
class Merged:
    added: list[UUID]
    known: list[UUID]
    skipped: list[UUID]


@transaction.atomic
def merge_list(*, tour_ids: Iterable[UUID], customer_id: UUID, actor: Any) -> Merged:
    """Take over what somebody saved before they signed in, in its order, behind what they have. Safe to repeat.

    What is not on sale (any more) is skipped. Raises `WishListFull` and takes nothing when it does not fit.
    """
    wanted = list(dict.fromkeys(tour_ids))
    public = set(Tour.objects.public().filter(pk__in=wanted).values_list("pk", flat=True))
    known = set(SavedTour.objects.filter(customer_id=customer_id, tour_id__in=wanted).values_list("tour_id", flat=True))
    added = [tour_id for tour_id in wanted if tour_id in public - known]
    if added:
        _refuse_full(customer_id, len(added))
    moment = now()
    rows = [
        SavedTour(customer_id=customer_id, tour_id=tour_id, saved_at=moment + timedelta(microseconds=place))
        for place, tour_id in enumerate(added)
    ]
    SavedTour.objects.bulk_create(rows, ignore_conflicts=True)  # saved at the same moment by another call: there it is
    return Merged(
        added,
        [tour_id for tour_id in wanted if tour_id in known],
        [tour_id for tour_id in wanted if tour_id not in public | known],
    )


def share_list(*, customer_id: UUID, actor: Any) -> SharedList:
    """Let whoever has the link see the list from now on; the same link as long as it is shared."""
    shared, _is_new = SharedList.objects.get_or_create(customer_id=customer_id)
    return shared


def stop_sharing(*, customer_id: UUID, actor: Any) -> None:
    """The link ends; the next one is another."""
    SharedList.objects.filter(customer_id=customer_id).delete()


def _refuse_full(customer_id: UUID, more: int) -> None:
    """Only what is on sale counts: nobody has to remove what they cannot see."""
    saved = SavedTour.objects.filter(
        customer_id=customer_id, tour_id__in=PublishedTour.objects.values("tour_id")
    ).count()
    if saved + more > MOST_SAVED:
        raise WishListFull(most=MOST_SAVED)
