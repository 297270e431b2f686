"""Stripe, by its official SDK: Checkout (the hosted page) by default, a PaymentIntent for the client's own form.

Two things are worth knowing. A Checkout Session stays open after a refused card, because the payer tries another one on
the same page; so an open session is PENDING whatever its last card said. And Stripe has no way to ask for an object by
our id: an attempt whose creation was never answered is looked for among the newest objects by its metadata.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import requests
import stripe
from django.conf import settings

from payments.gateways.amounts import can_be_told
from payments.gateways.http import CONNECT_SECONDS, redacted
from payments.gateways.interface import (
    Capabilities,
    GatewayAuthError,
    GatewayConflict,
    GatewayDeclined,
    GatewayInvalidRequest,
    GatewayNotFound,
    GatewayUnavailable,
    GatewayUncertain,
    MalformedNotice,
    NormalizedEvent,
    PaymentIntent,
    RefundOrder,
    RemoteRefund,
    RemoteState,
    SignatureInvalid,
)
from payments.gateways.stripe_amounts import CURRENCIES, LEAST, from_wire, to_wire

# The SDK tells of each call, at a lower level with all that was sent.
logging.getLogger("stripe").setLevel(logging.WARNING)

VALID_FOR = 300  # seconds that a signature counts
RETRIES = 2
MOST_LISTED = 1000  # objects looked through for one whose id we were never told
CLOCKS_DIFFER_BY = timedelta(minutes=2)
# A session must end 30 minutes to 24 hours after Stripe hears of it; a retry may come half an hour after the first try.
# Ours ends sooner: at the end of the attempt the session is expired.
SHORTEST_SESSION, LONGEST_SESSION = timedelta(minutes=65), timedelta(hours=23, minutes=30)

INTENT_STATUSES = {
    "requires_payment_method": "PENDING",
    "requires_confirmation": "PENDING",
    "requires_action": "PROCESSING",
    "processing": "PROCESSING",
    "requires_capture": "PROCESSING",
    "succeeded": "PAID",
    "canceled": "CANCELLED",
}
REFUND_STATUSES = {
    "pending": "PENDING",
    "requires_action": "PENDING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "canceled": "FAILED",
}
EVENTS = {
    "checkout.session.async_payment_succeeded": "payment.succeeded",
    "checkout.session.async_payment_failed": "payment.failed",
    "checkout.session.expired": "payment.cancelled",
    "payment_intent.succeeded": "payment.succeeded",
    "payment_intent.payment_failed": "payment.failed",
    "payment_intent.processing": "payment.processing",
    "payment_intent.canceled": "payment.cancelled",
    "charge.refunded": "refund.succeeded",
    "charge.dispute.created": "dispute.opened",
    "charge.dispute.closed": "dispute.closed",
}
REFUND_EVENTS = {"refund.created", "refund.updated", "refund.failed"}
CONFLICTS = {"charge_already_refunded", "payment_intent_unexpected_state", "checkout_session_not_open"}
OUT_OF_RANGE = {"amount_too_small", "amount_too_large"}


@lru_cache(maxsize=8)
def _client(key: str, base: str, read_seconds: float) -> stripe.StripeClient:
    session = requests.Session()
    session.trust_env = False
    session.mount(base, requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=32))
    return stripe.StripeClient(
        key,
        base_addresses={"api": base},
        max_network_retries=RETRIES,  # the SDK's own default does not reach a client
        http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, read_seconds), session=session),
    )


@contextmanager
def _told_apart() -> Iterator[None]:
    """The SDK's errors in the words of the interface."""
    try:
        yield
    except stripe.CardError as refusal:
        code = str(refusal.code or "card_declined")
        raise GatewayDeclined(code, str(refusal.user_message or "")) from refusal
    except stripe.IdempotencyError as conflict:
        raise GatewayConflict(str(conflict)) from conflict
    except stripe.InvalidRequestError as fault:
        if fault.code in CONFLICTS:
            raise GatewayConflict(str(fault)) from fault
        if fault.code == "resource_missing" or fault.http_status == 404:
            raise GatewayNotFound(str(fault)) from fault
        if fault.code in OUT_OF_RANGE:
            raise GatewayDeclined(str(fault.code), str(fault.user_message or "")) from fault
        raise GatewayInvalidRequest(str(fault)) from fault
    except (stripe.AuthenticationError, stripe.PermissionError) as fault:
        raise GatewayAuthError(str(fault)) from fault
    except stripe.RateLimitError as fault:
        raise GatewayUnavailable(str(fault)) from fault
    except stripe.StripeError as trouble:
        # No connection, no answer, 5xx, an answer that is none; and 409: the same request is still being worked on.
        raise GatewayUncertain(f"{type(trouble).__name__}: {trouble}") from trouble


class Stripe:
    code = "stripe"
    capabilities = Capabilities(currencies=CURRENCIES, least=LEAST, refund_async=True, own_form=True)
    signature_headers: tuple[str, ...] = ("Stripe-Signature",)

    @property
    def health_url(self) -> str:
        return str(settings.STRIPE_API_BASE)

    def is_configured(self) -> bool:
        return bool(settings.STRIPE_SECRET_KEY and settings.STRIPE_PUBLISHABLE_KEY and settings.STRIPE_WEBHOOK_SECRET)

    def takes(self, amount: Decimal, currency: str) -> bool:
        return can_be_told(to_wire, amount, currency)

    def create(self, intent: PaymentIntent, *, idempotency_key: str) -> RemoteState:
        options: Any = {"idempotency_key": idempotency_key}
        with _told_apart():
            if intent.own_form:
                return _intent_state(self._api.payment_intents.create(self._intent_params(intent), options))
            return _session_state(self._api.checkout.sessions.create(self._session_params(intent), options))

    def fetch(self, intent: PaymentIntent) -> RemoteState:
        with _told_apart():
            reference = intent.gateway_reference or self._find(intent)
            if intent.own_form:
                return _intent_state(self._api.payment_intents.retrieve(reference, {"expand": ["latest_charge"]}))
            return _session_state(
                self._api.checkout.sessions.retrieve(reference, {"expand": ["payment_intent.latest_charge"]})
            )

    def capture(self, intent: PaymentIntent, *, idempotency_key: str) -> RemoteState:
        """It takes the money by itself when the payer agrees."""
        return self.fetch(intent)

    def cancel(self, intent: PaymentIntent) -> RemoteState:
        # A key for the tries of this call only: Stripe would answer a later call with the refusal of an earlier one.
        options: Any = {"idempotency_key": f"stripe:cancel:{intent.payment_id}:{uuid4().hex}"}
        reference = intent.gateway_reference
        if intent.own_form:
            with _told_apart():
                cancelled = self._api.payment_intents.cancel(reference, {"cancellation_reason": "abandoned"}, options)
                return _intent_state(cancelled)
        try:
            with _told_apart():
                return _session_state(self._api.checkout.sessions.expire(reference, {}, options))
        except GatewayInvalidRequest as refusal:
            # Stripe gives no code for "only open sessions can be expired".
            raise GatewayConflict(str(refusal)) from refusal

    def refund(self, order: RefundOrder) -> RemoteRefund:
        params: Any = {
            "payment_intent": order.captured_reference,
            "amount": to_wire(order.amount, order.currency),
            "reason": "requested_by_customer",
            "metadata": {"refund_id": str(order.refund_id), "number": order.reason},
        }
        with _told_apart():
            return _refund_state(self._api.refunds.create(params, {"idempotency_key": order.idempotency_key}))

    def fetch_refund(self, order: RefundOrder) -> RemoteRefund:
        with _told_apart():
            if order.gateway_reference:
                return _refund_state(self._api.refunds.retrieve(order.gateway_reference))
            made = self._api.refunds.list({"payment_intent": order.captured_reference, "limit": 100})
            for refund in made.auto_paging_iter():
                if _metadata(refund).get("refund_id") == str(order.refund_id):
                    return _refund_state(refund)
        raise GatewayNotFound(f"no refund {order.refund_id}")

    def verify_notice(self, body: bytes, headers: Mapping[str, str]) -> None:
        header = headers.get("Stripe-Signature", "")
        if not header.isascii():
            raise SignatureInvalid("no signature")
        try:
            stripe.WebhookSignature.verify_header(body, header, settings.STRIPE_WEBHOOK_SECRET, VALID_FOR)
        except (stripe.SignatureVerificationError, UnicodeDecodeError) as fault:
            raise SignatureInvalid(str(fault)) from fault

    def read_notice(self, body: bytes) -> NormalizedEvent:
        try:
            event = orjson.loads(body)
            about = event["data"]["object"]
            # Only objects of a payment name an amount of their own; those of a session are totals.
            counted, currency = about.get("amount", about.get("amount_total")), str(about.get("currency") or "").upper()
            return NormalizedEvent(
                gateway=self.code,
                dedupe_key=str(event["id"])[:255],
                type=_type_of(event["type"], about),
                payment_refs=_names_of(about),
                refund_ref=str(about["id"]) if about["object"] == "refund" else "",
                amount=from_wire(int(counted), currency) if counted is not None else None,
                currency=currency or None,
                occurred_at=datetime.fromtimestamp(event["created"], UTC) if "created" in event else None,
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError) as fault:
            raise MalformedNotice(f"{type(fault).__name__}: {fault}") from fault

    @property
    def _api(self) -> Any:
        return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, settings.GATEWAY_READ_SECONDS).v1

    def _find(self, intent: PaymentIntent) -> str:
        """The id of the attempt's object, by our id in its metadata. Raises `GatewayNotFound`."""
        since = int((intent.begun_at - CLOCKS_DIFFER_BY).timestamp())
        if intent.own_form:
            newest_first = self._api.payment_intents.list({"created": {"gte": since}, "limit": 100})
        else:
            newest_first = self._api.checkout.sessions.list({"limit": 100})
        for place, found in enumerate(newest_first.auto_paging_iter()):
            if found.created < since or place >= MOST_LISTED:
                break
            if _metadata(found).get("payment_id") == str(intent.payment_id):
                return str(found.id)
        raise GatewayNotFound(f"no payment for {intent.payment_id}")

    def _session_params(self, intent: PaymentIntent) -> Any:
        names = {"payment_id": str(intent.payment_id), "number": intent.number}
        at_least, at_most = intent.begun_at + SHORTEST_SESSION, intent.begun_at + LONGEST_SESSION
        separator = "&" if urlsplit(intent.return_url).query else "?"
        return {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": intent.currency.lower(),
                        "unit_amount": to_wire(intent.amount, intent.currency),
                        "product_data": {"name": intent.description},
                    },
                }
            ],
            "success_url": f"{intent.return_url}{separator}session_id={{CHECKOUT_SESSION_ID}}",
            "cancel_url": intent.cancel_url,
            "client_reference_id": str(intent.payment_id),
            "metadata": names,
            "payment_intent_data": {"metadata": names, "description": intent.description},
            "expires_at": int(min(max(intent.expires_at, at_least), at_most).timestamp()),
            "locale": "en" if intent.language == "en" else "auto",  # Checkout speaks no Arabic yet
        }

    def _intent_params(self, intent: PaymentIntent) -> Any:
        return {
            "amount": to_wire(intent.amount, intent.currency),
            "currency": intent.currency.lower(),
            "automatic_payment_methods": {"enabled": True},
            "description": intent.description,
            "metadata": {"payment_id": str(intent.payment_id), "number": intent.number},
        }


def _metadata(found: Any) -> dict[str, Any]:
    return found.metadata.to_dict() if found.metadata else {}


def _session_state(session: Any) -> RemoteState:
    """What a Checkout Session and, where it has one already, its PaymentIntent say."""
    try:
        currency = session.currency.upper()
        intent = session.payment_intent if isinstance(session.payment_intent, stripe.PaymentIntent) else None
        amount = from_wire(session.amount_total, currency)
        error = intent.last_payment_error if intent is not None else None
        captured = ""
        if session.payment_status == "paid":
            status = "PAID"
            captured = str(intent.id if intent is not None else session.payment_intent or "")
            if intent is not None and intent.currency == session.currency:
                amount = from_wire(intent.amount_received, currency)
        elif session.status == "open":
            status = "PENDING"
        elif session.status == "expired" or (intent is not None and intent.status == "canceled"):
            status = "CANCELLED"
        else:  # complete, unpaid: a method that takes its time
            is_refused = intent is not None and intent.status == "requires_payment_method" and error is not None
            status = "FAILED" if is_refused else "PROCESSING"
        return RemoteState(
            status=status,
            amount=amount,
            currency=currency,
            gateway_reference=session.id,
            captured_reference=captured,
            refunded_amount=_refunded(intent, currency),
            failure_code=_error_code(error),
            failure_message=str(getattr(error, "message", "") or ""),
            action={"type": "redirect", "url": session.url} if status == "PENDING" and session.url else {},
            raw=redacted(session.to_dict()),
        )
    except (AttributeError, KeyError, TypeError) as fault:
        raise GatewayUncertain(f"an answer that cannot be read: {fault!r}") from fault


def _intent_state(intent: Any) -> RemoteState:
    try:
        currency = intent.currency.upper()
        status, error = INTENT_STATUSES[intent.status], intent.last_payment_error
        if intent.status == "requires_payment_method" and error is not None:
            status = "FAILED"
        paid = status == "PAID"
        return RemoteState(
            status=status,
            amount=from_wire(intent.amount_received if paid else intent.amount, currency),
            currency=currency,
            gateway_reference=intent.id,
            captured_reference=intent.id if paid else "",
            refunded_amount=_refunded(intent, currency),
            failure_code=_error_code(error),
            failure_message=str(getattr(error, "message", "") or ""),
            may_end=intent.status == "requires_action",
            action={
                "type": "client_secret",
                "value": intent.client_secret,
                "publishable_key": settings.STRIPE_PUBLISHABLE_KEY,
            },
            raw=redacted(intent.to_dict()),
        )
    except (AttributeError, KeyError, TypeError) as fault:
        raise GatewayUncertain(f"an answer that cannot be read: {fault!r}") from fault


def _error_code(error: Any) -> str:
    return str(getattr(error, "decline_code", None) or getattr(error, "code", None) or "declined") if error else ""


def _refunded(intent: Any, currency: str) -> Decimal:
    charge = intent.latest_charge if intent is not None else None
    return from_wire(charge.amount_refunded, currency) if isinstance(charge, stripe.Charge) else Decimal(0)


def _refund_state(refund: Any) -> RemoteRefund:
    try:
        return RemoteRefund(
            status=REFUND_STATUSES[refund.status],
            gateway_reference=refund.id,
            amount=from_wire(refund.amount, refund.currency.upper()),
            failure_message=str(getattr(refund, "failure_reason", "") or ""),
        )
    except (AttributeError, KeyError, TypeError) as fault:
        raise GatewayUncertain(f"an answer that cannot be read: {fault!r}") from fault


def _type_of(event_type: str, about: dict[str, Any]) -> str:
    if event_type == "checkout.session.completed":
        # Unpaid: a method that takes its time. What becomes of it, an async_payment event says.
        return "payment.succeeded" if about["payment_status"] == "paid" else "payment.processing"
    if event_type in REFUND_EVENTS:
        return f"refund.{REFUND_STATUSES[about['status']].lower()}"
    return EVENTS.get(event_type, "ignored")


def _names_of(about: dict[str, Any]) -> tuple[str, ...]:
    """Every id that may name the payment, ours first."""
    ours = (about.get("metadata") or {}).get("payment_id") or about.get("client_reference_id")
    theirs = (about["id"], about.get("payment_intent"))
    return tuple(str(name) for name in (ours, *theirs) if isinstance(name, str) and name)
