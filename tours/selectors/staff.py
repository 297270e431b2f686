"""What staff read: tours and departures in every state."""

from datetime import date
from typing import Any
from uuid import UUID

import orjson
from django.db.models import OuterRef, Q, Subquery
from django.utils.timezone import now

from tours.documents import document
from tours.models import Departure, Tour
from tours.models.schedule import A_DAY
from tours.selectors.detail import any_tour


def preview(given: str, language: str) -> bytes:
    """The page of a tour that is not public, with its status; nothing of it can be booked. Raises `TourNotFound`."""
    tour = any_tour(given)
    return orjson.dumps(document(tour, language) | {"status": tour.status, "next_departure": None})


def tours_for_staff() -> Any:
    """All tours but the deleted ones, with the next start that is not cancelled, last changed first."""
    coming = Departure.objects.upcoming().exclude(status="CANCELLED").filter(tour_id=OuterRef("pk"))
    return (
        Tour.objects.alive()
        .select_related("destination", "category")
        .annotate(next_departure=Subquery(coming.order_by("starts_at").values("starts_at")[:1]))
        .order_by("-updated_at", "pk")
    )


def coming_departures(tour_id: UUID, *, since: date | None = None, most: int = 12) -> list[Departure]:
    """What of a tour can still be sold from a local day on, sold out or not, in order of time. For the desk."""
    coming = Departure.objects.filter(
        Q(opens_at=None) | Q(opens_at__lte=now()),
        tour_id=tour_id,
        status="OPEN",
        starts_at__gt=now() - A_DAY,
        cutoff_at__gt=now(),
        tour__deleted_at=None,
    )
    if since is not None:
        coming = coming.filter(local_date__gte=since)
    return list(coming.select_related("tour__destination", "option").order_by("starts_at", "pk")[:most])


def departures_for_staff() -> Any:
    """All departures of tours that are not deleted, in order of time."""
    return (
        Departure.objects.filter(tour__deleted_at=None)
        .select_related("tour__destination", "option")
        .order_by("starts_at", "pk")
    )
