"""Ending a booking by wish, and what comes back.

The policy that counts is the one frozen on the booking; its hours count back from the start, by opening hours from the
closing of the day (`Booking.begins_by`). Before confirmation nothing was agreed, so everything paid comes
back; afterwards the policy's share of the price does, as far as it was paid. Each line of a refund names its rule.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from bookings.errors import AlreadyStarted, OverrideNotAllowed, ReasonRequired, RefundChanged
from bookings.models import Booking, BookingStatus, HoldStatus
from bookings.services.extras import lock_extras
from bookings.services.locks import free_seats, holds_of, lock_booking
from bookings.services.revenue import earn_fee
from config.errors import InvalidInput
from ledger.money import amount_text, round_money
from notifications.outbox import announce
from tours.caching import seats_changed

NOT_CONFIRMED = "not_confirmed"
STAFF_OVERRIDE = "staff_override"
OPERATOR = "operator"


def cancellation_terms(
    booking: Booking,
    at: datetime | None = None,
    refund_percent: Decimal | None = None,
    override: str = STAFF_OVERRIDE,
) -> dict:
    """What cancelling at a time (now) brings back, as it is shown, and stored when it happens.

    `{"percent", "paid", "fee", "refund", "currency", "rule", "lines": [{"code", "rule", "amount", …}]}`, amounts as text.
    `refund_percent` is staff's word against the policy (`override` names the rule). Lines add up to the refund.
    """
    percent, rule, hours = _share(booking, at or now(), refund_percent, override)
    paid = max(min(booking.amount_kept, booking.total), Decimal(0))  # what is beyond it goes back anyhow
    kept_by_rule = booking.total - round_money(booking.total * percent / 100, booking.currency)
    fee = min(kept_by_rule, paid)
    lines = [
        {"code": "paid", "rule": "payments", "amount": amount_text(paid, booking.currency)},
        {
            "code": "fee",
            "rule": rule,
            "hours_before": hours,
            **({"before_closing": True} if booking.is_any_time else {}),
            "percent_kept": _plain(100 - percent),
            "amount": amount_text(-fee if fee else fee, booking.currency),
        },
    ]
    return {
        "percent": _plain(percent),
        "rule": rule,
        "paid": amount_text(paid, booking.currency),
        "fee": amount_text(fee, booking.currency),
        "refund": amount_text(paid - fee, booking.currency),
        "currency": booking.currency,
        "lines": lines,
    }


def refuse_unless_cancellable(booking: Booking) -> None:
    """Raises `IllegalMove` for what has ended or runs, `AlreadyStarted` for what has just started (by opening hours: closed)."""
    booking.refuse_move(BookingStatus.CANCELLED)
    if booking.begins_by <= now():
        raise AlreadyStarted(reference=booking.reference)


def _share(
    booking: Booking, at: datetime, refund_percent: Decimal | None, override: str
) -> tuple[Decimal, str, int | None]:
    """Percent that comes back, the rule that says so, and the hours of its tier."""
    if refund_percent is not None:
        return refund_percent, override, None
    if booking.status in (BookingStatus.DRAFT, BookingStatus.PENDING_PAYMENT):
        return Decimal(100), NOT_CONFIRMED, None
    tier = tier_at(booking.policy, booking.begins_by, at)
    if tier is None:
        return Decimal(0), "policy:none", None
    return Decimal(tier["refund_percent"]), f"policy:{tier['hours_before']}h", tier["hours_before"]


def tier_at(policy: Mapping[str, Any], begins_by: datetime, at: datetime) -> Mapping[str, Any] | None:
    """The tier of a frozen policy that counts at a time: the one with the most hours that are still left."""
    left = begins_by - at
    reached = [
        tier for tier in policy.get("tiers", []) if timedelta(0) <= timedelta(hours=tier["hours_before"]) <= left
    ]
    return max(reached, key=lambda tier: tier["hours_before"], default=None)


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")


@transaction.atomic
def cancel_booking(
    *,
    booking_id: UUID,
    actor: Any,
    reason: str = "",
    refund_percent: Decimal | None = None,
    expected_refund: Decimal | None = None,
) -> Booking:
    """End the booking, free its seats, keep the fee, and let `payments` give the rest back (`booking.cancelled`).

    With `expected_refund`, what the caller was shown, another refund is refused. `refund_percent` (0 to 100) goes against the
    policy: it needs a reason and `bookings.override_policy`. A booking cancelled already stays as it is.
    Raises `BookingNotFound`, `IllegalMove`, `AlreadyStarted`, `OverrideNotAllowed`, `ReasonRequired`, `RefundChanged`.
    """
    booking = lock_booking(booking_id)
    if booking.status == BookingStatus.CANCELLED and refund_percent is None:
        return booking
    refuse_unless_cancellable(booking)
    _refuse_override(actor, reason, refund_percent)
    terms = cancellation_terms(booking, refund_percent=refund_percent)
    if expected_refund is not None and expected_refund != Decimal(terms["refund"]):
        raise RefundChanged(refund=terms["refund"], currency=terms["currency"])
    return _end(booking, terms, actor, reason)


@transaction.atomic
def cancel_for_the_operator(*, booking_id: UUID, actor: Any, reason: str) -> Booking:
    """End a booking because of us: everything goes back, whatever the policy says. `actor` is the guest (None), or staff.

    A booking cancelled already stays as it is. Raises `BookingNotFound`, `IllegalMove`, `AlreadyStarted`.
    """
    booking = lock_booking(booking_id)
    if booking.status == BookingStatus.CANCELLED:
        return booking
    refuse_unless_cancellable(booking)
    return _end(booking, cancellation_terms(booking, refund_percent=Decimal(100), override=OPERATOR), actor, reason)


def _end(booking: Booking, terms: dict, actor: Any, reason: str) -> Booking:
    holds = holds_of(booking)
    lock_extras(holds)
    for hold in holds:
        is_booked = hold.status != HoldStatus.ACTIVE
        hold.move_to(HoldStatus.RELEASED)
        free_seats(hold, booked=is_booked)
        transaction.on_commit(partial(seats_changed, UUID(hold.quote["tour_id"])))
    booking.cancelled_at, booking.cancel_reason, booking.cancellation = now(), reason[:500], terms
    booking.expires_at = None
    booking.save(update_fields=["cancelled_at", "cancel_reason", "cancellation", "expires_at"])
    booking.move_to(
        BookingStatus.CANCELLED, actor=actor, reason=reason, data={"rule": terms["rule"], "refund": terms["refund"]}
    )
    earn_fee(booking, Decimal(terms["fee"]), actor)
    announce("booking.cancelled", booking, refund=terms["refund"])
    return booking


def _refuse_override(actor: Any, reason: str, refund_percent: Decimal | None) -> None:
    if refund_percent is None:
        return
    if actor is None or not actor.has_perm("bookings.override_policy"):
        raise OverrideNotAllowed
    if not 0 <= refund_percent <= 100:
        raise InvalidInput(details={"refund_percent": [_("A number from 0 to 100.")]})
    if not reason.strip():
        raise ReasonRequired(details={"reason": [str(ReasonRequired.message)]})
