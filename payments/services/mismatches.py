"""The gateway took another amount than we asked for. Staff decide what it is; the books say what came either way.

Whatever came is a fact and is posted as such: the payment's amount becomes the gateway's, so that no difference is left to
explain. Then it either goes back in full, and the booking can be paid anew; or it counts, less what is too much, and what is
missing stays due.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.audit import record
from ledger.money import amount_text, round_money
from payments.errors import GatewayDown, MismatchGone, OtherCurrency, PaymentNotFound
from payments.gateways.interface import GatewayError, RemoteState
from payments.gateways.registry import gateway_of
from payments.models import Payment, PaymentFlag, PaymentStatus
from payments.services.intents import intent_of
from payments.services.locks import lock_payment
from payments.services.refunds import request_refund
from payments.services.states import apply_remote_state, note_on_booking, record_capture


def give_mismatch_back(*, payment_id: UUID, reason: str, actor: Any) -> Payment:
    """All that came goes back, in its own currency, and does not count for the booking, which can be paid anew.

    Safe to repeat. Raises `PaymentNotFound`, `MismatchGone`, `GatewayDown`.
    """
    return _give_back(payment_id, _what_came(payment_id), reason, actor)


def keep_mismatch(*, payment_id: UUID, reason: str, actor: Any) -> Payment:
    """What came counts. Less than is due: the rest stays due. More: what is too much goes back at once.

    Raises `PaymentNotFound`, `MismatchGone`, `OtherCurrency`, `GatewayDown`.
    """
    return _keep(payment_id, _what_came(payment_id), reason, actor)


def _what_came(payment_id: UUID) -> RemoteState:
    payment = Payment.objects.select_related("booking").filter(pk=payment_id).first()
    if payment is None:
        raise PaymentNotFound
    try:
        return gateway_of(payment.gateway).fetch(intent_of(payment))
    except GatewayError as trouble:
        raise GatewayDown(details={"payment": payment.number}, retry_after=5) from trouble


@transaction.atomic
def _give_back(payment_id: UUID, came: RemoteState, reason: str, actor: Any) -> Payment:
    payment = _take_over(payment_id, came, "mismatch_given_back", reason, actor)
    payment.is_duplicate = True
    record_capture(payment, actor=actor)
    note_on_booking(payment, "payment_paid", actor)
    request_refund(payment_id=payment.pk, amount=payment.amount, cause=f"mismatch:{payment.pk}", reason="", actor=None)
    return payment


@transaction.atomic
def _keep(payment_id: UUID, came: RemoteState, reason: str, actor: Any) -> Payment:
    payment = lock_payment(payment_id)
    if came.currency != payment.booking.currency:
        raise OtherCurrency(currency=payment.booking.currency)
    due = payment.booking.amount_due
    payment = _take_over(payment_id, came, "mismatch_kept", reason, actor)
    payment = apply_remote_state(payment_id, replace(came, amount=payment.amount), actor=actor)
    surplus = payment.amount - due
    if surplus > 0 and due > 0 and not payment.is_duplicate and payment.refundable >= surplus:
        request_refund(payment_id=payment.pk, amount=surplus, cause=f"surplus:{payment.pk}", reason="", actor=None)
    return payment


def _take_over(payment_id: UUID, came: RemoteState, what: str, reason: str, actor: Any) -> Payment:
    """The payment under its lock, its amount what came, its flag down. Raises `MismatchGone`."""
    payment = lock_payment(payment_id)
    is_wrong = (came.amount, came.currency) != (payment.amount, payment.currency)
    untouched = came.refunded_amount == 0 and not payment.has_money
    if came.status != PaymentStatus.PAID or payment.flag != PaymentFlag.AMOUNT_MISMATCH or not (is_wrong and untouched):
        raise MismatchGone(number=payment.number)
    before = {"amount": amount_text(payment.amount, payment.currency), "currency": payment.currency}
    payment.amount, payment.currency = round_money(Decimal(came.amount), came.currency), came.currency
    payment.captured_reference = came.captured_reference
    payment.check_at = None
    payment.save(update_fields=["amount", "currency", "captured_reference", "check_at", "updated_at"])
    payment.gateway_objects.get_or_create(gateway=payment.gateway, kind="capture", remote_id=came.captured_reference)
    payment.lower_flag(what, actor=actor)
    after = {"amount": amount_text(payment.amount, payment.currency), "currency": payment.currency}
    record(f"payments.{what}", payment, actor=actor, before=before, after=after, reason=reason)
    return payment
