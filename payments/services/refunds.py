"""Money that goes back: asked for under the lock, committed, then carried out under one key until its end is known."""

import logging
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from accounts.audit import record
from bookings.services import lock_booking, note
from config import metrics
from config.errors import NotFound
from ledger.errors import AmountTooFine
from ledger.models import AccountRole, TransactionKind
from ledger.money import amount_text, to_minor
from ledger.services import credit, debit, post, system_account
from notifications.outbox import announce, send_task
from payments.errors import NotRefundable, RefundCauseReused, RefundNotExact, RefundTooLarge
from payments.gateways.interface import (
    GatewayAuthError,
    GatewayConflict,
    GatewayDeclined,
    GatewayError,
    GatewayInvalidRequest,
    GatewayNotFound,
    RefundOrder,
    RemoteRefund,
)
from payments.gateways.registry import gateway_of
from payments.models import Payment, PaymentFlag, PaymentStatus, Refund, RefundStatus, with_detail
from payments.services.locks import free_number, lock_payment
from payments.services.sums import excess_of, refunded_of, tell_booking

logger = logging.getLogger(__name__)

ONE_TRY_TAKES_AT_MOST = timedelta(seconds=90)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=1)
BATCH = 200


@transaction.atomic
def request_refund(*, payment_id: UUID, amount: Decimal, cause: str, reason: str, actor: Any) -> Refund:
    """Write down that `amount` (major units of the payment's currency) goes back; a task carries it out after commit.

    `cause` names what asks for it: asked again, the same refund is returned. Refunds done and under way never exceed what
    was paid. Raises `PaymentNotFound`, `NotRefundable`, `RefundNotExact`, `RefundTooLarge`, `RefundCauseReused`.
    """
    payment = lock_payment(payment_id)
    earlier = Refund.objects.filter(cause=cause).first()
    if earlier is not None:
        if (earlier.payment_id, earlier.amount) != (payment.pk, amount):
            raise RefundCauseReused
        return earlier
    _refuse_refund(payment, amount)
    refund = Refund(
        number=free_number(Refund, "RF"),
        payment=payment,
        amount=amount,
        cause=cause,
        reason=reason[:300],
        requested_by_id=actor.pk if actor else None,
    )
    refund.idempotency_key = f"{payment.gateway}:refund:{refund.pk}"
    refund.save(force_insert=True)
    metrics.count(metrics.REFUNDS, payment.gateway, RefundStatus.PENDING)
    wording = amount_text(amount, payment.currency)
    payment.note(with_detail("refund_asked", f"{refund.number}, {wording} {payment.currency}"), actor=actor)
    if actor is not None:
        record(
            "payments.refund.asked",
            payment,
            actor=actor,
            after={"refund": refund.number, "amount": wording, "currency": payment.currency},
            reason=reason,
        )
    transaction.on_commit(partial(send_task, "payments.tasks.carry_out_refund", str(refund.pk)))
    return refund


def _refuse_refund(payment: Payment, amount: Decimal) -> None:
    if not payment.has_money:
        raise NotRefundable(number=payment.number, status=payment.get_status_display())
    try:
        exact = to_minor(amount, payment.currency) > 0 and gateway_of(payment.gateway).takes(amount, payment.currency)
    except AmountTooFine:
        exact = False
    if not exact:
        raise RefundNotExact(amount=str(amount), currency=payment.currency)
    if amount > payment.refundable:
        raise RefundTooLarge(left=amount_text(payment.refundable, payment.currency), currency=payment.currency)


@transaction.atomic
def refund_booking(*, booking_id: UUID, amount: Decimal, cause: str, only_excess: bool = False) -> list[Refund]:
    """Give `amount` of what was paid for a booking back, spread over its payments, the oldest first; safe to repeat.

    Each refund's cause is `<cause>:<booking>:<payment>`. Where less is left to give back than asked for, that is given. With
    `only_excess` no more than what is too much by now: another refund may be on its way, or the price another one again.
    """
    booking = lock_booking(booking_id)
    left, refunds = amount, []
    if only_excess:
        left = min(amount, excess_of(booking, apart_from=cause))
        if left <= 0:
            return []
    payments = Payment.objects.successes().filter(booking_id=booking_id).order_by("paid_at", "pk")
    for payment in payments.prefetch_related("refunds"):
        full_cause = f"{cause}:{booking_id}:{payment.pk}"
        earlier = next((refund for refund in payment.refunds.all() if refund.cause == full_cause), None)
        part = earlier.amount if earlier else min(left, payment.refundable)
        if part <= 0:
            continue
        refund = request_refund(payment_id=payment.pk, amount=part, cause=full_cause, reason="", actor=None)
        refunds.append(refund)
        left -= part
    if left > 0:
        logger.error("booking %s: %s of the refund finds no payment", booking_id, left)
    return refunds


def carry_out_refund(*, refund_id: UUID) -> Refund:
    """Ask the gateway for the refund (or after it), and write down what it says; safe to repeat and to kill.

    One try at a time; what stays unclear keeps its key and is tried again by the sweep. Never raises for the gateway's
    troubles. Raises `NotFound` for an unknown id.
    """
    refund = _claim(refund_id)
    if refund is None:
        unclaimed = Refund.objects.filter(pk=refund_id).first()
        if unclaimed is None:
            raise NotFound
        return unclaimed
    try:
        remote = _ask_gateway(refund)
    except (GatewayDeclined, GatewayInvalidRequest) as refusal:
        return _fail(refund_id, str(refusal))
    except GatewayConflict as conflict:
        return _converge(refund, conflict)
    except GatewayAuthError:
        logger.exception("the gateway %s does not know us", refund.payment.gateway)
        return _postpone(refund)
    except GatewayError as trouble:
        logger.warning("refund %s waits: %s", refund.number, trouble)
        return _postpone(refund)
    return settle_refund(refund_id, remote)


def ask_after_refund(*, refund_id: UUID) -> Refund:
    """Settle a refund that the gateway gave a sign of, whenever its next try is. Raises `GatewayError`."""
    refund = Refund.objects.select_related("payment").get(pk=refund_id)
    if refund.status != RefundStatus.PENDING:
        return refund
    try:
        remote = gateway_of(refund.payment.gateway).fetch_refund(_order(refund))
    except GatewayNotFound:
        return refund  # not sent yet: its own task sends it
    return settle_refund(refund_id, remote)


@transaction.atomic
def _claim(refund_id: UUID) -> Refund | None:
    """The refund, if it waits and nobody is at it; its next try is put off meanwhile."""
    refund = (
        Refund.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .select_related("payment")
        .filter(pk=refund_id, status=RefundStatus.PENDING, next_try_at__lte=now())
        .first()
    )
    if refund is None:
        return None
    refund.attempts += 1
    refund.next_try_at = now() + ONE_TRY_TAKES_AT_MOST
    refund.save(update_fields=["attempts", "next_try_at"])
    return refund


def _postpone(refund: Refund) -> Refund:
    """To be tried again after 15 s, 30 s, 1 min … up to an hour."""
    refund.next_try_at = now() + min(FIRST_PAUSE * 2 ** min(refund.attempts - 1, 10), LONGEST_PAUSE)
    waiting = Refund.objects.filter(pk=refund.pk, status=RefundStatus.PENDING)
    waiting.update(next_try_at=refund.next_try_at)
    return refund


def _order(refund: Refund) -> RefundOrder:
    payment = refund.payment
    return RefundOrder(
        refund_id=refund.pk,
        payment_reference=payment.gateway_reference,
        captured_reference=payment.captured_reference,
        amount=refund.amount,
        currency=payment.currency,
        reason=refund.number,
        idempotency_key=refund.idempotency_key,
        gateway_reference=refund.gateway_reference,
    )


def _ask_gateway(refund: Refund) -> RemoteRefund:
    gateway, order = gateway_of(refund.payment.gateway), _order(refund)
    return gateway.fetch_refund(order) if refund.gateway_reference else gateway.refund(order)


def _converge(refund: Refund, conflict: GatewayConflict) -> Refund:
    """The gateway says that something stands in the way: what it holds under our key decides."""
    try:
        remote = gateway_of(refund.payment.gateway).fetch_refund(_order(refund))
    except GatewayNotFound:
        return _fail(refund.pk, str(conflict))
    except GatewayError as trouble:
        logger.warning("refund %s waits: %s", refund.number, trouble)
        return _postpone(refund)
    return settle_refund(refund.pk, remote)


@transaction.atomic
def settle_refund(refund_id: UUID, remote: RemoteRefund) -> Refund:
    """Bring the refund to what the gateway says it is. Done: posted, summed up on payment and booking, announced."""
    refund, payment = lock_refund(refund_id)
    if refund.status != RefundStatus.PENDING:
        return refund
    if remote.gateway_reference and refund.gateway_reference != remote.gateway_reference:
        refund.gateway_reference = remote.gateway_reference
        refund.save(update_fields=["gateway_reference"])
    if remote.status == RefundStatus.FAILED:
        return _fail(refund_id, remote.failure_message or "refused by the gateway")
    if remote.amount != refund.amount:
        payment.raise_flag(PaymentFlag.AMOUNT_MISMATCH, f"{refund.number}, {remote.amount}")
        return _postpone(refund)
    if remote.status == RefundStatus.SUCCEEDED:
        _complete(refund, payment)
        return refund
    return _postpone(refund)


def _complete(refund: Refund, payment: Payment) -> None:
    refund.entry = post(
        f"refund:{refund.pk}:done",
        TransactionKind.REFUND,
        debit(system_account(AccountRole.CUSTOMER_DEPOSITS, payment.currency), refund.amount),
        credit(system_account(AccountRole.GATEWAY_CLEARING, payment.currency, payment.gateway), refund.amount),
        memo=f"{refund.number} · {payment.number}",
    )
    refund.status, refund.done_at, refund.next_try_at = RefundStatus.SUCCEEDED, now(), None
    refund.failure_message = ""
    refund.save(update_fields=["entry", "status", "done_at", "next_try_at", "failure_message"])
    metrics.count(metrics.REFUNDS, payment.gateway, RefundStatus.SUCCEEDED)
    payment.refunded_amount = refunded_of(payment)
    payment.save(update_fields=["refunded_amount", "updated_at"])
    in_full = payment.refunded_amount == payment.amount
    status = PaymentStatus.REFUNDED if in_full else PaymentStatus.PARTIALLY_REFUNDED
    if payment.status != status:
        payment.move_to(status, reason=with_detail("refund_done", refund.number))
    else:
        payment.note(with_detail("refund_done", refund.number))
    amount = amount_text(refund.amount, payment.currency)
    note(
        payment.booking_id,
        "refund_done",
        None,
        {"payment": payment.number, "refund": refund.number, "amount": amount, "currency": payment.currency},
    )
    tell_booking(payment.booking)
    announce("refund.done", refund, amount=amount, currency=payment.currency, booking=str(payment.booking_id))


@transaction.atomic
def _fail(refund_id: UUID, why: str) -> Refund:
    """A clear no: the claim on the money ends, staff must act."""
    refund, payment = lock_refund(refund_id)
    if refund.status != RefundStatus.PENDING:
        return refund
    refund.status, refund.done_at, refund.next_try_at = RefundStatus.FAILED, now(), None
    refund.failure_message = why[:300]
    refund.save(update_fields=["status", "done_at", "next_try_at", "failure_message"])
    metrics.count(metrics.REFUNDS, payment.gateway, RefundStatus.FAILED)
    payment.raise_flag(PaymentFlag.REFUND_FAILED, f"{refund.number}, {why}")
    note(
        payment.booking_id,
        "refund_failed",
        None,
        {"payment": payment.number, "refund": refund.number, "amount": amount_text(refund.amount, payment.currency)},
    )
    announce("refund.failed", refund, booking=str(payment.booking_id))
    return refund


def lock_refund(refund_id: UUID) -> tuple[Refund, Payment]:
    """The refund and its payment, locked in their order. Raises `NotFound`."""
    payment_id = Refund.objects.filter(pk=refund_id).values_list("payment_id", flat=True).first()
    if payment_id is None:
        raise NotFound
    payment = lock_payment(payment_id)
    refund = Refund.objects.select_for_update(of=("self",), no_key=True).get(pk=refund_id)
    refund.payment = payment
    return refund, payment


def sweep_refunds() -> int:
    """Send a task for every refund of the current tenant whose time has come; returns how many."""
    due = Refund.objects.filter(status=RefundStatus.PENDING, next_try_at__lte=now()).order_by("next_try_at")
    ids = list(due.values_list("pk", flat=True)[:BATCH])
    for refund_id in ids:
        send_task("payments.tasks.carry_out_refund", str(refund_id))
    return len(ids)
