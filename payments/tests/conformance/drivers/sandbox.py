"""The built-in trial gateway, changed behind its back where its page has no button."""

import json
import sqlite3
import time
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.conf import settings

from payments.models import Payment, Refund
from payments.sandbox.signing import sign
from payments.tests.conformance.drivers.driver import Driver, Told, with_other_digest
from payments.tests.sandbox_process import SandboxProcess
from payments.tests.steps import wait_until


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
