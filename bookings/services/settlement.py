"""What money does to a booking. `payments` owns the money and tells its sums here; nobody else writes these columns."""

from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from bookings.errors import DepartureClosed, ReasonRequired, SeatsUnavailable
from bookings.models import Booking, BookingStatus, Hold, HoldStatus, Partner, PaymentState
from bookings.partners import partner_of
from bookings.services.allotted import allotted_to, use_allotted
from bookings.services.attendance import forget_absences
from bookings.services.dues import write_due
from bookings.services.expiry import let_go_overdue
from bookings.services.extras import lock_extras, win_extras_again
from bookings.services.locks import holds_of, lock_booking, places_to_take
from bookings.services.revenue import follow_revenue
from ledger.money import amount_text
from notifications.outbox import announce
from tours.caching import seats_changed
from tours.errors import ExtraSoldOut
from tours.models import Departure, DepartureStatus
from tours.services.seats import move_seats


class Settlement(StrEnum):
    """What became of the booking. With the last two, `payments` gives the money back at once."""

    CONFIRMED = "CONFIRMED"
    PARTLY_PAID = "PARTLY_PAID"
    UNCHANGED = "UNCHANGED"
    SEATS_GONE = "SEATS_GONE"
    BOOKING_ENDED = "BOOKING_ENDED"


@transaction.atomic
def record_payment(*, booking_id: UUID, paid: Decimal, refunded: Decimal, actor: Any = None) -> Settlement:
    """Take over the sums of a booking's payments (major units of its currency; all that was ever paid and given back).

    The caller holds `lock_booking`. Once fully paid, or once its deposit is, a waiting booking is confirmed; an expired one
    wins its seats again if there are any (`SEATS_GONE` if not) and becomes REFUNDED when everything went back. Told the same
    sums again, it changes nothing. Raises `BookingNotFound`.
    """
    booking = lock_booking(booking_id)
    is_news = paid > booking.amount_paid
    booking.amount_paid, booking.amount_refunded = paid, refunded
    booking.payment_status = payment_state(booking.total, paid, refunded)
    booking.save(update_fields=["amount_paid", "amount_refunded", "payment_status"])
    outcome = _settle(booking, is_news, actor)
    follow_revenue(booking, actor)
    return outcome


@transaction.atomic
def record_failed_attempt(*, booking_id: UUID) -> None:
    """An attempt to pay failed: a booking for which nothing was paid says so until the next attempt succeeds."""
    booking = lock_booking(booking_id)
    if booking.payment_status == PaymentState.UNPAID:
        booking.payment_status = PaymentState.FAILED
        booking.save(update_fields=["payment_status"])


def payment_state(total: Decimal, paid: Decimal, refunded: Decimal) -> PaymentState:
    """The payment status that these sums mean."""
    if paid - refunded >= total:
        return PaymentState.PAID
    if paid == 0:
        return PaymentState.UNPAID
    if refunded >= paid:
        return PaymentState.REFUNDED
    return PaymentState.PARTIALLY_REFUNDED if refunded else PaymentState.PARTIALLY_PAID


def _settle(booking: Booking, is_news: bool, actor: Any) -> Settlement:
    is_covered = booking.amount_kept >= booking.total
    is_enough = is_covered or booking.has_deposit
    match booking.status:
        case BookingStatus.PENDING_PAYMENT:
            if is_enough:
                _confirm(booking, holds_of(booking), actor, "paid" if is_covered else "deposit_paid")
                return Settlement.CONFIRMED
            return Settlement.PARTLY_PAID if is_news else Settlement.UNCHANGED
        case BookingStatus.EXPIRED:
            return _settle_late(booking, is_news and is_enough, is_news, actor)
        case BookingStatus.CANCELLED | BookingStatus.REFUNDED:
            return Settlement.BOOKING_ENDED if is_news else Settlement.UNCHANGED
        case _:
            if not is_news:
                return Settlement.UNCHANGED
            return Settlement.CONFIRMED if is_covered else Settlement.PARTLY_PAID


def _settle_late(booking: Booking, may_win: bool, is_news: bool, actor: Any) -> Settlement:
    if may_win:
        holds = holds_of(booking)
        if not _lost_seats(holds, booking):
            _confirm(booking, holds, actor, "paid_late")
            return Settlement.CONFIRMED
        return Settlement.SEATS_GONE
    if booking.amount_paid > 0 and booking.amount_refunded >= booking.amount_paid:
        booking.move_to(BookingStatus.REFUNDED, actor=actor, reason="given_back")
        announce("booking.refunded", booking)
    return Settlement.BOOKING_ENDED if is_news else Settlement.UNCHANGED


def _lost_seats(holds: list[Hold], booking: Booking) -> SeatsUnavailable | DepartureClosed | ExtraSoldOut | None:
    """Why the seats of ended holds cannot be taken again, or nothing; their extras are taken by then. The departures are locked.

    The cut-off does not count: the seats were asked for in time. A partner has its own places to take them from as well.
    """
    partner = _partner_of(booking, holds)
    for hold in holds:
        if hold.status == HoldStatus.ACTIVE:
            continue
        let_go_overdue(hold.departure_id)
        departure = Departure.objects.get(pk=hold.departure_id)
        if departure.status != DepartureStatus.OPEN or departure.is_over:
            return DepartureClosed()
        own = allotted_to(partner, departure.pk)
        left = places_to_take(departure) + (own.left if own else 0)
        if left < hold.seats:
            return SeatsUnavailable(left=left, asked=hold.seats)
    return _lost_extras(holds)


def _partner_of(booking: Booking, holds: list[Hold]) -> Partner | None:
    """For whom a booking took its seats; asked only where some must be won again."""
    return partner_of(booking.agent or booking.customer) if any(h.status != HoldStatus.ACTIVE for h in holds) else None


def _lost_extras(holds: list[Hold]) -> ExtraSoldOut | None:
    """Win the stocked extras of ended holds again; where one is sold out, none is taken."""
    lock_extras(holds)
    try:
        with transaction.atomic():
            for hold in holds:
                if hold.status != HoldStatus.ACTIVE:
                    win_extras_again(hold)
    except ExtraSoldOut as refusal:
        return refusal
    return None


def _confirm(booking: Booking, holds: list[Hold], actor: Any, reason: str) -> None:
    """Seats move from held to booked, or are taken anew where the hold had ended; the booking is CONFIRMED."""
    partner = _partner_of(booking, holds)
    for hold in holds:
        held, taken = -hold.seats, 0
        if hold.status != HoldStatus.ACTIVE:
            held, taken = 0, use_allotted(hold, allotted_to(partner, hold.departure_id))
            hold.save(update_fields=["allotted_from", "allotted_seats"])
        hold.move_to(HoldStatus.CONVERTED)
        move_seats(hold.departure_id, held=held, booked=hold.seats, allotted=-taken)
        transaction.on_commit(partial(seats_changed, UUID(hold.quote["tour_id"])))
    booking.confirmed_at, booking.expires_at = now(), None
    booking.save(update_fields=["confirmed_at", "expires_at"])
    booking.move_to(BookingStatus.CONFIRMED, actor=actor, reason=reason)
    announce("booking.confirmed", booking, paid=amount_text(booking.amount_kept, booking.currency))


@transaction.atomic
def confirm_booking(*, booking_id: UUID, actor: Any, reason: str) -> Booking:
    """Confirm without payment: staff's word, with a reason; what no deposit asks for earlier is due on the day. Safe to repeat.

    Callers check `bookings.confirm`. Raises `BookingNotFound`, `ReasonRequired`, `IllegalMove`, and for a booking whose hold
    ended `SeatsUnavailable`, `DepartureClosed`.
    """
    booking = lock_booking(booking_id)
    if booking.status == BookingStatus.CONFIRMED:
        return booking
    if not reason.strip():
        raise ReasonRequired
    booking.refuse_move(BookingStatus.CONFIRMED)
    if booking.status == BookingStatus.NO_SHOW:
        forget_absences(booking, actor=actor, reason=reason)
        return take_back_no_show(booking, actor, reason)
    holds = holds_of(booking)
    lost = _lost_seats(holds, booking)
    if lost is not None:
        raise lost
    _confirm(booking, holds, actor, reason)
    _give_debt_its_day(booking)
    return booking


def take_back_no_show(booking: Booking, actor: Any, reason: str) -> Booking:
    """They came after all, or it was a mistake: CONFIRMED again. The caller holds the lock."""
    booking.move_to(BookingStatus.CONFIRMED, actor=actor, reason=reason)
    _give_debt_its_day(booking)
    follow_revenue(booking, actor)
    return booking


def _give_debt_its_day(booking: Booking) -> None:
    """What staff take as it is, and no deposit asks for earlier, is due when the trip begins."""
    if booking.amount_due and booking.balance_due_at is None:
        booking.save(update_fields=write_due(booking, on_the_day=True))


@transaction.atomic
def settle_free_booking(*, booking_id: UUID) -> None:
    """A booking that costs nothing has nothing to wait for."""
    record_payment(booking_id=booking_id, paid=Decimal(0), refunded=Decimal(0))
