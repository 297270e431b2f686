"""The month at a glance: how many places of each day are sold."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, Sum

from tours.models import Departure, DepartureStatus

SHOWN_AT_MOST = 6  # departures of one day that are named


@dataclass(frozen=True)
class DayTotals:
    """All departures of a day. Places count where the departure is not cancelled."""

    departures: int
    open: int
    full: int
    taken: int
    places: int


def calendar_days(
    first: date, last: date, *, tour_id: UUID | None = None, option_id: UUID | None = None
) -> Mapping[date, DayTotals]:
    """The totals of each day that has departures, by the destination's date. One query, however many there are."""
    found = _departures(first, last, tour_id, option_id)
    running = ~Q(status=DepartureStatus.CANCELLED)
    is_full = Q(status=DepartureStatus.OPEN, capacity__lte=F("seats_held") + F("seats_booked"))
    rows = (
        found.order_by()
        .values("local_date")
        .annotate(
            departures=Count("pk"),
            open=Count("pk", filter=Q(status=DepartureStatus.OPEN)),
            full=Count("pk", filter=is_full),
            taken=Sum(F("seats_held") + F("seats_booked"), filter=running),
            places=Sum("capacity", filter=running),
        )
    )
    return {
        row["local_date"]: DayTotals(row["departures"], row["open"], row["full"], row["taken"] or 0, row["places"] or 0)
        for row in rows
    }


def calendar_departures(
    first: date, last: date, *, tour_id: UUID, option_id: UUID | None = None
) -> dict[date, list[Departure]]:
    """The departures of one tour by day, in their order."""
    found: dict[date, list[Departure]] = defaultdict(list)
    rows = _departures(first, last, tour_id, option_id).select_related("tour__destination", "option")
    for departure in rows.order_by("starts_at", "option__display_order", "pk"):
        found[departure.local_date].append(departure)
    return found


def _departures(first: date, last: date, tour_id: UUID | None, option_id: UUID | None) -> Any:
    found = Departure.objects.filter(tour__deleted_at=None, local_date__range=(first, last))
    if option_id is not None:
        return found.filter(option_id=option_id)
    return found.filter(tour_id=tour_id) if tour_id is not None else found
