"""What PayPal's answers say, in the words of the interface: orders, refunds, refusals, and the ids that name a payment."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import httpx

from payments.gateways.http import json_object, redacted
from payments.gateways.interface import (
    GatewayAuthError,
    GatewayConflict,
    GatewayDeclined,
    GatewayInvalidRequest,
    GatewayNotFound,
    GatewayUncertain,
    RemoteRefund,
    RemoteState,
)

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


def refuse(response: httpx.Response) -> NoReturn:
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
    raise GatewayInvalidRequest(told)


def unit_of(order: dict[str, Any]) -> dict[str, Any]:
    unit: dict[str, Any] = order["purchase_units"][0]
    return unit


def payments_of(order: dict[str, Any]) -> dict[str, Any]:
    return unit_of(order).get("payments") or {}


def captures_of(order: dict[str, Any]) -> list[dict[str, Any]]:
    return payments_of(order).get("captures") or []


def money(amount: dict[str, Any]) -> tuple[Decimal, str]:
    return Decimal(amount["value"]), str(amount["currency_code"])


def state_of(order: dict[str, Any]) -> RemoteState:
    """What an order says. Being completed is not being paid: each capture has a status of its own."""
    try:
        captures = captures_of(order)
        amount, currency = money(unit_of(order)["amount"])
        statuses = {capture["status"] for capture in captures}
        if not captures:
            status = ORDER_STATUSES[order["status"]]
        elif statuses <= CAPTURED:
            status = "PAID"
            amounts = [money(capture["amount"]) for capture in captures]
            amount, currency = sum((part for part, _currency in amounts), Decimal(0)), amounts[0][1]
        else:
            status = "FAILED" if statuses & CAPTURE_REFUSED and not statuses & CAPTURED else "PROCESSING"
        refused = next((capture for capture in captures if capture["status"] in CAPTURE_REFUSED), None)
        is_agreed = order["status"] == "APPROVED" and not captures
        refunds = payments_of(order).get("refunds") or []
        return RemoteState(
            status=status,
            amount=amount,
            currency=currency,
            gateway_reference=order["id"],
            captured_reference=captures[0]["id"] if status == "PAID" else "",
            refunded_amount=sum(
                (money(refund["amount"])[0] for refund in refunds if REFUND_STATUSES[refund["status"]] != "FAILED"),
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


def refund_state(refund: dict[str, Any]) -> RemoteRefund:
    try:
        return RemoteRefund(
            status=REFUND_STATUSES[refund["status"]],
            gateway_reference=refund["id"],
            amount=money(refund["amount"])[0],
            failure_message=str((refund.get("status_details") or {}).get("reason") or ""),
        )
    except (KeyError, TypeError, AttributeError, InvalidOperation) as fault:
        raise GatewayUncertain(f"an answer that cannot be read: {fault!r}") from fault


def names_of(about: dict[str, Any]) -> tuple[str, ...]:
    """Every id that may name the payment, ours first: of an order, a capture, a refund or a dispute."""
    units = about.get("purchase_units") or [{}]
    related = (about.get("supplementary_data") or {}).get("related_ids") or {}
    above = [link["href"].rpartition("/")[2] for link in about.get("links") or [] if link.get("rel") == "up"]
    disputed = [one.get("seller_transaction_id") for one in about.get("disputed_transactions") or []]
    names = [about.get("custom_id"), units[0].get("custom_id"), related.get("order_id"), *above, *disputed]
    return tuple(str(name) for name in [*names, about.get("id")] if isinstance(name, str) and name)
