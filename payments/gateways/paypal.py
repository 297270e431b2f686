"""PayPal, orders v2: the payer agrees on PayPal's page, then we capture. An order that nobody captures never costs anything.

The official SDK cannot be pointed at another address and does not verify webhooks, so the few calls are made here.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx
import orjson
from django.conf import settings
from django.core.cache import cache

from payments.gateways import paypal_signatures
from payments.gateways.http import json_object, redacted, send, understood
from payments.gateways.interface import (
    Capabilities,
    GatewayAuthError,
    GatewayConflict,
    GatewayDeclined,
    GatewayError,
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

CURRENCIES = frozenset(
    "AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP SGD SEK CHF THB USD".split()  # noqa: SIM905
)
WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
LOCALES = {"en": "en-US", "ar": "ar-EG"}
TOKEN_MARGIN = 60  # seconds before its end at which a token is not used any more

# An order that has no capture yet.
ORDER_STATUSES = {
    "CREATED": "PENDING",
    "SAVED": "PENDING",
    "PAYER_ACTION_REQUIRED": "PENDING",
    "APPROVED": "PROCESSING",
    "COMPLETED": "PROCESSING",
    "VOIDED": "CANCELLED",
}
CAPTURED = {"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"}
CAPTURE_REFUSED = {"DECLINED", "FAILED"}
REFUND_STATUSES = {"PENDING": "PENDING", "COMPLETED": "SUCCEEDED", "FAILED": "FAILED", "CANCELLED": "FAILED"}
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
DECLINED = {
    "INSTRUMENT_DECLINED",
    "PAYER_CANNOT_PAY",
    "TRANSACTION_REFUSED",
    "PAYEE_BLOCKED_TRANSACTION",
    "PAYER_ACCOUNT_RESTRICTED",
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
    "TRANSACTION_LIMIT_EXCEEDED",
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED",
    "TRANSACTION_BLOCKED_BY_PAYEE",
    "COMPLIANCE_VIOLATION",
    "DOMESTIC_TRANSACTION_REQUIRED",
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
    "REFUND_AMOUNT_EXCEEDED",
    "REFUND_TIME_LIMIT_EXCEEDED",
    "PARTIAL_REFUND_NOT_ALLOWED",
    "REFUND_FAILED_INSUFFICIENT_FUNDS",
    "TRANSACTION_DISPUTED",
}
CONFLICTS = {
    "ORDER_ALREADY_CAPTURED",
    "ORDER_NOT_APPROVED",
    "PAYER_ACTION_REQUIRED",
    "DUPLICATE_INVOICE_ID",
    "CAPTURE_FULLY_REFUNDED",
}
# The same request is still being worked on, or it is too early for it: nothing is decided.
TOO_EARLY = {"PREVIOUS_REQUEST_IN_PROGRESS", "ORDER_COMPLETION_IN_PROGRESS", "PENDING_CAPTURE"}
ISSUE = re.compile(r"[A-Z_]{1,60}")


def to_wire(amount: Decimal, currency: str) -> str:
    """The amount as PayPal writes it. Raises `GatewayInvalidRequest` rather than rounding."""
    decimals = 0 if currency in WITHOUT_DECIMALS else 2
    if currency not in CURRENCIES or amount.scaleb(decimals) % 1:
        raise GatewayInvalidRequest(f"PayPal cannot be asked for {amount} {currency}")
    return f"{amount:.{decimals}f}"


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
        try:
            to_wire(amount, currency)
        except GatewayInvalidRequest:
            return False
        return True

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
        return _state(self._call("POST", "/v2/checkout/orders", body, key=idempotency_key))

    def fetch(self, intent: PaymentIntent) -> RemoteState:
        return _state(self._order(intent.gateway_reference))

    def capture(self, intent: PaymentIntent, *, idempotency_key: str) -> RemoteState:
        path = f"/v2/checkout/orders/{intent.gateway_reference}/capture"
        return _state(self._call("POST", path, {}, key=idempotency_key))

    def cancel(self, intent: PaymentIntent) -> RemoteState:
        """PayPal knows no such call, and needs none: what we never capture, nobody pays."""
        order = self._order(intent.gateway_reference)
        if _captures(order):
            raise GatewayConflict(f"order {intent.gateway_reference} is captured")
        amount, currency = _money(_unit(order)["amount"])
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
        return _refund_state(self._call("POST", path, body, key=order.idempotency_key))

    def fetch_refund(self, order: RefundOrder) -> RemoteRefund:
        if order.gateway_reference:
            return _refund_state(self._call("GET", f"/v2/payments/refunds/{order.gateway_reference}"))
        for refund in _payments(self._order(order.payment_reference)).get("refunds", []):
            if refund.get("custom_id") == str(order.refund_id):
                return _refund_state(refund)
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
            amount, currency = _money(about["amount"]) if "amount" in about else (None, None)
            type_ = EVENTS.get(event["event_type"], "ignored")
            return NormalizedEvent(
                gateway=self.code,
                dedupe_key=str(event["id"])[:255],
                type=type_,
                payment_refs=_names_of(about),
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
        return understood(response) if response.is_success else _refuse(response)

    def _token(self, is_fresh: bool) -> str:
        name = f"paypal-token:{settings.PAYPAL_API_BASE}:{settings.PAYPAL_CLIENT_ID}"
        token = None if is_fresh else cache.get(name)
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
                cache.set(name, token, lasts)
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


def _refuse(response: httpx.Response) -> Any:
    """Raise what an answer that is no success means."""
    body = json_object(response)
    details = body.get("details")
    first = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else {}
    issue = str(first.get("issue") or body.get("name") or "")
    issue = issue if ISSUE.fullmatch(issue) else ""
    request = response.request
    told = (
        f"{request.method} {request.url.path}: {response.status_code} {issue} "
        f"{first.get('description') or body.get('message') or ''} (debug_id {body.get('debug_id', '')})"
    )
    if issue in DECLINED:
        raise GatewayDeclined(issue.lower(), str(first.get("description") or ""))
    if issue in CONFLICTS:
        raise GatewayConflict(told)
    if issue in TOO_EARLY or response.status_code == httpx.codes.CONFLICT:
        raise GatewayUncertain(told)
    match response.status_code:
        case 401 | 403:
            raise GatewayAuthError(told)
        case 404:
            raise GatewayNotFound(told)
    error: GatewayError = GatewayInvalidRequest(told)
    raise error


def _unit(order: dict[str, Any]) -> dict[str, Any]:
    unit: dict[str, Any] = order["purchase_units"][0]
    return unit


def _payments(order: dict[str, Any]) -> dict[str, Any]:
    return _unit(order).get("payments") or {}


def _captures(order: dict[str, Any]) -> list[dict[str, Any]]:
    return _payments(order).get("captures") or []


def _money(amount: dict[str, Any]) -> tuple[Decimal, str]:
    return Decimal(amount["value"]), str(amount["currency_code"])


def _state(order: dict[str, Any]) -> RemoteState:
    """What an order says. Being completed is not being paid: each capture has a status of its own."""
    try:
        captures = _captures(order)
        amount, currency = _money(_unit(order)["amount"])
        statuses = {capture["status"] for capture in captures}
        if not captures:
            status = ORDER_STATUSES[order["status"]]
        elif statuses <= CAPTURED:
            status = "PAID"
            amounts = [_money(capture["amount"]) for capture in captures]
            amount, currency = sum((part for part, _currency in amounts), Decimal(0)), amounts[0][1]
        else:
            status = "FAILED" if statuses & CAPTURE_REFUSED and not statuses & CAPTURED else "PROCESSING"
        refused = next((capture for capture in captures if capture["status"] in CAPTURE_REFUSED), None)
        is_agreed = order["status"] == "APPROVED" and not captures
        refunds = _payments(order).get("refunds") or []
        return RemoteState(
            status=status,
            amount=amount,
            currency=currency,
            gateway_reference=order["id"],
            captured_reference=captures[0]["id"] if status == "PAID" else "",
            refunded_amount=sum(
                (_money(refund["amount"])[0] for refund in refunds if REFUND_STATUSES[refund["status"]] != "FAILED"),
                Decimal(0),
            ),
            failure_code=_why_refused(refused),
            to_capture=is_agreed,
            may_end=is_agreed,
            action=_next_step(order) if status == "PENDING" else {},
            raw=redacted(order),
        )
    except (KeyError, IndexError, TypeError, AttributeError, InvalidOperation) as fault:
        raise GatewayUncertain(f"an answer that cannot be read: {fault!r}") from fault


def _why_refused(capture: dict[str, Any] | None) -> str:
    if capture is None:
        return ""
    return str((capture.get("status_details") or {}).get("reason") or capture["status"]).lower()


def _next_step(order: dict[str, Any]) -> dict[str, Any]:
    for link in order.get("links") or []:
        if link.get("rel") in {"payer-action", "approve"}:
            return {"type": "redirect", "url": link["href"]}
    return {}


def _refund_state(refund: dict[str, Any]) -> RemoteRefund:
    try:
        return RemoteRefund(
            status=REFUND_STATUSES[refund["status"]],
            gateway_reference=refund["id"],
            amount=_money(refund["amount"])[0],
            failure_message=str((refund.get("status_details") or {}).get("reason") or ""),
        )
    except (KeyError, TypeError, AttributeError, InvalidOperation) as fault:
        raise GatewayUncertain(f"an answer that cannot be read: {fault!r}") from fault


def _names_of(about: dict[str, Any]) -> tuple[str, ...]:
    """Every id that may name the payment, ours first: of an order, a capture, a refund or a dispute."""
    units = about.get("purchase_units") or [{}]
    related = (about.get("supplementary_data") or {}).get("related_ids") or {}
    above = [link["href"].rpartition("/")[2] for link in about.get("links") or [] if link.get("rel") == "up"]
    disputed = [one.get("seller_transaction_id") for one in about.get("disputed_transactions") or []]
    names = [about.get("custom_id"), units[0].get("custom_id"), related.get("order_id"), *above, *disputed]
    return tuple(str(name) for name in [*names, about.get("id")] if isinstance(name, str) and name)
