"""Holds whose time is over give their seats back, and end the bookings that waited on them.

Done by a job each minute, and at the moment when somebody else needs the seats.
"""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from bookings.models import Booking, BookingItem, BookingStatus, Hold, HoldStatus
from bookings.services.extras import lock_extras
from bookings.services.locks import free_seats, holds_of, lock_all
from ledger.money import amount_text
from notifications.outbox import announce
from tours.caching import seats_changed
from tours.models import Departure

BATCH = 200


def expire_holds() -> int:
    """End every overdue hold of the current tenant; returns how many. Departures that are busy are left for next time."""
    ended, seen = 0, set[UUID]()
    while batch := _departures_with_overdue_holds(seen):
        for departure_id in batch:
            ended += _expire_at(departure_id, skip_locked=True)
        seen.update(batch)
    return ended


def let_go_overdue(departure_id: UUID) -> int:
    """End the overdue holds of one departure, waiting for its lock; returns how many."""
    return _expire_at(departure_id, skip_locked=False)


def let_go_of_extras(departure_id: UUID) -> int:
    """End the overdue holds that keep extras of the departure's tour on any of its departures; busy ones are left."""
    tours = Departure.objects.filter(pk=departure_id).values("tour_id")
    keeping = Hold.objects.overdue().filter(extras_held__stock__extra__tour_id__in=tours)
    ids = set(keeping.values_list("departure_id", flat=True))
    return sum(_expire_at(one, skip_locked=True) for one in sorted(ids))


def _departures_with_overdue_holds(seen: Iterable[UUID]) -> list[UUID]:
    overdue = Hold.objects.overdue().exclude(departure_id__in=list(seen))
    return list(overdue.order_by("departure_id").values_list("departure_id", flat=True).distinct()[:BATCH])


@transaction.atomic
def _expire_at(departure_id: UUID, *, skip_locked: bool) -> int:
    departures = _departures_concerned(departure_id)
    locked = lock_all(Departure.objects.filter(pk__in=departures), skip_locked=skip_locked)
    if len(locked) < len(departures):
        return 0
    overdue = list(
        Hold.objects.select_for_update(of=("self",), no_key=True, skip_locked=skip_locked)
        .overdue()
        .filter(departure_id=departure_id)
        .order_by("pk")
    )
    # Asked only now: under the locks no booking can come or go.
    waiting = Booking.objects.select_for_update(of=("self",), no_key=True).filter(
        pk__in=BookingItem.objects.filter(hold__in=overdue).values("booking_id"), status=BookingStatus.PENDING_PAYMENT
    )
    bookings = list(waiting.order_by("pk"))
    lock_extras([*overdue, *(Hold.objects.filter(items__booking__in=bookings) if bookings else ())])
    ended: set[UUID] = set()
    for booking in bookings:
        ended.update(hold.pk for hold in _end_booking(booking))
    for hold in overdue:
        if hold.pk not in ended:
            _end_hold(hold)
            ended.add(hold.pk)
    return len(ended)


def _departures_concerned(departure_id: UUID) -> set[UUID]:
    """This departure, and the others of bookings that must end with its holds."""
    overdue = Hold.objects.overdue().filter(departure_id=departure_id)
    bookings = BookingItem.objects.filter(hold__in=overdue).values("booking_id")
    others = BookingItem.objects.filter(booking_id__in=bookings, departure__isnull=False)
    return {departure_id, *others.values_list("departure_id", flat=True)}


def _end_booking(booking: Booking) -> list[Hold]:
    holds = [hold for hold in holds_of(booking) if hold.status == HoldStatus.ACTIVE]
    for hold in holds:
        _end_hold(hold)
    booking.move_to(BookingStatus.EXPIRED, reason="hold_over")
    announce("booking.expired", booking, refund=amount_text(booking.amount_kept, booking.currency))
    return holds


def _end_hold(hold: Hold) -> None:
    hold.move_to(HoldStatus.EXPIRED)
    free_seats(hold)
    transaction.on_commit(partial(seats_changed, UUID(hold.quote["tour_id"])))


def warning_time() -> timedelta:
    """How long before its end we tell the customer: 5 minutes, or a third of a short hold."""
    return min(timedelta(minutes=5), settings.HOLD_FOR / 3)


@transaction.atomic
def warn_of_ending_holds() -> int:
    """Announce `hold.ending` once for each booking that must be paid soon; returns how many."""
    soon = Booking.objects.select_for_update(of=("self",), no_key=True, skip_locked=True).filter(
        status=BookingStatus.PENDING_PAYMENT,
        warned_at=None,
        expires_at__gt=now(),
        expires_at__lte=now() + warning_time(),
    )
    bookings = list(soon.order_by("expires_at")[:BATCH])
    for booking in bookings:
        booking.warned_at = now()
        booking.save(update_fields=["warned_at"])
        announce("hold.ending", booking)
    return len(bookings)
