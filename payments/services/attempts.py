"""Starting to pay: the attempt and its key are committed, then the gateway is called, then its answer is stored.

A crash between leaves a row that the same request, or the sweep, takes up again under the same key.
"""

import logging
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from bookings.models import Booking, BookingStatus
from bookings.services import lock_booking
from config.i18n import language_now
from payments.errors import (
    BookingEnded,
    CurrencyNotTaken,
    ForeignAddress,
    GatewayDown,
    NothingDue,
    PaymentDeclined,
    PaymentUnderWay,
    TimeToPayOver,
)
from payments.gateways.interface import (
    Gateway,
    GatewayConflict,
    GatewayDeclined,
    GatewayError,
    GatewayInvalidRequest,
    RemoteState,
)
from payments.gateways.registry import offered_gateway
from payments.models import OPEN, Payment, PaymentFlag, PaymentStatus
from payments.services.checks import check_payment
from payments.services.intents import intent_of
from payments.services.locks import free_number, lock_payment
from payments.services.states import apply_remote_state

logger = logging.getLogger(__name__)

PAYABLE = frozenset({BookingStatus.PENDING_PAYMENT, BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS})
WITHOUT_HOLD = timedelta(hours=24)  # how long an attempt may last where no seats wait for it


def start_payment(
    *,
    booking_id: UUID,
    gateway: str,
    return_url: str = "",
    cancel_url: str = "",
    client_key: str = "",
    actor: Any = None,
) -> Payment:
    """Open an attempt to pay all that is due for the booking; its `action` says what the payer does next.

    The amount is ours, never the caller's. One attempt is open per booking: asked again, it is gone on with, unless its
    gateway, amount or time no longer fit; then it is ended at its gateway first. `client_key` finds the attempt that an
    earlier, crashed run of the same request began. `return_url` and `cancel_url` must be ours or trusted.
    Raises `UnknownGateway`, `CurrencyNotTaken`, `ForeignAddress`, `BookingNotFound`, `BookingEnded`, `TimeToPayOver`,
    `NothingDue`, `PaymentUnderWay`, `PaymentDeclined`, `GatewayDown`.
    """
    adapter = offered_gateway(gateway)
    for address in (return_url, cancel_url):
        refuse_foreign(address)
    payment, in_the_way = _find_or_open(booking_id, adapter, return_url, cancel_url, client_key, actor)
    if in_the_way is not None:
        _end(in_the_way)
        payment, in_the_way = _find_or_open(booking_id, adapter, return_url, cancel_url, client_key, actor)
    if payment is None:
        raise PaymentUnderWay(details={"payment": in_the_way.number if in_the_way else ""})
    if payment.is_open and not payment.action:
        return _open_there(payment, adapter)
    return payment


def refuse_foreign(address: str) -> None:
    """Payers are sent back to ourselves and to trusted origins only: no open redirect. Raises `ForeignAddress`."""
    if not address:
        return
    parts = urlsplit(address)
    if not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith(("//", "/\\")):
        return
    trusted = {settings.PUBLIC_URL, *settings.CSRF_TRUSTED_ORIGINS, *settings.CORS_ALLOWED_ORIGINS}
    if f"{parts.scheme}://{parts.netloc}" not in trusted:
        raise ForeignAddress(address=address[:200])


@transaction.atomic
def _find_or_open(
    booking_id: UUID, adapter: Gateway, return_url: str, cancel_url: str, client_key: str, actor: Any
) -> tuple[Payment | None, Payment | None]:
    """The attempt to go on with, or the one that stands in the way of a new one."""
    booking = lock_booking(booking_id)
    if client_key:
        begun = Payment.objects.filter(booking=booking, client_key=client_key).first()
        if begun is not None:
            begun.booking = booking
            return begun, None
    _refuse_unpayable(booking, adapter)
    open_one = Payment.objects.filter(booking=booking, status__in=OPEN).first()
    if open_one is None:
        return _new_attempt(booking, adapter, return_url, cancel_url, client_key, actor), None
    open_one.booking = booking
    if not _still_fits(open_one, booking, adapter):
        return None, open_one
    if (return_url, cancel_url) != (open_one.return_url, open_one.cancel_url):
        open_one.return_url, open_one.cancel_url = return_url, cancel_url
        open_one.save(update_fields=["return_url", "cancel_url", "updated_at"])
    return open_one, None


def _refuse_unpayable(booking: Booking, adapter: Gateway) -> None:
    if booking.status == BookingStatus.EXPIRED:
        raise TimeToPayOver(reference=booking.reference)
    if booking.status not in PAYABLE:
        raise BookingEnded(reference=booking.reference, status=booking.get_status_display())
    if booking.status == BookingStatus.PENDING_PAYMENT and booking.expires_at and booking.expires_at <= now():
        raise TimeToPayOver(reference=booking.reference)
    if booking.amount_due <= 0 or Payment.objects.successes().filter(booking=booking).exists():
        raise NothingDue(reference=booking.reference)
    currencies = adapter.capabilities.currencies
    if currencies and booking.currency not in currencies:
        raise CurrencyNotTaken(gateway=adapter.code, currency=booking.currency)


def _still_fits(payment: Payment, booking: Booking, adapter: Gateway) -> bool:
    return (
        payment.gateway == adapter.code
        and payment.amount == booking.amount_due
        and payment.currency == booking.currency
        and payment.expires_at is not None
        and payment.expires_at > now()
    )


def _new_attempt(
    booking: Booking, adapter: Gateway, return_url: str, cancel_url: str, client_key: str, actor: Any
) -> Payment:
    waits_for_payment = booking.status == BookingStatus.PENDING_PAYMENT
    payment = Payment(
        number=free_number(Payment, "PAY"),
        booking=booking,
        gateway=adapter.code,
        amount=booking.amount_due,
        currency=booking.currency,
        language=language_now(),
        client_key=client_key,
        return_url=return_url,
        cancel_url=cancel_url,
        created_by_id=actor.pk if actor else None,
        expires_at=booking.expires_at if waits_for_payment else now() + WITHOUT_HOLD,
        check_at=now() + settings.PAYMENT_UNCLEAR_AFTER,
    )
    payment.idempotency_key = f"{adapter.code}:payment:{payment.pk}"
    payment.save(force_insert=True)
    payment.note("begun", new_status=payment.status, actor=actor)
    return payment


def _open_there(payment: Payment, adapter: Gateway) -> Payment:
    try:
        state = adapter.create(intent_of(payment), idempotency_key=payment.idempotency_key)
    except GatewayDeclined as refusal:
        _store_refusal(payment, refusal)
        raise PaymentDeclined(details={"payment": payment.number, "code": refusal.code}) from refusal
    except (GatewayInvalidRequest, GatewayConflict) as bug:
        _store_bug(payment.pk, bug)
        raise GatewayDown(details={"payment": payment.number}, retry_after=60) from bug
    except GatewayError as trouble:
        logger.warning("payment %s waits: %s", payment.number, trouble)
        raise GatewayDown(details={"payment": payment.number}, retry_after=5) from trouble
    return apply_remote_state(payment.pk, state)


def _store_refusal(payment: Payment, refusal: GatewayDeclined) -> None:
    failed = RemoteState(
        status=PaymentStatus.FAILED,
        amount=payment.amount,
        currency=payment.currency,
        gateway_reference=payment.gateway_reference,
        failure_code=refusal.code,
        failure_message=refusal.message,
    )
    apply_remote_state(payment.pk, failed)


@transaction.atomic
def _store_bug(payment_id: UUID, bug: GatewayError) -> None:
    """The gateway does not take what we sent: this attempt is over, staff must know."""
    payment = lock_payment(payment_id)
    payment.raise_flag(PaymentFlag.REQUEST_REFUSED, str(bug))
    if payment.is_open and not payment.gateway_reference:
        payment.move_to(PaymentStatus.FAILED, reason="request_refused")
        payment.check_at = None
        payment.save(update_fields=["check_at", "updated_at"])


def _end(payment: Payment) -> None:
    """End an attempt that no longer fits. Whatever its gateway says it has become counts."""
    try:
        check_payment(payment_id=payment.pk, end_it=True)
    except GatewayError as trouble:
        raise GatewayDown(details={"payment": payment.number}, retry_after=5) from trouble
