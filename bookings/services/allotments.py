"""Places kept for partners: given to departures, used by the partner's holds, released in time.

Under the lock of the departure; `move_seats` keeps `seats_allotted` within the capacity and the pool.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from bookings.models import Allotment, AllottedPlaces, Partner
from bookings.services.locks import lock_departure, places_to_take
from tours.caching import seats_changed
from tours.models import Departure, DepartureStatus
from tours.services.seats import move_seats


def release_moment(departure: Departure, allotment: Allotment) -> datetime:
    return departure.starts_at - timedelta(days=allotment.release_days)


def arrange_allotments(*, allotment_ids: Iterable[UUID] | None = None, option_ids: Iterable[UUID] | None = None) -> int:
    """Give departures to come the places that allotments ask for, as far as there are any left; returns how many changed.

    Of all allotments, of some, or of some options. Safe to repeat: what could not be had is tried again each time, and what
    an allotment does not ask for any more is given back but for what is used.
    """
    allotments = Allotment.objects.select_related("option")
    if allotment_ids is not None:
        allotments = allotments.filter(pk__in=list(allotment_ids))
    if option_ids is not None:
        allotments = allotments.filter(option_id__in=list(option_ids))
    changed = 0
    for allotment in allotments.order_by("created_at", "pk"):
        for departure_id in _departures_concerned(allotment):
            changed += _arrange(allotment, departure_id)
    return changed


def _departures_concerned(allotment: Allotment) -> list[UUID]:
    wanted = Q(allotted__allotment=allotment)
    if allotment.is_active:
        wanted |= Q(
            option_id=allotment.option_id,
            local_date__range=(allotment.first_day, allotment.last_day),
            local_date__iso_week_day__in=allotment.weekdays,
        )
    coming = Departure.objects.upcoming().exclude(status=DepartureStatus.CANCELLED).filter(wanted)
    return list(coming.order_by("pk").values_list("pk", flat=True).distinct())


@transaction.atomic
def _arrange(allotment: Allotment, departure_id: UUID) -> bool:
    departure = lock_departure(departure_id)
    row = AllottedPlaces.objects.filter(partner_id=allotment.partner_id, departure=departure).first()
    if row is not None and (row.allotment_id != allotment.pk or row.released_at is not None):
        return False  # another allotment of the partner was first, or the time is over
    wanted = _wanted(allotment, departure)
    have = row.places if row else 0
    if wanted > have:
        wanted = have + min(wanted - have, places_to_take(departure))
    elif row is not None:
        wanted = max(wanted, row.used)
    if wanted == have:
        return False
    if row is None:
        row = AllottedPlaces(allotment=allotment, partner_id=allotment.partner_id, departure=departure, places=0)
    row.places = wanted
    if wanted == 0:
        row.delete()
    else:
        row.save()
    move_seats(departure.pk, allotted=wanted - have)
    transaction.on_commit(partial(seats_changed, departure.tour_id))
    return True


def _wanted(allotment: Allotment, departure: Departure) -> int:
    fits = (
        allotment.is_active
        and departure.option_id == allotment.option_id
        and allotment.first_day <= departure.local_date <= allotment.last_day
        and departure.local_date.isoweekday() in allotment.weekdays
        and release_moment(departure, allotment) > now()
    )
    return allotment.places if fits else 0


def release_allotments() -> int:
    """Put on sale what partners did not use by their time; returns on how many departures. Safe to repeat."""
    open_rows = AllottedPlaces.objects.filter(released_at=None, departure__starts_at__lte=now() + timedelta(days=366))
    due = [
        (row.pk, row.departure_id)
        for row in open_rows.select_related("departure", "allotment").order_by("departure_id", "pk")
        if release_moment(row.departure, row.allotment) <= now()
    ]
    return sum(_release(row_id, departure_id) for row_id, departure_id in due)


@transaction.atomic
def _release(row_id: UUID, departure_id: UUID) -> bool:
    departure = lock_departure(departure_id)
    row = AllottedPlaces.objects.get(pk=row_id)
    if row.released_at is not None:
        return False
    left, row.released_at = row.left, now()
    row.save(update_fields=["released_at"])
    if left:
        move_seats(departure.pk, allotted=-left)
        transaction.on_commit(partial(seats_changed, departure.tour_id))
    return True


def allotted_places_of(partner: Partner, *, first: Any = None, last: Any = None) -> Any:
    """What a partner has on departures to come, in order of time."""
    rows = AllottedPlaces.objects.filter(partner=partner, departure__starts_at__gt=now())
    if first is not None:
        rows = rows.filter(departure__local_date__gte=first)
    if last is not None:
        rows = rows.filter(departure__local_date__lte=last)
    return rows.select_related("departure__tour__destination", "departure__option", "allotment").order_by(
        "departure__starts_at", "pk"
    )
