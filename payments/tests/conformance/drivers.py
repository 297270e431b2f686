"""The same words for every gateway's payer, bank and desk. A new gateway joins with a stand-in and a driver here."""

import json
import sqlite3
import time
import uuid
import zlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
import stripe as stripe_sdk
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from django.test import Client

from payments.gateways import paypal_signatures
from payments.gateways.stripe import from_wire
from payments.gateways.stripe import to_wire as stripe_amount
from payments.models import Payment, Refund
from payments.sandbox.signing import sign
from payments.tests.sandbox_process import SandboxProcess
from payments.tests.standins import paypal as paypal_stand_in
from payments.tests.standins import stripe as stripe_stand_in
from payments.tests.standins.process import StandInProcess
from payments.tests.steps import wait_until

DEAD = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Told:
    """A notice as it travels."""

    type: str
    body: bytes
    headers: dict[str, str]


class Driver:
    """One gateway under test."""

    code: str
    CANNOT: dict[str, str] = {}  # a scenario's need → why this gateway has no such thing
    takes_no = ""  # a currency that it does not take
    too_fine: tuple[str, str] | None = None  # an amount and its currency that it cannot be asked for
    after_a_refused_card = "FAILED"  # how the attempt stands then
    own_form = False
    address_setting: str

    def __init__(self, process: Any) -> None:
        self.process = process

    def configure(self, settings: Any, monkeypatch: Any) -> None:
        """Point Rihla to the stand-in."""
        raise NotImplementedError

    def reset(self) -> None:
        self.process.reset()

    def disconnect(self, settings: Any) -> None:
        """Nobody listens there any more."""
        setattr(settings, self.address_setting, DEAD)

    def order(self, on: str, kind: str, times: int = 3, seconds: float = 1) -> None:
        """Trouble for the next calls: on create, fetch, capture, cancel, refund."""
        self.process.order(on, kind, times=times, seconds=seconds)

    def violations(self) -> list[str]:
        """How our requests broke the gateway's published contract."""
        return list(self.process.violations())

    # what people do there

    def pay(self, payment: Payment) -> None:
        raise NotImplementedError

    def decline(self, payment: Payment) -> None:
        """The payer's means is refused."""
        raise NotImplementedError

    def pay_slowly(self, payment: Payment) -> None:
        """The payer has done their part; the money takes its time."""
        raise NotImplementedError

    def settle(self, payment: Payment) -> None:
        """The money of a slow payment has come."""
        raise NotImplementedError

    def fail(self, payment: Payment) -> None:
        """The money of a slow payment will not come."""
        raise NotImplementedError

    def lie(self, payment: Payment, *, amount: str = "", currency: str = "") -> None:
        """From now on another amount or currency stands there."""
        raise NotImplementedError

    def refund_at_desk(self, payment: Payment, amount: str) -> None:
        raise NotImplementedError

    def end_refund(self, refund: Refund, *, well: bool) -> None:
        """What becomes of a pending refund."""
        raise NotImplementedError

    def dispute(self, payment: Payment) -> None:
        raise NotImplementedError

    # what stands there

    def taken(self, payment: Payment) -> Decimal:
        raise NotImplementedError

    def given(self, payment: Payment) -> list[Decimal]:
        """Refunds that are done or under way there."""
        raise NotImplementedError

    def attempts_of(self, payment: Payment) -> int:
        """How many objects there are for the payment."""
        raise NotImplementedError

    def notices(self, payment: Payment, *, take: bool = True, age: float = 0) -> list[Told]:
        """What it has to tell about a payment, oldest first."""
        raise NotImplementedError

    def strange_notice(self) -> Told:
        """A signed one about a payment that is not ours."""
        raise NotImplementedError

    def untrue_notice(self, payment: Payment) -> Told:
        """A signed one that says the payment succeeded, though nobody paid."""
        raise NotImplementedError

    def forged(self, told: Told) -> Told:
        """The same with one sign of its signature changed."""
        raise NotImplementedError

    def signed_by_another(self, told: Told) -> Told:
        """The same with a signature in the right form, by a key that is not the gateway's."""
        raise NotImplementedError

    # telling

    @property
    def url(self) -> str:
        return f"/api/v1/payments/webhooks/{self.code}"

    def post(self, told: Told) -> int:
        """Deliver one notice; the answer's status."""
        answer = Client().post(self.url, told.body, content_type="application/json", headers=told.headers)
        return int(answer.status_code)

    def tell(self, payment: Payment, *, arranged: Callable[[list[Told]], Sequence[Told]] = list) -> list[str]:
        """Deliver what there is to tell, arranged otherwise where asked; news that this makes come too. The types told."""
        told = []
        while waiting := self.notices(payment):
            for notice in arranged(waiting):
                assert self.post(notice) == 200
                told.append(notice.type)
        return told


def with_other_digest(header: str) -> str:
    """`t=…,v1=…` with the first digit of the digest changed."""
    place = header.index("v1=") + 3
    return header[:place] + ("0" if header[place] != "0" else "1") + header[place + 1 :]


class SandboxDriver(Driver):
    code = "sandbox"
    address_setting = "SANDBOX_URL"
    CANNOT = {
        "capture": "it takes the money by itself when the payer agrees",
        "desk": "it has no desk of its own: refunds are asked for through its API only",
        "dispute": "it knows no disputes",
        "refund_fails_later": "its pending refunds always succeed",
        "slow_failure": "a slow payment of its always succeeds",
        "lie": "it cannot be made to hold another amount than it was asked for",
        "429": "it never answers 429",
        "contract": "it has no published contract: it is ours",
    }

    def __init__(self, process: SandboxProcess) -> None:
        super().__init__(process)
        self.told: set[str] = set()

    def configure(self, settings: Any, monkeypatch: Any) -> None:
        settings.SANDBOX_URL = self.process.url

    def reset(self) -> None:
        self.process.heal()

    def violations(self) -> list[str]:
        return []

    def pay(self, payment: Payment) -> None:
        self.act(payment, "approve")

    def decline(self, payment: Payment) -> None:
        self.act(payment, "decline")

    def pay_slowly(self, payment: Payment) -> None:
        self.act(payment, "late")
        self.change("UPDATE payments SET settle_at = 1e12 WHERE reference = ?", payment)

    def settle(self, payment: Payment) -> None:
        self.change("UPDATE payments SET settle_at = 0 WHERE reference = ?", payment)
        wait_until(lambda: self.there(payment)[0]["status"] == "succeeded")

    def act(self, payment: Payment, outcome: str) -> None:
        page = f"{self.process.url}/pay/{self.there(payment)[0]['id']}"
        assert self.process.act(page, outcome).status_code == 303

    def end_refund(self, refund: Refund, *, well: bool) -> None:
        self.change("UPDATE refunds SET settle_at = 0 WHERE key = ?", refund.idempotency_key)
        wait_until(lambda: all(r["status"] == "succeeded" for r in self.refunds(refund.payment)))

    def taken(self, payment: Payment) -> Decimal:
        return sum((Decimal(p["amount"]) for p in self.there(payment) if p["status"] == "succeeded"), Decimal(0))

    def given(self, payment: Payment) -> list[Decimal]:
        return [Decimal(refund["amount"]) for refund in self.refunds(payment)]

    def refunds(self, payment: Payment) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.process.api(
            "GET", f"/v1/payments/{self.there(payment)[0]['id']}/refunds"
        ).json()["items"]
        return found

    def attempts_of(self, payment: Payment) -> int:
        return len(self.there(payment))

    def there(self, payment: Payment) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.process.api(
            "GET", "/v1/payments", params={"reference": str(payment.pk)}
        ).json()["items"]
        return found

    def notices(self, payment: Payment, *, take: bool = True, age: float = 0) -> list[Told]:
        """Read from its own store, where they wait for a shop that does not listen; signed by its own hand."""
        rows = self.change(
            "SELECT n.id, n.body FROM notices n JOIN payments p ON p.id = n.payment_id WHERE p.reference = ? ORDER BY n.rowid",
            payment,
        )
        fresh = [(key, body) for key, body in rows if key not in self.told]
        if take:
            self.told |= {key for key, _body in fresh}
        return [self.told_now(body.encode(), age) for _key, body in fresh]

    def told_now(self, body: bytes, age: float = 0) -> Told:
        header = sign(settings.SANDBOX_SIGNING_KEY, body, int(time.time() - age))
        return Told(json.loads(body)["type"], body, {"Sandbox-Signature": header})

    def forged(self, told: Told) -> Told:
        return replace(told, headers={"Sandbox-Signature": with_other_digest(told.headers["Sandbox-Signature"])})

    def signed_by_another(self, told: Told) -> Told:
        return replace(told, headers={"Sandbox-Signature": sign("another key", told.body)})

    def strange_notice(self) -> Told:
        about = {"id": "sbp_unknown", "reference": str(uuid.uuid4()), "amount": "200.00", "currency": "USD"}
        event = {
            "id": f"sbe_{uuid.uuid4().hex}",
            "type": "payment.succeeded",
            "created_at": "2026-11-21T07:00:00+00:00",
        }
        return self.told_now(json.dumps(event | {"data": {"payment": about}}).encode())

    def untrue_notice(self, payment: Payment) -> Told:
        about = self.there(payment)[0] | {"status": "succeeded"}
        event = {
            "id": f"sbe_{uuid.uuid4().hex}",
            "type": "payment.succeeded",
            "created_at": "2026-11-21T07:00:00+00:00",
        }
        return self.told_now(json.dumps(event | {"data": {"payment": about}}).encode())

    def change(self, statement: str, about: Payment | str) -> list[Any]:
        with sqlite3.connect(self.process.state, timeout=10) as db:
            return db.execute(statement, [str(about.pk) if isinstance(about, Payment) else about]).fetchall()


class StandInDriver(Driver):
    """A gateway whose stand-in runs on the chassis."""

    process: StandInProcess

    def reference(self, payment: Payment) -> str:
        return Payment.objects.values_list("gateway_reference", flat=True).get(pk=payment.pk)

    def act(self, what: str, payment: Payment, **how: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.process.act(what, self.reference(payment), **how)
        return found

    def pay(self, payment: Payment) -> None:
        self.act("pay", payment)

    def decline(self, payment: Payment) -> None:
        self.act("decline", payment)

    def settle(self, payment: Payment) -> None:
        self.act("settle", payment)

    def fail(self, payment: Payment) -> None:
        self.act("fail", payment)

    def pay_slowly(self, payment: Payment) -> None:
        self.act("pay_slowly", payment)

    def untrue_notice(self, payment: Payment) -> Told:
        self.notices(payment)
        self.act("claim", payment)
        return self.notices(payment)[0]

    def end_refund(self, refund: Refund, *, well: bool) -> None:
        reference = Refund.objects.values_list("gateway_reference", flat=True).get(pk=refund.pk)
        self.process.act("refund_done" if well else "refund_failed", reference)

    def dispute(self, payment: Payment) -> None:
        self.act("dispute", payment)

    def notices(self, payment: Payment, *, take: bool = True, age: float = 0) -> list[Told]:
        found = self.process.notices(self.reference(payment), take=take, age=age)
        return [Told(each["type"], each["body"].encode(), each["headers"]) for each in found]


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


class PayPalDriver(StandInDriver):
    code = "paypal"
    address_setting = "PAYPAL_API_BASE"
    takes_no = "KWD"
    too_fine = ("10.45", "HUF")
    CANNOT = {
        "notice_first": "the payer learns the order's address from our answer only, and PayPal tells nothing before they agree",
        "pays_late": "nothing is taken before we capture, and we do not capture what has ended",
        "conflict_on_reuse": "PayPal does not promise to notice that a request id comes with another body",
    }

    def configure(self, settings: Any, monkeypatch: Any) -> None:
        settings.PAYPAL_CLIENT_ID = paypal_stand_in.CLIENT_ID
        settings.PAYPAL_CLIENT_SECRET = paypal_stand_in.CLIENT_SECRET
        settings.PAYPAL_WEBHOOK_ID = paypal_stand_in.WEBHOOK_ID
        settings.PAYPAL_API_BASE = self.process.url
        pem = self.process.act("certificate")["pem"]
        chain = x509.load_pem_x509_certificates(pem.encode())
        # Only who vouches for the certificate is set aside; address, owner, dates and signature are checked as ever.
        monkeypatch.setattr(paypal_signatures, "trusted_chain", lambda address: chain)

    def lie(self, payment: Payment, *, amount: str = "", currency: str = "") -> None:
        how = ({"value": amount} if amount else {}) | ({"currency_code": currency} if currency else {})
        self.act("lie", payment, **how)

    def refund_at_desk(self, payment: Payment, amount: str) -> None:
        self.act("refund_at_desk", payment, value=amount)

    def taken(self, payment: Payment) -> Decimal:
        return Decimal(self.act("look", payment)["taken"])

    def given(self, payment: Payment) -> list[Decimal]:
        return [Decimal(r["amount"]) for r in self.act("look", payment)["refunds"] if r["status"] != "FAILED"]

    def attempts_of(self, payment: Payment) -> int:
        return int(self.process.act("count", str(payment.pk))["orders"])

    def forged(self, told: Told) -> Told:
        signature = told.headers["Paypal-Transmission-Sig"]
        changed = ("A" if signature[0] != "A" else "B") + signature[1:]
        return replace(told, headers=told.headers | {"Paypal-Transmission-Sig": changed})

    def signed_by_another(self, told: Told) -> Told:
        parts = [told.headers[f"Paypal-Transmission-{name}"] for name in ("Id", "Time")]
        message = "|".join([*parts, paypal_stand_in.WEBHOOK_ID, str(zlib.crc32(told.body) & 0xFFFFFFFF)])
        signature = rsa.generate_private_key(65537, 2048).sign(message.encode(), PKCS1v15(), SHA256())
        return replace(told, headers=told.headers | {"Paypal-Transmission-Sig": b64encode(signature).decode()})

    def strange_notice(self) -> Told:
        return self.told_of("strange")

    def told_of(self, what: str) -> Told:
        self.process.act(what)
        found = self.process.notices(what)[0]
        return Told(found["type"], found["body"].encode(), found["headers"])


# Each scenario runs against these; where the client's own form makes a difference, against all of DRIVERS.
GATEWAYS = ["sandbox", "stripe", "paypal"]
DRIVERS: dict[str, Callable[[Any], Driver]] = {
    "sandbox": SandboxDriver,
    "stripe": StripeDriver,
    "stripe_form": StripeFormDriver,
    "paypal": PayPalDriver,
}

also_in_own_form = pytest.mark.parametrize("gateway", DRIVERS, indirect=True)
