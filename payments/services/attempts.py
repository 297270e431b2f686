"""Starting to pay: the attempt and its key are committed, then the gateway is called, then its answer is stored.

A crash between leaves a row that the same request, or the sweep, takes up again under the same key.
"""

import logging
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from bookings.models import Booking, BookingStatus
from bookings.services import lock_booking
from config.i18n import language_now
from ledger.money import amount_text
from payments.errors import (
    AmountNotTaken,
    BookingEnded,
    CurrencyNotTaken,
    ForeignAddress,
    GatewayDown,
    NoDeposit,
    NoOwnForm,
    NotAgreedYet,
    NothingDue,
    PaymentDeclined,
    PaymentOver,
    PaymentUnderWay,
    TimeToPayOver,
)
from payments.gateways.amounts import may_be_paid
from payments.gateways.interface import (
    Gateway,
    GatewayAuthError,
    GatewayConflict,
    GatewayDeclined,
    GatewayError,
    GatewayInvalidRequest,
)
from payments.gateways.registry import offered_gateway
from payments.models import OPEN, Payment, PaymentFlag, PaymentStatus
from payments.services.checks import check_payment, refused
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
    own_form: bool = False,
    deposit: bool = False,
    actor: Any = None,
) -> Payment:
    """Open an attempt to pay all that is due for the booking, or its deposit; `action` says what the payer does next.

    The amount is ours, never the caller's. With `own_form` the payer pays on the client's own page. One attempt is open per
    booking: asked again, it is gone on with, unless its gateway, amount or time no longer fit; then it is ended at its
    gateway first. `client_key` finds the attempt that an earlier, crashed run of the same request began. `return_url` and
    `cancel_url` must be ours or trusted. Raises `UnknownGateway`, `NoOwnForm`, `CurrencyNotTaken`, `AmountNotTaken`,
    `ForeignAddress`, `BookingNotFound`, `BookingEnded`, `TimeToPayOver`, `NothingDue`, `NoDeposit`, `PaymentUnderWay`,
    `PaymentDeclined`, `GatewayDown`.
    """
    adapter = offered_gateway(gateway)
    if own_form and not adapter.capabilities.own_form:
        raise NoOwnForm(gateway=gateway)
    for address in (return_url, cancel_url):
        refuse_foreign(address)
    asked = {"return_url": return_url, "cancel_url": cancel_url, "client_key": client_key, "own_form": own_form}
    payment, in_the_way = _find_or_open(booking_id, adapter, asked, deposit, actor)
    if in_the_way is not None:
        end_attempt(in_the_way)
        payment, in_the_way = _find_or_open(booking_id, adapter, asked, deposit, actor)
    if payment is None:
        raise PaymentUnderWay(details={"payment": in_the_way.number if in_the_way else ""})
    if payment.is_open and not payment.action:
        return _open_there(payment, adapter)
    return payment


def finish_payment(*, payment_id: UUID, actor: Any = None) -> Payment:
    """The payer says that they have done their part: ask the gateway, and take the money that they agreed to.

    Safe to repeat. Raises `PaymentNotFound`, `NotAgreedYet`, `PaymentDeclined`, `PaymentOver`, `GatewayDown`.
    """
    try:
        payment = check_payment(payment_id=payment_id, actor=actor)
    except GatewayError as trouble:
        logger.warning("payment %s is unclear: %s", payment_id, trouble)
        raise GatewayDown(retry_after=5) from trouble
    match payment.status:
        case PaymentStatus.PENDING:
            raise NotAgreedYet
        case PaymentStatus.FAILED:
            raise PaymentDeclined(details={"payment": payment.number, "code": payment.failure_code})
        case PaymentStatus.CANCELLED:
            raise PaymentOver(number=payment.number)
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
    booking_id: UUID, adapter: Gateway, asked: dict[str, Any], deposit: bool, actor: Any
) -> tuple[Payment | None, Payment | None]:
    """The attempt to go on with, or the one that stands in the way of a new one."""
    booking = lock_booking(booking_id)
    if asked["client_key"]:
        begun = Payment.objects.filter(booking=booking, client_key=asked["client_key"]).first()
        if begun is not None:
            begun.booking = booking
            return begun, None
    refuse_unpayable(booking)
    amount = amount_asked(booking, deposit)
    _refuse_amount(booking, adapter, amount)
    open_one = Payment.objects.filter(booking=booking, status__in=OPEN).first()
    if open_one is None:
        return new_attempt(booking, adapter, amount, actor=actor, **asked), None
    open_one.booking = booking
    if not _still_fits(open_one, amount, booking, adapter, asked["own_form"]):
        return None, open_one
    if (asked["return_url"], asked["cancel_url"]) != (open_one.return_url, open_one.cancel_url):
        open_one.return_url, open_one.cancel_url = asked["return_url"], asked["cancel_url"]
        open_one.save(update_fields=["return_url", "cancel_url", "updated_at"])
    return open_one, None


def refuse_unpayable(booking: Booking) -> None:
    """Raises `TimeToPayOver`, `BookingEnded`, `NothingDue` where no payment of the booking may begin."""
    if booking.status == BookingStatus.EXPIRED:
        raise TimeToPayOver(reference=booking.reference)
    if booking.status not in PAYABLE:
        raise BookingEnded(reference=booking.reference, status=booking.get_status_display())
    if booking.status == BookingStatus.PENDING_PAYMENT and booking.expires_at and booking.expires_at <= now():
        raise TimeToPayOver(reference=booking.reference)
    if booking.amount_due <= 0:
        raise NothingDue(reference=booking.reference)


def amount_asked(booking: Booking, deposit: bool) -> Decimal:
    """All that is due, or what is missing for the deposit. Raises `NoDeposit` where none was agreed, or it is paid."""
    if not deposit:
        return booking.amount_due
    if booking.deposit_due <= 0:
        raise NoDeposit(reference=booking.reference)
    return booking.deposit_due


def _refuse_amount(booking: Booking, adapter: Gateway, amount: Decimal) -> None:
    currencies = adapter.capabilities.currencies
    if currencies and booking.currency not in currencies:
        raise CurrencyNotTaken(gateway=adapter.code, currency=booking.currency)
    if not may_be_paid(adapter, amount, booking.currency):
        due = amount_text(amount, booking.currency)
        raise AmountNotTaken(gateway=adapter.code, amount=due, currency=booking.currency)


def _still_fits(payment: Payment, amount: Decimal, booking: Booking, adapter: Gateway, own_form: bool) -> bool:
    return (
        payment.gateway == adapter.code
        and payment.own_form == own_form
        and payment.amount == amount
        and payment.currency == booking.currency
        and payment.expires_at is not None
        and payment.expires_at > now()
    )


def new_attempt(booking: Booking, adapter: Gateway, amount: Decimal, *, actor: Any = None, **asked: Any) -> Payment:
    """The row and its key, for this amount of what is due, before anything is sent; `asked` are fields of it.

    The caller has locked the booking.
    """
    waits_for_payment = booking.status == BookingStatus.PENDING_PAYMENT
    payment = Payment(
        number=free_number(Payment, "PAY"),
        booking=booking,
        gateway=adapter.code,
        amount=amount,
        currency=booking.currency,
        language=language_now(),
        created_by_id=actor.pk if actor else None,
        expires_at=booking.expires_at if waits_for_payment else now() + WITHOUT_HOLD,
        check_at=now() + settings.PAYMENT_UNCLEAR_AFTER,
        **asked,
    )
    payment.idempotency_key = f"{adapter.code}:payment:{payment.pk}"
    payment.save(force_insert=True)
    payment.note("begun", new_status=payment.status, actor=actor)
    return payment


def _open_there(payment: Payment, adapter: Gateway) -> Payment:
    try:
        state = adapter.create(intent_of(payment), idempotency_key=payment.idempotency_key)
    except GatewayDeclined as refusal:
        apply_remote_state(payment.pk, refused(payment, refusal))
        raise PaymentDeclined(details={"payment": payment.number, "code": refusal.code}) from refusal
    except (GatewayInvalidRequest, GatewayConflict) as bug:
        _store_bug(payment.pk, bug)
        raise GatewayDown(details={"payment": payment.number}, retry_after=60) from bug
    except GatewayAuthError as fault:
        logger.exception("the gateway %s does not know us", adapter.code)
        raise GatewayDown(details={"payment": payment.number}, retry_after=60) from fault
    except GatewayError as trouble:
        logger.warning("payment %s waits: %s", payment.number, trouble)
        raise GatewayDown(details={"payment": payment.number}, retry_after=5) from trouble
    return apply_remote_state(payment.pk, state)


@transaction.atomic
def _store_bug(payment_id: UUID, bug: GatewayError) -> None:
    """The gateway does not take what we sent: this attempt is over, staff must know."""
    payment = lock_payment(payment_id)
    payment.raise_flag(PaymentFlag.REQUEST_REFUSED, str(bug))
    if payment.is_open and not payment.gateway_reference:
        payment.move_to(PaymentStatus.FAILED, reason="request_refused")
        payment.check_at = None
        payment.save(update_fields=["check_at", "updated_at"])


def end_attempt(payment: Payment) -> None:
    """End an attempt that no longer fits. Whatever its gateway says it has become counts."""
    try:
        check_payment(payment_id=payment.pk, end_it=True)
    except GatewayError as trouble:
        raise GatewayDown(details={"payment": payment.number}, retry_after=5) from trouble
