"""PayPal, orders v2: the payer agrees on PayPal's page, then we capture. An order that nobody captures never costs anything.

The official SDK cannot be pointed at another address and does not verify webhooks, so the few calls are made here.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx
import orjson
from django.conf import settings
from django.core.cache import cache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from payments.gateways import paypal_signatures
from payments.gateways.amounts import can_be_told
from payments.gateways.http import send, understood
from payments.gateways.interface import (
    Capabilities,
    GatewayAuthError,
    GatewayConflict,
    GatewayInvalidRequest,
    GatewayNotFound,
    GatewayUncertain,
    MalformedNotice,
    NormalizedEvent,
    PaymentIntent,
    RefundOrder,
    RemoteRefund,
    RemoteState,
    SignatureInvalid,
)
from payments.gateways.paypal_answers import (
    captures_of,
    money,
    names_of,
    payments_of,
    refund_state,
    refuse,
    state_of,
    unit_of,
)

CURRENCIES = frozenset(
    "AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP SGD SEK CHF THB USD".split()  # noqa: SIM905
)
WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
LOCALES = {"en": "en-US", "ar": "ar-EG"}
TOKEN_MARGIN = 60  # seconds before its end at which a token is not used any more
EVENTS = {
    "CHECKOUT.ORDER.APPROVED": "payment.authorized",
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": "payment.cancelled",
    "PAYMENT.CAPTURE.COMPLETED": "payment.succeeded",
    "PAYMENT.CAPTURE.PENDING": "payment.processing",
    "PAYMENT.CAPTURE.DENIED": "payment.failed",
    "PAYMENT.CAPTURE.DECLINED": "payment.failed",
    "PAYMENT.CAPTURE.REFUNDED": "refund.succeeded",
    "PAYMENT.CAPTURE.REVERSED": "dispute.opened",
    "CUSTOMER.DISPUTE.CREATED": "dispute.opened",
    "CUSTOMER.DISPUTE.RESOLVED": "dispute.closed",
}


def to_wire(amount: Decimal, currency: str) -> str:
    """The amount as PayPal writes it. Raises `GatewayInvalidRequest` rather than rounding."""
    decimals = 0 if currency in WITHOUT_DECIMALS else 2
    if currency not in CURRENCIES or amount.scaleb(decimals) % 1:
        raise GatewayInvalidRequest(f"PayPal cannot be asked for {amount} {currency}")
    return f"{amount:.{decimals}f}"


def _remembered(name: str) -> Any:
    """What the cache knows; nothing while it is away: then each call fetches a token of its own."""
    try:
        return cache.get(name)
    except (ConnectionInterrupted, RedisError):
        return None


def _remember(name: str, token: str, seconds: int) -> None:
    with suppress(ConnectionInterrupted, RedisError):
        cache.set(name, token, seconds)


class PayPal:
    code = "paypal"
    capabilities = Capabilities(currencies=CURRENCIES, refund_async=True)
    signature_headers: tuple[str, ...] = paypal_signatures.HEADERS

    @property
    def health_url(self) -> str:
        return str(settings.PAYPAL_API_BASE)

    def is_configured(self) -> bool:
        return bool(settings.PAYPAL_CLIENT_ID and settings.PAYPAL_CLIENT_SECRET and settings.PAYPAL_WEBHOOK_ID)

    def takes(self, amount: Decimal, currency: str) -> bool:
        return can_be_told(to_wire, amount, currency)

    def create(self, intent: PaymentIntent, *, idempotency_key: str) -> RemoteState:
        unit = {
            "reference_id": "default",
            "custom_id": str(intent.payment_id),
            "invoice_id": intent.number,
            "description": intent.description[:127],
            "amount": {"currency_code": intent.currency, "value": to_wire(intent.amount, intent.currency)},
        }
        experience = {
            "return_url": intent.return_url,
            "cancel_url": intent.cancel_url,
            "user_action": "PAY_NOW",
            "shipping_preference": "NO_SHIPPING",
            "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
            "locale": LOCALES[intent.language],
        }
        body = {
            "intent": "CAPTURE",
            "purchase_units": [unit],
            "payment_source": {"paypal": {"experience_context": experience}},
        }
        return state_of(self._call("POST", "/v2/checkout/orders", body, key=idempotency_key))

    def fetch(self, intent: PaymentIntent) -> RemoteState:
        return state_of(self._order(intent.gateway_reference))

    def capture(self, intent: PaymentIntent, *, idempotency_key: str) -> RemoteState:
        path = f"/v2/checkout/orders/{intent.gateway_reference}/capture"
        return state_of(self._call("POST", path, {}, key=idempotency_key))

    def cancel(self, intent: PaymentIntent) -> RemoteState:
        """PayPal knows no such call, and needs none: what we never capture, nobody pays."""
        order = self._order(intent.gateway_reference)
        if captures_of(order):
            raise GatewayConflict(f"order {intent.gateway_reference} is captured")
        amount, currency = money(unit_of(order)["amount"])
        return RemoteState(
            status="CANCELLED", amount=amount, currency=currency, gateway_reference=intent.gateway_reference
        )

    def refund(self, order: RefundOrder) -> RemoteRefund:
        body = {
            "amount": {"currency_code": order.currency, "value": to_wire(order.amount, order.currency)},
            "custom_id": str(order.refund_id),
            "invoice_id": order.reason,
        }
        path = f"/v2/payments/captures/{order.captured_reference}/refund"
        return refund_state(self._call("POST", path, body, key=order.idempotency_key))

    def fetch_refund(self, order: RefundOrder) -> RemoteRefund:
        if order.gateway_reference:
            return refund_state(self._call("GET", f"/v2/payments/refunds/{order.gateway_reference}"))
        for refund in payments_of(self._order(order.payment_reference)).get("refunds", []):
            if refund.get("custom_id") == str(order.refund_id):
                return refund_state(refund)
        raise GatewayNotFound(f"no refund {order.refund_id}")

    def verify_notice(self, body: bytes, headers: Mapping[str, str]) -> None:
        """By the certificate, here; by asking PayPal where `PAYPAL_VERIFY` is `call` or the certificate cannot be had."""
        if settings.PAYPAL_VERIFY == "certificate":
            try:
                paypal_signatures.verify(body, headers, settings.PAYPAL_WEBHOOK_ID)
                return
            except paypal_signatures.NoCertificate as trouble:
                told = str(trouble)
        else:
            paypal_signatures.checked_headers(headers)
            told = ""
        if not self._vouches_for(body, headers):
            raise SignatureInvalid(f"PayPal does not know it. {told}".strip())

    def read_notice(self, body: bytes) -> NormalizedEvent:
        try:
            event = orjson.loads(body)
            about = event["resource"]
            amount, currency = money(about["amount"]) if "amount" in about else (None, None)
            type_ = EVENTS.get(event["event_type"], "ignored")
            return NormalizedEvent(
                gateway=self.code,
                dedupe_key=str(event["id"])[:255],
                type=type_,
                payment_refs=names_of(about),
                refund_ref=str(about["id"]) if type_.startswith("refund.") else "",
                amount=amount,
                currency=currency,
            )
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation, GatewayUncertain) as fault:
            raise MalformedNotice(f"{type(fault).__name__}: {fault}") from fault

    # --- calls ---

    def _order(self, order_id: str) -> dict[str, Any]:
        if not order_id:
            # Orders cannot be looked up by an id of ours. Nobody has the address at which this one could be approved.
            raise GatewayNotFound("an order whose id was never told")
        return self._call("GET", f"/v2/checkout/orders/{order_id}")

    def _call(self, method: str, path: str, body: Any = None, *, key: str = "") -> dict[str, Any]:
        content = orjson.dumps(body) if body is not None else None
        return self._send(method, path, content, key)

    def _send(self, method: str, path: str, content: bytes | None, key: str) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Prefer": "return=representation"}
        if key:
            headers["PayPal-Request-Id"] = key
        may_repeat = method == "GET" or bool(key)
        for is_fresh in (False, True):
            headers["Authorization"] = f"Bearer {self._token(is_fresh)}"
            response = send(
                settings.PAYPAL_API_BASE, method, path, headers=headers, may_repeat=may_repeat, content=content
            )
            if response.status_code != httpx.codes.UNAUTHORIZED:
                break  # else the token was withdrawn before its time: once more with another
        return understood(response) if response.is_success else refuse(response)

    def _token(self, is_fresh: bool) -> str:
        name = f"paypal-token:{settings.PAYPAL_API_BASE}:{settings.PAYPAL_CLIENT_ID}"
        token = None if is_fresh else _remembered(name)
        if token is None:
            response = send(
                settings.PAYPAL_API_BASE,
                "POST",
                "/v1/oauth2/token",
                headers={"Accept": "application/json"},
                may_repeat=True,
                data={"grant_type": "client_credentials"},
                auth=(settings.PAYPAL_CLIENT_ID, settings.PAYPAL_CLIENT_SECRET),
            )
            if not response.is_success:
                raise GatewayAuthError(f"PayPal gives no token: {response.status_code}")
            answer = understood(response)
            try:
                token, lasts = str(answer["access_token"]), int(answer["expires_in"]) - TOKEN_MARGIN
            except (KeyError, ValueError, TypeError) as fault:
                raise GatewayUncertain(f"a token that cannot be read: {fault!r}") from fault
            if lasts > 0:
                _remember(name, token, lasts)
        return str(token)

    def _vouches_for(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether PayPal says that it sent these bytes. They travel as they came: the order of keys counts."""
        try:
            is_object = isinstance(json.loads(body), dict)
        except (ValueError, RecursionError):
            is_object = False
        if not is_object:
            return False  # spliced in, it could say anything
        asked = {
            "auth_algo": headers["Paypal-Auth-Algo"],
            "cert_url": headers["Paypal-Cert-Url"],
            "transmission_id": headers["Paypal-Transmission-Id"],
            "transmission_sig": headers["Paypal-Transmission-Sig"],
            "transmission_time": headers["Paypal-Transmission-Time"],
            "webhook_id": settings.PAYPAL_WEBHOOK_ID,
        }
        content = orjson.dumps(asked)[:-1] + b',"webhook_event":' + body + b"}"
        path = "/v1/notifications/verify-webhook-signature"
        try:
            answer = self._send("POST", path, content, key="")
        except GatewayInvalidRequest:
            return False
        return answer.get("verification_status") == "SUCCESS"
