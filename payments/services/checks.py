"""Asking a gateway what became of an attempt: on return of the payer, by staff, and by the sweep for what is left unclear."""

import logging
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from bookings.models import BookingStatus
from notifications.outbox import send_task
from payments.errors import PaymentNotFound
from payments.gateways.interface import (
    Gateway,
    GatewayConflict,
    GatewayDeclined,
    GatewayError,
    GatewayNotFound,
    RemoteState,
)
from payments.gateways.registry import gateway_of
from payments.models import Payment, PaymentStatus
from payments.services.intents import intent_of
from payments.services.locks import lock_payment
from payments.services.states import apply_remote_state, next_check

logger = logging.getLogger(__name__)

ONE_CHECK_TAKES_AT_MOST = timedelta(seconds=90)
# Longer than a call to open a payment may be under way: after that, what the gateway does not know will not come.
SURELY_ARRIVED_AFTER = timedelta(minutes=2)
BATCH = 200

WAITING_FOR_MONEY = frozenset({BookingStatus.PENDING_PAYMENT, BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS})


def check_payment(*, payment_id: UUID, actor: Any = None, end_it: bool = False) -> Payment:
    """Ask the gateway and bring the payment to what it says; safe to repeat.

    Money that the payer agreed to is captured, whether or not they come back to us. An attempt that nobody has paid and
    whose time or booking has ended (or with `end_it`, any) is ended at the gateway first, then here. One that never
    reached the gateway is ended once it surely will not. Raises `PaymentNotFound`, and `GatewayError` when the gateway
    cannot say; the next check is put off then.
    """
    payment = Payment.objects.select_related("booking").filter(pk=payment_id).first()
    if payment is None:
        raise PaymentNotFound
    gateway = gateway_of(payment.gateway)
    try:
        state = gateway.fetch(intent_of(payment))
        if _may_end(state) and (end_it or _has_ended(payment) or (state.to_capture and not payment.is_open)):
            state = _end_there(gateway, payment, state)
        elif state.to_capture:
            state = _capture_there(gateway, payment, state)
    except GatewayNotFound:
        return _not_there(payment_id, end_it)
    except GatewayError:
        _put_off(payment_id)
        raise
    return apply_remote_state(payment_id, state, actor=actor)


def _may_end(state: RemoteState) -> bool:
    return state.status == PaymentStatus.PENDING or state.may_end


def _capture_there(gateway: Gateway, payment: Payment, state: RemoteState) -> RemoteState:
    """Whoever comes first captures; the key makes all others get the same answer."""
    payment.gateway_reference = state.gateway_reference
    intent = intent_of(payment)
    try:
        return gateway.capture(intent, idempotency_key=f"{gateway.code}:capture:{payment.pk}")
    except GatewayConflict:
        return gateway.fetch(intent)
    except GatewayDeclined as refusal:
        return refused(payment, refusal)


def refused(payment: Payment, refusal: GatewayDeclined) -> RemoteState:
    """A clear no of the gateway, as what it holds."""
    return RemoteState(
        status=PaymentStatus.FAILED,
        amount=payment.amount,
        currency=payment.currency,
        gateway_reference=payment.gateway_reference,
        failure_code=refusal.code,
        failure_message=refusal.message,
    )


def _has_ended(payment: Payment) -> bool:
    is_over = payment.expires_at is not None and payment.expires_at <= now()
    return is_over or payment.booking.status not in WAITING_FOR_MONEY


def _end_there(gateway: Gateway, payment: Payment, state: RemoteState) -> RemoteState:
    payment.gateway_reference = state.gateway_reference
    intent = intent_of(payment)
    try:
        return gateway.cancel(intent)
    except GatewayConflict:
        return gateway.fetch(intent)  # the payer was faster


@transaction.atomic
def _not_there(payment_id: UUID, end_it: bool) -> Payment:
    payment = lock_payment(payment_id)
    is_sure = payment.created_at + SURELY_ARRIVED_AFTER <= now()
    if payment.is_open and is_sure and (end_it or _has_ended(payment)):
        payment.move_to(PaymentStatus.CANCELLED, reason="never_arrived")
    payment.check_at = next_check(payment)
    payment.save(update_fields=["check_at", "updated_at"])
    return payment


@transaction.atomic
def _put_off(payment_id: UUID) -> None:
    payment = lock_payment(payment_id)
    payment.check_at = next_check(payment)
    payment.save(update_fields=["check_at", "updated_at"])


def check_when_due(*, payment_id: UUID) -> None:
    """The sweep's check: one at a time, counted, and never raising for the gateway's troubles."""
    if not _claim(payment_id):
        return
    try:
        check_payment(payment_id=payment_id)
    except GatewayError as trouble:
        logger.warning("payment %s stays unclear: %s", payment_id, trouble)


@transaction.atomic
def _claim(payment_id: UUID) -> bool:
    payment = (
        Payment.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .filter(pk=payment_id, check_at__lte=now())
        .first()
    )
    if payment is None:
        return False
    payment.checks = min(payment.checks + 1, 1000)
    payment.check_at = now() + ONE_CHECK_TAKES_AT_MOST
    payment.save(update_fields=["checks", "check_at"])
    return True


def ask_soon(*, booking_id: UUID) -> int:
    """The booking has ended: its open attempts are to be ended at their gateways. Returns how many there are.

    Called inside the transaction of the fact; a task does it after commit, and the sweep if that is lost.
    """
    open_ones = Payment.objects.filter(booking_id=booking_id, check_at__isnull=False)
    ids = list(open_ones.values_list("pk", flat=True))
    open_ones.update(check_at=now())
    for payment_id in ids:
        transaction.on_commit(partial(send_task, "payments.tasks.check_payment", str(payment_id)))
    return len(ids)


def sweep_payments() -> int:
    """Send a task for every attempt of the current tenant that is due to be asked about; returns how many."""
    due = Payment.objects.filter(check_at__lte=now()).order_by("check_at")
    ids = list(due.values_list("pk", flat=True)[:BATCH])
    for payment_id in ids:
        send_task("payments.tasks.check_payment", str(payment_id))
    return len(ids)
