"""The adapter of the built-in trial gateway. It speaks to it over HTTP like to any other, and believes it as little."""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from django.conf import settings

from ledger.money import amount_text, round_money
from payments.gateways.http import json_object, redacted, send, understood
from payments.gateways.interface import (
    Capabilities,
    GatewayAuthError,
    GatewayConflict,
    GatewayDeclined,
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

SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")
VALID_FOR = 300  # seconds that a signature counts, either way

STATUSES = {
    "requires_action": "PENDING",
    "processing": "PROCESSING",
    "succeeded": "PAID",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
}
REFUND_STATUSES = {"pending": "PENDING", "succeeded": "SUCCEEDED", "failed": "FAILED"}
EVENTS = {
    "payment.created": "payment.pending",
    "payment.succeeded": "payment.succeeded",
    "payment.processing": "payment.processing",
    "payment.failed": "payment.failed",
    "payment.cancelled": "payment.cancelled",
    "refund.pending": "refund.pending",
    "refund.succeeded": "refund.succeeded",
    "refund.failed": "refund.failed",
}


class Sandbox:
    code = "sandbox"
    capabilities = Capabilities(refund_async=True)
    signature_headers: tuple[str, ...] = ("Sandbox-Signature",)

    def is_configured(self) -> bool:
        return bool(settings.ALLOW_SANDBOX and settings.SANDBOX_SIGNING_KEY)

    def takes(self, amount: Decimal, currency: str) -> bool:
        return round_money(amount, currency) == amount

    @property
    def health_url(self) -> str:
        return f"{settings.SANDBOX_URL}/health"

    def create(self, intent: PaymentIntent, *, idempotency_key: str) -> RemoteState:
        body = {
            "reference": str(intent.payment_id),
            "amount": amount_text(intent.amount, intent.currency),
            "currency": intent.currency,
            "description": intent.description,
            "language": intent.language,
            "return_url": intent.return_url,
            "cancel_url": intent.cancel_url,
            "notify_url": intent.notify_url,
            "expires_at": intent.expires_at.timestamp(),
        }
        return self._state(self._call("POST", "/v1/payments", json=body, idempotency_key=idempotency_key))

    def fetch(self, intent: PaymentIntent) -> RemoteState:
        if intent.gateway_reference:
            return self._state(self._call("GET", f"/v1/payments/{intent.gateway_reference}"))
        found = self._call("GET", "/v1/payments", params={"reference": str(intent.payment_id)})["items"]
        if not found:
            raise GatewayNotFound(f"no payment for {intent.payment_id}")
        return self._state(found[0])

    def capture(self, intent: PaymentIntent, *, idempotency_key: str) -> RemoteState:
        """It takes the money by itself when the payer agrees."""
        return self.fetch(intent)

    def cancel(self, intent: PaymentIntent) -> RemoteState:
        path = f"/v1/payments/{intent.gateway_reference}/cancel"
        return self._state(self._call("POST", path, idempotency_key=f"sandbox:cancel:{intent.payment_id}"))

    def refund(self, order: RefundOrder) -> RemoteRefund:
        body = {"amount": amount_text(order.amount, order.currency), "reason": order.reason}
        path = f"/v1/payments/{order.payment_reference}/refunds"
        return self._refund(self._call("POST", path, json=body, idempotency_key=order.idempotency_key))

    def fetch_refund(self, order: RefundOrder) -> RemoteRefund:
        if order.gateway_reference:
            return self._refund(self._call("GET", f"/v1/refunds/{order.gateway_reference}"))
        found = self._call("GET", f"/v1/payments/{order.payment_reference}/refunds")["items"]
        for refund in found:
            if refund["key"] == order.idempotency_key:
                return self._refund(refund)
        raise GatewayNotFound(f"no refund for {order.idempotency_key}")

    def verify_notice(self, body: bytes, headers: Mapping[str, str]) -> None:
        found = SIGNATURE.fullmatch(headers.get("Sandbox-Signature", ""))
        if found is None:
            raise SignatureInvalid("no signature")
        signed_at, digest = found.groups()
        if abs(time.time() - int(signed_at)) > VALID_FOR:
            raise SignatureInvalid("an old signature")
        wanted = hmac.new(settings.SANDBOX_SIGNING_KEY.encode(), f"{signed_at}.".encode() + body, hashlib.sha256)
        if not hmac.compare_digest(wanted.hexdigest(), digest):
            raise SignatureInvalid("a wrong signature")

    def read_notice(self, body: bytes) -> NormalizedEvent:
        try:
            event = orjson.loads(body)
            payment = event["data"]["payment"]
            refund = event["data"].get("refund") or {}
            about = refund or payment
            return NormalizedEvent(
                gateway=self.code,
                dedupe_key=str(event["id"])[:255],
                type=EVENTS.get(event["type"], "ignored"),
                payment_refs=(str(payment["reference"]), str(payment["id"])),
                refund_ref=str(refund.get("id", "")),
                amount=Decimal(about["amount"]),
                currency=str(payment["currency"]),
                occurred_at=datetime.fromisoformat(event["created_at"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as fault:
            raise MalformedNotice(f"{type(fault).__name__}: {fault}") from fault

    def _call(self, method: str, path: str, *, idempotency_key: str = "", **content: Any) -> dict[str, Any]:
        key = hmac.new(settings.SANDBOX_SIGNING_KEY.encode(), b"sandbox api key", hashlib.sha256).hexdigest()
        headers = {"Authorization": f"Bearer {key}"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        may_repeat = method == "GET" or bool(idempotency_key)
        response = send(settings.SANDBOX_URL, method, path, headers=headers, may_repeat=may_repeat, **content)
        if response.is_success:
            return understood(response)
        error = json_object(response).get("error")
        code, message = (
            (str(error.get(name, "")) for name in ("code", "message")) if isinstance(error, dict) else ("", "")
        )
        told = f"{method} {path}: {response.status_code} {code} {message}".strip()
        match response.status_code:
            case 401 | 403:
                raise GatewayAuthError(told)
            case 402:
                raise GatewayDeclined(code or "declined", message)
            case 404:
                raise GatewayNotFound(told)
            case 409:
                raise GatewayConflict(told)
            case 422 if code == "idempotency_key_reused":
                raise GatewayConflict(told)
            case 422 if code == "refund_too_large":
                raise GatewayDeclined(code, message)
        raise GatewayInvalidRequest(told)

    def _state(self, payment: dict[str, Any]) -> RemoteState:
        try:
            return RemoteState(
                status=STATUSES[payment["status"]],
                amount=Decimal(payment["amount"]),
                currency=payment["currency"],
                gateway_reference=payment["id"],
                captured_reference=payment["capture_id"],
                refunded_amount=Decimal(payment["refunded_amount"]),
                failure_code=payment["failure_code"],
                action=payment["action"],
                raw=redacted(payment),
            )
        except (KeyError, InvalidOperation) as fault:
            raise GatewayUncertain(f"an answer that cannot be read: {fault!r}") from fault

    def _refund(self, refund: dict[str, Any]) -> RemoteRefund:
        try:
            return RemoteRefund(
                status=REFUND_STATUSES[refund["status"]],
                gateway_reference=refund["id"],
                amount=Decimal(refund["amount"]),
            )
        except (KeyError, InvalidOperation) as fault:
            raise GatewayUncertain(f"an answer that cannot be read: {fault!r}") from fault
