"""Guests come to a departure: checked in, whole parties or parts, marked as not coming, and taken back.

Each step has an id (`key`) that the client may choose: a step sent again, from a phone that was without reception, is done
once. A booking with a guest who came is IN_PROGRESS; one of which nobody came can be NO_SHOW once it has started.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils.timezone import now

from bookings import wording
from bookings.access import proven_by
from bookings.errors import (
    AlreadyIn,
    BookingNotFound,
    CheckInIdReused,
    CheckInNotFound,
    CheckInNotOpen,
    CheckInUndone,
    DepartureNeeded,
    NobodyMissing,
    NotForCheckIn,
    NotOnDeparture,
    NotStarted,
    TooMany,
    VoucherNotGenuine,
)
from bookings.models import Attendance, Booking, BookingItem, BookingStatus, CheckIn, CheckInAction, CheckInMethod
from bookings.services.attendance import add_step, attendance_of, open_steps, take_back
from bookings.services.bookings import note
from bookings.services.keys import constraint_of
from bookings.services.locks import lock_booking
from bookings.services.progress import mark_no_show
from bookings.services.settlement import take_back_no_show
from config.errors import DomainError
from config.i18n import in_language
from config.tenancy import tenant_id_or_raise
from notifications.outbox import announce
from tours.models import Departure

OPENS_BEFORE = timedelta(hours=12)
# A booking that is over takes what a phone tells late, but its state stays.
LETS_IN = frozenset(
    {BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS, BookingStatus.COMPLETED, BookingStatus.NO_SHOW}
)


@dataclass(frozen=True)
class Outcome:
    """What became of one step of a batch: the step, or why it was refused."""

    key: UUID
    step: CheckIn | None
    refusal: DomainError | None


@transaction.atomic
def check_in(
    *,
    booking_id: UUID,
    actor: Any,
    departure_id: UUID | None = None,
    guests: int | None = None,
    key: UUID | None = None,
    at: datetime | None = None,
    code: str = "",
    reason: str = "",
) -> CheckIn:
    """So many guests of a booking came; without a number all who are missing.

    Who had been marked as not coming and comes after all is simply let in. `at` is when it happened, `code` what the voucher's
    QR code says, if it was scanned. The same `key` again changes nothing and returns the first step. Raises `BookingNotFound`,
    `VoucherNotGenuine`, `NotOnDeparture`, `DepartureNeeded`, `NotForCheckIn`, `CheckInNotOpen`, `AlreadyIn`, `TooMany`,
    `CheckInIdReused`.
    """
    booking = lock_booking(booking_id)
    known = _known(key, booking, CheckInAction.CAME, guests)
    if known is not None:
        return known
    _refuse_foreign_code(code, booking)
    item, departure = _place(booking, departure_id)
    _refuse_unless_lets_in(booking)
    if departure.starts_at - OPENS_BEFORE > now():
        opens = wording.moment_in_words(departure.local_start() - OPENS_BEFORE)
        raise CheckInNotOpen(reference=booking.reference, opens=opens)
    attendance = attendance_of(item)
    possible = attendance.guests - attendance.came
    if possible == 0:
        raise _already_in(attendance, departure)
    wanted = guests if guests is not None else (attendance.missing or possible)
    if wanted > possible:
        raise TooMany(came=attendance.came, guests=attendance.guests, left=possible)
    if booking.status == BookingStatus.NO_SHOW:
        take_back_no_show(booking, actor, "came_after_all")
    if wanted > attendance.missing:
        for absence in open_steps(attendance, CheckInAction.ABSENT):
            take_back(absence, actor=actor, reason="came_after_all")
    step = _written(
        attendance, CheckInAction.CAME, wanted, actor=actor, key=key, at=at, method=_method(code), reason=reason
    )
    if booking.status == BookingStatus.CONFIRMED:
        booking.move_to(BookingStatus.IN_PROGRESS, actor=actor, reason="checked_in")
    _tell(booking, "checked_in", wanted, attendance, actor, reason)
    announce("booking.checked_in", booking, guests=wanted, came=attendance.came)
    return step


@transaction.atomic
def mark_absent(
    *,
    booking_id: UUID,
    actor: Any,
    departure_id: UUID | None = None,
    guests: int | None = None,
    key: UUID | None = None,
    at: datetime | None = None,
    reason: str = "",
) -> CheckIn:
    """So many guests did not come; without a number all who are missing. When nobody came at all, the booking is NO_SHOW.

    Not before the start. The same `key` again changes nothing. Raises `BookingNotFound`, `NotOnDeparture`, `DepartureNeeded`,
    `NotForCheckIn`, `NotStarted`, `NobodyMissing`, `TooMany`, `CheckInIdReused`.
    """
    booking = lock_booking(booking_id)
    known = _known(key, booking, CheckInAction.ABSENT, guests)
    if known is not None:
        return known
    item, departure = _place(booking, departure_id)
    _refuse_unless_lets_in(booking)
    if departure.starts_at > now():
        raise NotStarted(reference=booking.reference)
    attendance = attendance_of(item)
    wanted = attendance.missing if guests is None else guests
    if attendance.missing == 0:
        raise NobodyMissing(reference=booking.reference)
    if wanted > attendance.missing:
        raise TooMany(came=attendance.came, guests=attendance.guests, left=attendance.missing)
    step = _written(attendance, CheckInAction.ABSENT, wanted, actor=actor, key=key, at=at, reason=reason)
    _tell(booking, "marked_absent", wanted, attendance, actor, reason)
    if _nobody_comes(booking) and booking.status in (BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS):
        mark_no_show(booking_id=booking.pk, actor=actor, reason=reason)
    return step


@transaction.atomic
def undo_check_in(
    *,
    booking_id: UUID,
    step: UUID,
    actor: Any,
    key: UUID | None = None,
    at: datetime | None = None,
    reason: str = "",
) -> CheckIn:
    """Take back one step, named by its id. A booking that nobody came for any more is CONFIRMED again, until it must begin.

    The same `key` again changes nothing. Raises `BookingNotFound`, `CheckInNotFound`, `CheckInUndone`, `CheckInIdReused`.
    """
    booking = lock_booking(booking_id)
    known = _known(key, booking, CheckInAction.UNDO, None)
    if known is not None:
        return known
    taken = (
        CheckIn.objects.exclude(action=CheckInAction.UNDO)
        .select_related("attendance__item")
        .filter(key=step, attendance__item__booking=booking)
        .first()
    )
    if taken is None:
        raise CheckInNotFound
    before = CheckIn.objects.filter(undoes=taken).select_related("actor").first()
    if before is not None:
        _item, departure = _place(booking, taken.attendance.item.departure_id)
        raise CheckInUndone(at=_local_time(before.at, departure), by=_name(before))
    undone = _undone(taken, actor=actor, key=key, at=at, reason=reason)
    if taken.action == CheckInAction.ABSENT and booking.status == BookingStatus.NO_SHOW:
        take_back_no_show(booking, actor, reason or "check_in_undone")
    _tell(booking, "check_in_undone", taken.guests, taken.attendance, actor, reason)
    if booking.status == BookingStatus.IN_PROGRESS and booking.begins_by > now() and not _somebody_came(booking):
        booking.move_to(BookingStatus.CONFIRMED, actor=actor, reason="check_in_undone")
    return undone


def take_over_check_ins(*, departure_id: UUID, steps: Sequence[Mapping[str, Any]], actor: Any) -> list[Outcome]:
    """What a phone noted while it was without reception, in its order: each step by itself, done once or refused.

    A step is `{"id", "booking_id", "action": "CAME" | "ABSENT" | "UNDO"}` with what the verbs above take: `guests`, `at`,
    `reason`, `code`, and for UNDO `undoes`. A refusal stops none of the others.
    """
    return [_take_over(departure_id, step, actor) for step in steps]


def _take_over(departure_id: UUID, step: Mapping[str, Any], actor: Any) -> Outcome:
    given = {"booking_id": step["booking_id"], "key": step["id"], "actor": actor}
    given |= {name: step[name] for name in ("at", "reason") if step.get(name)}
    try:
        match step["action"]:
            case CheckInAction.CAME:
                more = {name: step[name] for name in ("guests", "code") if step.get(name)}
                done = check_in(departure_id=departure_id, **given, **more)
            case CheckInAction.ABSENT:
                done = mark_absent(departure_id=departure_id, guests=step.get("guests"), **given)
            case _:
                done = undo_check_in(step=step["undoes"], **given)
    except DomainError as refusal:
        return Outcome(step["id"], None, refusal)
    return Outcome(step["id"], done, None)


# --- What is refused ---


def _known(key: UUID | None, booking: Booking, action: CheckInAction, guests: int | None) -> CheckIn | None:
    """The step that an earlier call with this id made. Raises `CheckInIdReused` where it was another."""
    if key is None:
        return None
    step = CheckIn.objects.filter(key=key).select_related("attendance__item").first()
    if step is None:
        return None
    is_other = step.attendance.item.booking_id != booking.pk or step.action != action
    if is_other or (guests is not None and guests != step.guests):
        raise CheckInIdReused
    return step


def _place(booking: Booking, departure_id: UUID | None) -> tuple[BookingItem, Departure]:
    """The part of the booking that goes on the departure; its only one where none is named."""
    items = booking.items.select_related("departure__tour__destination").order_by("departure_id")
    places = [(item, item.departure) for item in items if item.departure is not None]
    if not places:
        raise BookingNotFound
    if departure_id is None:
        if len(places) > 1:
            named = [str(departure.pk) for _item, departure in places]
            raise DepartureNeeded(reference=booking.reference, details={"departure_id": named})
        return places[0]
    for item, departure in places:
        if departure.pk == departure_id:
            return item, departure
    item, departure = places[0]
    raise NotOnDeparture(
        reference=booking.reference,
        trip=in_language(item, "title"),
        starts=wording.moment_in_words(departure.local_start()),
        details={"departure_id": str(departure.pk)},
    )


def _refuse_unless_lets_in(booking: Booking) -> None:
    if booking.status not in LETS_IN:
        raise NotForCheckIn(reference=booking.reference, status=booking.get_status_display())


def _refuse_foreign_code(code: str, booking: Booking) -> None:
    """A voucher that was scanned is genuine and this booking's. Raises `VoucherNotGenuine`."""
    if not code:
        return
    try:
        proven = proven_by(code)
    except BookingNotFound as fault:
        raise VoucherNotGenuine(reference=booking.reference) from fault
    if proven != (booking.reference, tenant_id_or_raise()):
        raise VoucherNotGenuine(reference=booking.reference)


def _already_in(attendance: Attendance, departure: Departure) -> AlreadyIn:
    came = attendance.steps.filter(action=CheckInAction.CAME, undone_by=None).select_related("actor")
    step = came.order_by("-recorded_at", "-id")[0]
    return AlreadyIn(
        at=_local_time(step.at, departure),
        by=_name(step),
        details={
            "at": step.at.isoformat(),
            "by": _name(step),
            "came": attendance.came,
            "guests": attendance.guests,
            "check_in_id": str(step.key),
        },
    )


def _local_time(moment: datetime, departure: Departure) -> str:
    return wording.time_in_words(moment.astimezone(ZoneInfo(departure.tour.destination.time_zone)))


def _name(step: CheckIn) -> str:
    return step.actor.get_full_name() if step.actor else "–"


def _method(code: str) -> CheckInMethod:
    return CheckInMethod.QR if code else CheckInMethod.NAME


# --- What is written ---


def _written(attendance: Attendance, action: CheckInAction, guests: int, **step: Any) -> CheckIn:
    """The step; two that use one id for different bookings at once meet the unique index."""
    try:
        with transaction.atomic():
            return add_step(attendance, action, guests, **step)
    except IntegrityError as fault:
        if constraint_of(fault) == "check_in_once":
            raise CheckInIdReused from fault
        raise


def _undone(taken: CheckIn, **step: Any) -> CheckIn:
    try:
        with transaction.atomic():
            return take_back(taken, **step)
    except IntegrityError as fault:
        if constraint_of(fault) == "check_in_once":
            raise CheckInIdReused from fault
        raise


def _tell(booking: Booking, action: str, guests: int, attendance: Attendance, actor: Any, reason: str) -> None:
    data = {"guests": guests, "came": attendance.came, "of": attendance.guests}
    note(booking_id=booking.pk, action=action, actor=actor, data=data, reason=reason)


def _somebody_came(booking: Booking) -> bool:
    return Attendance.objects.filter(item__booking=booking, came__gt=0).exists()


def _nobody_comes(booking: Booking) -> bool:
    """Whether of every part of the booking all guests are known not to come."""
    items = booking.items.exclude(departure=None).select_related("attendance")
    return all(hasattr(item, "attendance") and item.attendance.absent == item.attendance.guests for item in items)
