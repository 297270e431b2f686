"""Money over the counter: taken with a receipt, paid out against one. Posted to the till's own clearing account."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.audit import record
from bookings.services import lock_booking
from ledger.money import amount_text
from payments.errors import AmountNotDue, NotPaidInCash, PaymentUnderWay, ReceiptUsed, RefundEnded
from payments.gateways.cash import CODE
from payments.gateways.interface import RemoteRefund, RemoteState
from payments.gateways.registry import gateway_of
from payments.models import OPEN, GatewayObject, Payment, PaymentStatus, Refund, RefundStatus
from payments.services.attempts import end_attempt, new_attempt, refuse_unpayable
from payments.services.refunds import lock_refund, settle_refund
from payments.services.states import apply_remote_state


def take_cash(*, booking_id: UUID, amount: Decimal, receipt: str, actor: Any) -> Payment:
    """Write down that the whole sum due, or the deposit, was paid in cash; the booking is confirmed with it.

    `amount` is what lies on the counter, in major units of the booking's currency; `receipt` the number on the receipt, each
    used once. An attempt at a gateway that is still open is ended there first. The same receipt for the same booking again
    returns the first payment. Callers check `payments.take_cash`. Raises `BookingNotFound`, `BookingEnded`, `TimeToPayOver`,
    `NothingDue`, `AmountNotDue`, `ReceiptUsed`, `PaymentUnderWay`, `GatewayDown`.
    """
    payment, in_the_way = _take(booking_id, amount, receipt, actor)
    if in_the_way is not None:
        end_attempt(in_the_way)
        payment, in_the_way = _take(booking_id, amount, receipt, actor)
    if payment is None:
        raise PaymentUnderWay(details={"payment": in_the_way.number if in_the_way else ""})
    return payment


@transaction.atomic
def _take(booking_id: UUID, amount: Decimal, receipt: str, actor: Any) -> tuple[Payment | None, Payment | None]:
    """The payment, or the open attempt that stands in its way."""
    booking = lock_booking(booking_id)
    earlier = Payment.objects.filter(booking=booking, gateway=CODE, gateway_reference=receipt).first()
    if earlier is not None:
        return earlier, None
    refuse_unpayable(booking)
    if amount not in {booking.amount_due, booking.deposit_due}:
        raise AmountNotDue(due=amount_text(booking.amount_due, booking.currency), currency=booking.currency)
    open_one = Payment.objects.filter(booking=booking, status__in=OPEN).first()
    if open_one is not None:
        return None, open_one
    payment = new_attempt(booking, gateway_of(CODE), amount, actor=actor)
    _claim_receipt(payment, receipt)
    state = RemoteState(PaymentStatus.PAID, amount, booking.currency, receipt, captured_reference=receipt)
    payment = apply_remote_state(payment.pk, state, actor=actor)
    record(
        "payments.cash.taken",
        payment,
        actor=actor,
        after={"amount": amount_text(amount, booking.currency), "currency": booking.currency, "receipt": receipt},
    )
    return payment, None


def _claim_receipt(payment: Payment, receipt: str) -> None:
    """The constraint on gateways' objects keeps a receipt from being used for two payments."""
    try:
        with transaction.atomic():
            GatewayObject.objects.create(gateway=CODE, kind="payment", remote_id=receipt, payment=payment)
    except IntegrityError as fault:
        raise ReceiptUsed(receipt=receipt) from fault


@transaction.atomic
def pay_out(*, refund_id: UUID, receipt: str, actor: Any) -> Refund:
    """Write down that a refund of cash was handed over against this receipt; it is posted and told with it.

    Safe to repeat with the same receipt. Callers check `payments.refund`. Raises `NotFound`, `NotPaidInCash`, `RefundEnded`.
    """
    refund, payment = lock_refund(refund_id)
    if payment.gateway != CODE:
        raise NotPaidInCash(number=refund.number)
    if refund.status == RefundStatus.SUCCEEDED and refund.gateway_reference == receipt:
        return refund
    if refund.status != RefundStatus.PENDING:
        raise RefundEnded(number=refund.number, status=refund.get_status_display())
    refund = settle_refund(refund_id, RemoteRefund(RefundStatus.SUCCEEDED, receipt, refund.amount))
    record(
        "payments.cash.paid_out",
        payment,
        actor=actor,
        after={
            "refund": refund.number,
            "amount": amount_text(refund.amount, payment.currency),
            "currency": payment.currency,
            "receipt": receipt,
        },
    )
    return refund
