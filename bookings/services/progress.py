"""Time passes: trips start and end, and people do not come."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from bookings.errors import NotStarted, SomeCame
from bookings.models import Booking, BookingStatus
from bookings.services.attendance import came_of
from bookings.services.locks import lock_booking
from bookings.services.revenue import follow_revenue
from notifications.outbox import announce

BATCH = 500


def progress_bookings() -> int:
    """CONFIRMED bookings whose trip has begun become IN_PROGRESS, those whose trip is over COMPLETED; returns how many moved.

    By opening hours a trip begins when its guests come (`check_in`), not when the doors open.
    """
    moved = 0
    running = Booking.objects.filter(status=BookingStatus.CONFIRMED, starts_at__lte=now(), ends_at__gt=now())
    for booking_id in _ids(running.exclude(quote__any_time=True)):
        moved += _start(booking_id)
    over = Booking.objects.filter(
        status__in=[BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS], starts_at__lte=now(), ends_at__lte=now()
    )
    for booking_id in _ids(over):
        moved += _complete(booking_id)
    return moved


def _ids(bookings: Any) -> list[UUID]:
    return list(bookings.order_by("starts_at").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _start(booking_id: UUID) -> bool:
    booking = lock_booking(booking_id)
    if booking.status != BookingStatus.CONFIRMED:
        return False
    booking.move_to(BookingStatus.IN_PROGRESS, reason="started")
    return True


@transaction.atomic
def _complete(booking_id: UUID) -> bool:
    booking = lock_booking(booking_id)
    if booking.status not in (BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS):
        return False
    booking.move_to(BookingStatus.COMPLETED, reason="over")
    follow_revenue(booking)
    announce("booking.completed", booking)
    return True


@transaction.atomic
def mark_no_show(*, booking_id: UUID, actor: Any, reason: str = "") -> Booking:
    """The party did not come. The money is kept. Safe to repeat; `confirm_booking` takes it back.

    Raises `BookingNotFound`, `NotStarted`, `SomeCame`, `IllegalMove`.
    """
    booking = lock_booking(booking_id)
    if booking.status == BookingStatus.NO_SHOW:
        return booking
    booking.refuse_move(BookingStatus.NO_SHOW)
    if booking.starts_at > now():
        raise NotStarted(reference=booking.reference)
    came, guests = came_of(booking)
    if came:
        raise SomeCame(came=came, guests=guests, reference=booking.reference)
    booking.move_to(BookingStatus.NO_SHOW, actor=actor, reason=reason)
    follow_revenue(booking, actor)
    return booking
