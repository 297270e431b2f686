"""Stripe's objects as they begin: its own published fixtures, with what was asked for."""

import copy
import json
import secrets
import time
from typing import Any

from payments.tests.standins.contract import FOLDER

FIXTURES = json.loads((FOLDER / "stripe_fixtures3_2026-08-21_trimmed.json").read_text())


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def new_session(wanted: dict[str, Any]) -> dict[str, Any]:
    price = wanted["line_items"][0]["price_data"]
    session = copy.deepcopy(FIXTURES["checkout.session"])
    session_id = new_id("cs_test")
    nothing = dict.fromkeys(
        (
            "after_expiration",
            "consent",
            "consent_collection",
            "currency_conversion",
            "customer_details",
            "invoice_creation",
            "payment_link",
            "payment_method_collection",
            "shipping_details",
            "total_details",
            "customer_creation",
            "locale",
            "submit_type",
            "custom_text",
            "payment_intent",
        )
    )
    return session | nothing | {
        "id": session_id, "object": "checkout.session", "mode": "payment", "status": "open", "payment_status": "unpaid",
        "amount_total": price["unit_amount"], "amount_subtotal": price["unit_amount"], "currency": price["currency"],
        "created": int(time.time()), "expires_at": wanted["expires_at"], "metadata": wanted["metadata"],
        "client_reference_id": wanted["client_reference_id"], "success_url": wanted["success_url"],
        "cancel_url": wanted["cancel_url"], "url": f"https://checkout.stripe.com/c/pay/{session_id}",
        "payment_method_types": ["card"], "custom_fields": [], "shipping_options": [],
        "custom_text": {"shipping_address": None, "submit": None, "terms_of_service_acceptance": None},
        "automatic_tax": {"enabled": False, "status": None},
    }  # fmt: skip


def new_intent(amount: int, currency: str, metadata: dict[str, str]) -> dict[str, Any]:
    intent_id = new_id("pi")
    return copy.deepcopy(FIXTURES["payment_intent"]) | {
        "id": intent_id, "amount": amount, "currency": currency, "metadata": metadata, "created": int(time.time()),
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(8)}", "status": "requires_payment_method",
        "amount_received": 0, "last_payment_error": None, "latest_charge": None, "canceled_at": None, "next_action": None,
        "processing": None, "shipping": None, "transfer_data": None, "cancellation_reason": None,
    }  # fmt: skip


def new_charge(intent: dict[str, Any], amount: int) -> dict[str, Any]:
    return copy.deepcopy(FIXTURES["charge"]) | {
        "id": new_id("ch"), "amount": amount, "amount_captured": amount, "amount_refunded": 0, "captured": True,
        "currency": intent["currency"], "payment_intent": intent["id"], "metadata": intent["metadata"], "status": "succeeded",
        "paid": True, "refunded": False, "outcome": None, "payment_method_details": None, "shipping": None,
        "transfer_data": None,
    }  # fmt: skip


def new_refund(
    charge: dict[str, Any], intent: dict[str, Any], amount: int, metadata: dict[str, str], status: str
) -> dict[str, Any]:
    return copy.deepcopy(FIXTURES["refund"]) | {
        "id": new_id("re"), "amount": amount, "currency": charge["currency"], "charge": charge["id"],
        "payment_intent": intent["id"], "metadata": metadata, "status": status, "created": int(time.time()),
    }  # fmt: skip


def new_event(type_: str, about: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(FIXTURES["event"]) | {
        "id": new_id("evt"), "type": type_, "created": int(time.time()), "data": {"object": copy.deepcopy(about)},
        "api_version": "2026-10-28.endive",
    }  # fmt: skip
