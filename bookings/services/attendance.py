"""The rows of a check-in: steps and the counters they make. Callers hold the booking's lock and move its state."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.timezone import now

from bookings.models import Attendance, Booking, BookingItem, CheckIn, CheckInAction, CheckInMethod
from config.ids import uuid7


def attendance_of(item: BookingItem) -> Attendance:
    """The counters of an item, made at its first step."""
    found, _made = Attendance.objects.get_or_create(item=item, defaults={"guests": max(sum(item.party.values()), 1)})
    return found


def open_steps(attendance: Attendance, action: CheckInAction) -> list[CheckIn]:
    """The steps of a kind that were not taken back, the latest first."""
    return list(attendance.steps.filter(action=action, undone_by=None).order_by("-recorded_at", "-id"))


def add_step(
    attendance: Attendance,
    action: CheckInAction,
    guests: int,
    *,
    actor: Any,
    key: UUID | None = None,
    at: datetime | None = None,
    method: str = CheckInMethod.NAME,
    reason: str = "",
) -> CheckIn:
    """So many came, or will not come. The counter is added to in SQL, under the CHECK."""
    counter = "came" if action == CheckInAction.CAME else "absent"
    Attendance.objects.filter(pk=attendance.pk).update(**{counter: F(counter) + guests})
    attendance.refresh_from_db(fields=["came", "absent"])
    return CheckIn.objects.create(
        key=key or uuid7(),
        attendance=attendance,
        action=action,
        guests=guests,
        at=_not_later_than_now(at),
        actor_id=actor.pk if actor else None,
        method=method,
        reason=reason[:500],
    )


def take_back(
    step: CheckIn, *, actor: Any, key: UUID | None = None, at: datetime | None = None, reason: str = ""
) -> CheckIn:
    """Undo a step: a step of its own, and the counter as before."""
    attendance = step.attendance
    counter = "came" if step.action == CheckInAction.CAME else "absent"
    Attendance.objects.filter(pk=attendance.pk).update(**{counter: F(counter) - step.guests})
    attendance.refresh_from_db(fields=["came", "absent"])
    return CheckIn.objects.create(
        key=key or uuid7(),
        attendance=attendance,
        action=CheckInAction.UNDO,
        guests=step.guests,
        at=_not_later_than_now(at),
        actor_id=actor.pk if actor else None,
        reason=reason[:500],
        undoes=step,
    )


def forget_absences(booking: Booking, *, actor: Any, reason: str) -> None:
    """Nobody of the party is marked as not coming any more."""
    absent = CheckIn.objects.filter(attendance__item__booking=booking, action=CheckInAction.ABSENT, undone_by=None)
    for step in absent.select_related("attendance"):
        take_back(step, actor=actor, reason=reason)


def came_of(booking: Booking) -> tuple[int, int]:
    """How many of how many guests came, over all departures of the booking."""
    came = sum(Attendance.objects.filter(item__booking=booking).values_list("came", flat=True))
    return came, booking.guests


def _not_later_than_now(at: datetime | None) -> datetime:
    """The clocks of phones are wrong at times: what they tell is kept, but nothing happens in the future."""
    present = now()
    return min(at, present) if at else present
