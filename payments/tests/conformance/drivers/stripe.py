"""Stripe: its hosted page, and the client's own form."""

import json
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import stripe as stripe_sdk

from payments.gateways.stripe_amounts import from_wire
from payments.gateways.stripe_amounts import to_wire as stripe_amount
from payments.models import Payment
from payments.tests.conformance.drivers.driver import Told, with_other_digest
from payments.tests.conformance.drivers.stand_in import StandInDriver
from payments.tests.standins import stripe as stripe_stand_in


class StripeDriver(StandInDriver):
    code = "stripe"
    address_setting = "STRIPE_API_BASE"
    after_a_refused_card = "PENDING"  # Checkout lets the payer try another card on the same page
    too_fine = ("5.125", "KWD")
    CANNOT = {"capture": "it takes the money by itself when the payer agrees"}

    def configure(self, settings: Any, monkeypatch: Any) -> None:
        settings.STRIPE_SECRET_KEY = stripe_stand_in.API_KEY
        settings.STRIPE_PUBLISHABLE_KEY = "pk_test_standin"
        settings.STRIPE_WEBHOOK_SECRET = stripe_stand_in.WEBHOOK_SECRET
        settings.STRIPE_API_BASE = self.process.url
        # The SDK waits half a second and more between its tries.
        monkeypatch.setattr(stripe_sdk.HTTPClient, "INITIAL_DELAY", 0.01)
        monkeypatch.setattr(stripe_sdk.HTTPClient, "MAX_DELAY", 0.02)

    def lie(self, payment: Payment, *, amount: str = "", currency: str = "") -> None:
        how: dict[str, Any] = {"amount": stripe_amount(Decimal(amount), payment.currency)} if amount else {}
        self.act("lie", payment, **how | ({"currency": currency.lower()} if currency else {}))

    def refund_at_desk(self, payment: Payment, amount: str) -> None:
        self.act("refund_at_desk", payment, amount=stripe_amount(Decimal(amount), payment.currency))

    def taken(self, payment: Payment) -> Decimal:
        there = self.act("look", payment)
        return from_wire(there["taken"], there["currency"])

    def given(self, payment: Payment) -> list[Decimal]:
        there = self.act("look", payment)
        return [from_wire(r["amount"], there["currency"]) for r in there["refunds"] if r["status"] != "failed"]

    def attempts_of(self, payment: Payment) -> int:
        kind = "payment_intents" if self.own_form else "checkout/sessions"
        headers = {"Authorization": f"Bearer {stripe_stand_in.API_KEY}"}
        rows = self.process.controls.get(f"/v1/{kind}?limit=100", headers=headers).json()["data"]
        return sum(row["metadata"].get("payment_id") == str(payment.pk) for row in rows)

    def forged(self, told: Told) -> Told:
        return replace(told, headers={"Stripe-Signature": with_other_digest(told.headers["Stripe-Signature"])})

    def signed_by_another(self, told: Told) -> Told:
        header = stripe_sdk.WebhookSignature.generate_signature_header(told.body.decode(), "whsec_another")
        return replace(told, headers={"Stripe-Signature": header})

    def strange_notice(self) -> Told:
        about = {"id": "pi_unknown", "object": "payment_intent", "amount": 20000, "currency": "usd", "metadata": {}}
        event = {
            "id": f"evt_{uuid.uuid4().hex}",
            "type": "payment_intent.succeeded",
            "created": 1795210878,
            "data": {"object": about},
        }
        body = json.dumps(event)
        header = stripe_sdk.WebhookSignature.generate_signature_header(body, stripe_stand_in.WEBHOOK_SECRET)
        return Told("payment_intent.succeeded", body.encode(), {"Stripe-Signature": header})


class StripeFormDriver(StripeDriver):
    """The client's own form: a PaymentIntent instead of a Checkout Session."""

    own_form = True
    after_a_refused_card = "FAILED"
