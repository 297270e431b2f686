"""What a gateway says of a payment becomes what we hold. `apply_remote_state` is the only door to PAID.

It compares, moves along the table of allowed moves and posts, all in one transaction under the booking's lock, so that
any number of notices, return pages and sweeps may call it in any order, at once, and be killed in between.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils.timezone import now

from bookings.models import Booking
from bookings.services import Settlement, note, record_failed_attempt
from ledger.models import AccountRole, TransactionKind
from ledger.money import amount_text
from ledger.services import credit, debit, post, system_account
from notifications.outbox import announce
from payments.gateways.interface import RemoteState
from payments.models import (
    OPEN,
    GatewayObject,
    Payment,
    PaymentFlag,
    PaymentStatus,
    RefundStatus,
    with_detail,
)
from payments.services.locks import lock_payment
from payments.services.refunds import request_refund
from payments.services.sums import excess_of, tell_booking

LONGEST_PAUSE = timedelta(hours=1)
AFTER_ITS_END = timedelta(seconds=5)  # the gateway's own clock ends it first


@transaction.atomic
def apply_remote_state(payment_id: UUID, state: RemoteState, *, actor: Any = None) -> Payment:
    """Bring the payment to what the gateway says it is; safe to repeat, never backwards.

    Money wins: a success is recorded from any state. It then confirms the booking, or is given back at once where the
    booking cannot be given any more or was paid already. Another amount or currency than ours never becomes PAID: it is
    flagged. Raises `PaymentNotFound`.
    """
    payment = lock_payment(payment_id)
    _remember(payment, state)
    match state.status:
        case PaymentStatus.PAID:
            _paid(payment, state, actor)
        case PaymentStatus.PROCESSING:
            _processing(payment, actor)
        case PaymentStatus.FAILED if payment.is_open:
            _failed(payment, state, actor)
        case PaymentStatus.CANCELLED if payment.is_open:
            payment.move_to(PaymentStatus.CANCELLED, reason="ended_there", actor=actor)
    payment.check_at = next_check(payment)
    payment.save(update_fields=["check_at", "updated_at"])
    return payment


def next_check(payment: Payment) -> datetime | None:
    """When to ask about the payment again: never once its end is known, else after growing pauses, and at its own end."""
    if not payment.is_open:
        return None
    at = now() + min(settings.PAYMENT_UNCLEAR_AFTER * 2 ** min(payment.checks, 10), LONGEST_PAUSE)
    end = (payment.expires_at or at) + AFTER_ITS_END
    return min(at, end) if end > now() else at


def _remember(payment: Payment, state: RemoteState) -> None:
    """Keep every id and the next step that the gateway named, so that later notices find their payment."""
    changed = []
    for field, kind, value in (
        ("gateway_reference", "payment", state.gateway_reference),
        ("captured_reference", "capture", state.captured_reference),
    ):
        if value and getattr(payment, field) != value:
            setattr(payment, field, value)
            changed.append(field)
            GatewayObject.objects.get_or_create(
                gateway=payment.gateway, kind=kind, remote_id=value, defaults={"payment": payment}
            )
    if state.action and not payment.action:
        payment.action = state.action
        changed.append("action")
    if changed:
        payment.save(update_fields=[*changed, "updated_at"])


def _paid(payment: Payment, state: RemoteState, actor: Any) -> None:
    if (state.amount, state.currency) != (payment.amount, payment.currency):
        payment.raise_flag(PaymentFlag.AMOUNT_MISMATCH, f"{state.amount} {state.currency}")
        return
    if payment.has_money:
        _compare_refunds(payment, state)
        return
    payment.is_duplicate, payment.is_part = _place_among(payment)
    # A refused card may be followed by a good one in the same form: late is what comes after the attempt's end.
    is_over = payment.expires_at is not None and payment.expires_at <= now()
    came_late = payment.status == PaymentStatus.CANCELLED or (payment.status == PaymentStatus.FAILED and is_over)
    record_capture(payment, actor=actor)
    if came_late:
        payment.raise_flag(PaymentFlag.LATE)
    announce("payment.paid", payment, amount=amount_text(payment.amount, payment.currency), currency=payment.currency)
    note_on_booking(payment, "payment_paid", actor)
    if payment.is_duplicate:
        payment.raise_flag(PaymentFlag.DUPLICATE)
        _give_back(payment, "duplicate")
        return
    settlement = tell_booking(payment.booking, actor=actor)
    if settlement in {Settlement.SEATS_GONE, Settlement.BOOKING_ENDED}:
        _give_back(payment, "late")
    else:
        _give_back_excess(payment)


def _give_back_excess(payment: Payment) -> None:
    """The booking became cheaper while its payer paid the earlier price: the difference goes back."""
    if _was_looked_at(payment):
        return
    too_much = min(excess_of(Booking.objects.get(pk=payment.booking_id)), payment.amount)
    if too_much > 0:
        cause = f"excess:{payment.pk}"
        request_refund(payment_id=payment.pk, amount=too_much, cause=cause, reason="", actor=None)


def _was_looked_at(payment: Payment) -> bool:
    """Whether staff keep an amount that was not ours, and give back what is too much."""
    return bool(payment.events.filter(reason="mismatch_kept").exists())


def _place_among(payment: Payment) -> tuple[bool, bool]:
    """Whether money that came is too much beside what came before, and else whether something is left to pay after it.

    A deposit is a part. Where a booking became dearer after it was paid, the earlier payment is one from now on.
    """
    booking = payment.booking
    missing = booking.total - booking.amount_kept
    earlier = Payment.objects.successes().filter(booking_id=payment.booking_id).exclude(pk=payment.pk)
    whole = earlier.filter(is_part=False)
    if whole.exists():
        if booking.amount_due <= 0 or payment.amount > missing:
            return True, False
        whole.update(is_part=True)
    if payment.amount > missing and earlier.exists() and not _was_looked_at(payment):
        return True, False
    return False, payment.amount < missing


def record_capture(payment: Payment, *, actor: Any = None) -> None:
    """The gateway has the money: a fact that is posted and kept, whatever becomes of the booking.

    Clearing → customer deposits, under the reference `payment:<id>:captured`. The caller has locked the payment.
    """
    payment.failure_code = payment.failure_message = ""
    payment.paid_at = now()
    payment.entry = post(
        f"payment:{payment.pk}:captured",
        TransactionKind.PAYMENT,
        debit(system_account(AccountRole.GATEWAY_CLEARING, payment.currency, payment.gateway), payment.amount),
        credit(system_account(AccountRole.CUSTOMER_DEPOSITS, payment.currency), payment.amount),
        memo=f"{payment.number} · {payment.booking.reference}",
        actor=actor,
    )
    payment.save(
        update_fields=["is_duplicate", "is_part", "paid_at", "entry", "failure_code", "failure_message", "updated_at"]
    )
    payment.move_to(PaymentStatus.PAID, reason="paid_there", actor=actor)


def _give_back(payment: Payment, cause: str) -> None:
    request_refund(payment_id=payment.pk, amount=payment.amount, cause=f"{cause}:{payment.pk}", reason="", actor=None)


def _processing(payment: Payment, actor: Any) -> None:
    if payment.status == PaymentStatus.PROCESSING or not payment.may_become(PaymentStatus.PROCESSING):
        return
    if Payment.objects.filter(booking_id=payment.booking_id, status__in=OPEN).exclude(pk=payment.pk).exists():
        return  # another attempt is open; should this one succeed after all, that is recorded
    payment.move_to(PaymentStatus.PROCESSING, reason="processing_there", actor=actor)


def _failed(payment: Payment, state: RemoteState, actor: Any) -> None:
    """The attempt is over; the booking stays payable."""
    payment.failure_code, payment.failure_message = state.failure_code[:60], state.failure_message[:300]
    payment.save(update_fields=["failure_code", "failure_message", "updated_at"])
    payment.move_to(PaymentStatus.FAILED, reason=with_detail("refused_there", state.failure_code), actor=actor)
    record_failed_attempt(booking_id=payment.booking_id)
    note_on_booking(payment, "payment_failed", actor)
    announce("payment.failed", payment, code=payment.failure_code)


def _compare_refunds(payment: Payment, state: RemoteState) -> None:
    """More given back there than asked for here: somebody refunded at the gateway's own desk."""
    ours = payment.refunds.exclude(status=RefundStatus.FAILED).aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
    if state.refunded_amount > ours:
        payment.raise_flag(PaymentFlag.UNKNOWN_REFUND, f"{state.refunded_amount} ≠ {ours}")


@transaction.atomic
def note_dispute(*, payment_id: UUID, is_over: bool) -> None:
    """The payer asks their bank or the gateway for the money back: staff must answer there. Raises `PaymentNotFound`."""
    payment = lock_payment(payment_id)
    if is_over:
        payment.note("dispute_over")
    else:
        payment.raise_flag(PaymentFlag.DISPUTED)


def note_on_booking(payment: Payment, action: str, actor: Any) -> None:
    """Write into the booking's history what happened to this payment of it."""
    amount = amount_text(payment.amount, payment.currency)
    data = {"payment": payment.number, "amount": amount, "currency": payment.currency, "gateway": payment.gateway}
    note(payment.booking_id, action, actor, data)
