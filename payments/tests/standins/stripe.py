"""A stand-in for Stripe: Checkout Sessions, PaymentIntents, refunds, idempotency keys and signed events.

`localstripe` was looked at first: it has no Checkout Sessions, no
idempotency and no refund events, lets more be refunded than was paid, and refuses parameters that Stripe takes.
"""

import copy
import hashlib
import hmac
import json
import re
import time
from typing import Any

from payments.tests.standins.chassis import Call, Refused, Route, StandIn, run
from payments.tests.standins.contract import Contract, decoded_form
from payments.tests.standins.stripe_objects import new_charge, new_event, new_id, new_intent, new_refund, new_session

API_KEY = "sk_test_standin"
WEBHOOK_SECRET = "whsec_standin"
OUR_KEY = re.compile(r"stripe:((payment|refund):[0-9a-f-]{36}|cancel:[0-9a-f-]{36}:[0-9a-f]{32})")
THOUSANDTHS = {"bhd", "jod", "kwd", "omr", "tnd"}
DECLINED = {
    "type": "card_error",
    "code": "card_declined",
    "decline_code": "generic_decline",
    "message": "Your card was declined.",
}


class StripeStandIn(StandIn):
    def __init__(self) -> None:
        super().__init__(Contract("stripe_2023-08-16_payments_trimmed.json"))
        self.sessions: dict[str, dict[str, Any]] = {}
        self.intents: dict[str, dict[str, Any]] = {}
        self.charges: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.answered: dict[str, tuple[str, int, dict[str, Any]]] = {}

    def routes(self) -> list[Route]:
        name = "([A-Za-z0-9_]+)"
        return [
            Route("POST", re.compile("/v1/checkout/sessions"), "create", self.keyed(self.create_session)),
            Route("GET", re.compile("/v1/checkout/sessions"), "fetch", self.list_sessions),
            Route("GET", re.compile(f"/v1/checkout/sessions/{name}"), "fetch", self.show_session),
            Route(
                "POST", re.compile(f"/v1/checkout/sessions/{name}/expire"), "cancel", self.keyed(self.expire_session)
            ),
            Route("POST", re.compile("/v1/payment_intents"), "create", self.keyed(self.create_intent)),
            Route("GET", re.compile("/v1/payment_intents"), "fetch", self.list_intents),
            Route("GET", re.compile(f"/v1/payment_intents/{name}"), "fetch", self.show_intent),
            Route("POST", re.compile(f"/v1/payment_intents/{name}/cancel"), "cancel", self.keyed(self.cancel_intent)),
            Route("POST", re.compile("/v1/refunds"), "refund", self.keyed(self.create_refund)),
            Route("GET", re.compile("/v1/refunds"), "fetch_refund", self.list_refunds),
            Route("GET", re.compile(f"/v1/refunds/{name}"), "fetch_refund", self.show_refund),
        ]

    # --- in and out ---

    def understand(self, call: Call, operation: dict[str, Any]) -> None:
        if call.headers.get("authorization") != f"Bearer {API_KEY}":
            raise Refused(401, self.error(401, "Invalid API Key provided"))
        parameters = {
            "properties": {each["name"]: each.get("schema", {}) for each in operation.get("parameters", [])},
        }
        query = "&".join(f"{name}={value}" for name, value in call.query.items())
        call.query = decoded_form(self.contract, query, parameters)
        call.body = decoded_form(self.contract, call.raw.decode(), self.contract.body_schema(operation)[1])
        self.judge(call, operation)

    def error(self, status: int, message: str, *, code: str = "", type_: str = "") -> dict[str, Any]:
        kind = type_ or ("api_error" if status >= 500 else "card_error" if status == 402 else "invalid_request_error")
        return {"error": {"type": kind, "message": message} | ({"code": code} if code else {})}

    def refuse(self, status: int, message: str, *, code: str = "", type_: str = "") -> Refused:
        return Refused(status, self.error(status, message, code=code, type_=type_))

    def complaints_of(self, operation: dict[str, Any], status: int, body: dict[str, Any]) -> list[str]:
        """Expanded objects are judged by themselves: the trimmed document knows ids only."""
        flat = copy.deepcopy(body)
        intent = flat.get("payment_intent")
        faults = []
        for holder, name, schema in (
            (flat, "payment_intent", "payment_intent"),
            (intent, "latest_charge", "charge"),
            (flat, "latest_charge", "charge"),
        ):
            if isinstance(holder, dict) and isinstance(holder.get(name), dict):
                inner = dict(holder[name])
                holder[name] = inner["id"]
                if isinstance(inner.get("latest_charge"), dict):
                    inner["latest_charge"] = inner["latest_charge"]["id"]
                faults += self.contract.faults({"$ref": f"#/components/schemas/{schema}"}, inner, strict=False)
        return faults + super().complaints_of(operation, status, flat)

    def keyed(self, handle: Any) -> Any:
        """Replay by `Idempotency-Key`; another body under the same key is refused, as is a key that is not ours."""

        def answer(call: Call) -> tuple[int, dict[str, Any]]:
            key = call.headers.get("idempotency-key", "")
            if not OUR_KEY.fullmatch(key):
                self.violations.append(
                    f"{call.path}: {key!r} is no key of ours; the SDK makes one up where none is given"
                )
            wanted = json.dumps([call.path, call.body], sort_keys=True)
            if key in self.answered:
                before, status, body = self.answered[key]
                if before != wanted:
                    told = "Keys for idempotent requests can only be used with the same parameters they were first used with."
                    raise self.refuse(400, told, type_="idempotency_error")
                return status, copy.deepcopy(body)
            status, body = handle(call)
            self.answered[key] = wanted, status, copy.deepcopy(body)
            return status, body

        return answer

    # --- objects ---

    def create_session(self, call: Call) -> tuple[int, dict[str, Any]]:
        wanted = call.body
        price = wanted["line_items"][0]["price_data"]
        self.check_amount(price["unit_amount"], price["currency"])
        if not time.time() + 1800 <= wanted["expires_at"] <= time.time() + 86400:
            raise self.refuse(
                400, "The `expires_at` timestamp must be 30 minutes to 24 hours from Checkout Session creation."
            )
        if "success_url" not in wanted or "{CHECKOUT_SESSION_ID}" not in wanted["success_url"]:
            raise self.refuse(400, "Missing required param: success_url.", code="parameter_missing")
        if call.trouble == "refuse":
            raise self.refuse(402, "Your account cannot take this.", code="card_declined")
        session = new_session(wanted)
        session_id = session["id"]
        self.sessions[session_id] = session
        if call.trouble == "pay_first":
            self.act("pay", session_id)
        return 200, copy.deepcopy(session)

    def check_amount(self, amount: int, currency: str) -> None:
        if amount < 1:
            raise self.refuse(400, "Amount must be at least 1.", code="amount_too_small")
        if currency in THOUSANDTHS and amount % 10:
            raise self.refuse(400, "The last digit must be 0.", code="parameter_invalid_integer")
        if currency in {"isk", "ugx"} and amount % 100:
            raise self.refuse(400, "The amount must be evenly divisible by 100.", code="parameter_invalid_integer")

    def create_intent(self, call: Call) -> tuple[int, dict[str, Any]]:
        self.check_amount(call.body["amount"], call.body["currency"])
        if call.trouble == "refuse":
            raise self.refuse(402, "Your account cannot take this.", code="card_declined")
        intent = self.new_intent(call.body["amount"], call.body["currency"], call.body.get("metadata") or {})
        if call.trouble == "pay_first":
            self.act("pay", intent["id"])
        return 200, copy.deepcopy(intent)

    def new_intent(self, amount: int, currency: str, metadata: dict[str, str]) -> dict[str, Any]:
        intent = new_intent(amount, currency, metadata)
        self.intents[intent["id"]] = intent
        return intent

    def list_sessions(self, call: Call) -> tuple[int, dict[str, Any]]:
        return self.page("/v1/checkout/sessions", list(self.sessions.values()), call)

    def list_intents(self, call: Call) -> tuple[int, dict[str, Any]]:
        since = call.query.get("created", {}).get("gte", 0)
        return self.page("/v1/payment_intents", [i for i in self.intents.values() if i["created"] >= since], call)

    def list_refunds(self, call: Call) -> tuple[int, dict[str, Any]]:
        about = call.query.get("payment_intent")
        return self.page("/v1/refunds", [r for r in self.refunds.values() if r["payment_intent"] == about], call)

    def page(self, url: str, rows: list[dict[str, Any]], call: Call) -> tuple[int, dict[str, Any]]:
        newest_first = rows[::-1]
        after = call.query.get("starting_after")
        if after:
            newest_first = newest_first[[row["id"] for row in newest_first].index(after) + 1 :]
        size = call.query.get("limit", 10)
        data = copy.deepcopy(newest_first[:size])
        return 200, {"object": "list", "url": url, "has_more": len(newest_first) > size, "data": data}

    def show_session(self, call: Call) -> tuple[int, dict[str, Any]]:
        session = copy.deepcopy(self.found(self.sessions, call.ids[0], "checkout.session"))
        if "payment_intent.latest_charge" in call.query.get("expand", []) and session["payment_intent"]:
            session["payment_intent"] = self.expanded(self.intents[session["payment_intent"]])
        return 200, session

    def show_intent(self, call: Call) -> tuple[int, dict[str, Any]]:
        intent = self.found(self.intents, call.ids[0], "payment_intent")
        return 200, self.expanded(intent) if "latest_charge" in call.query.get("expand", []) else copy.deepcopy(intent)

    def expanded(self, intent: dict[str, Any]) -> dict[str, Any]:
        charge = self.charges.get(intent["latest_charge"])
        return copy.deepcopy(intent | {"latest_charge": charge})

    def show_refund(self, call: Call) -> tuple[int, dict[str, Any]]:
        return 200, copy.deepcopy(self.found(self.refunds, call.ids[0], "refund"))

    def found(self, rows: dict[str, dict[str, Any]], object_id: str, kind: str) -> dict[str, Any]:
        if object_id not in rows:
            raise self.refuse(404, f"No such {kind}: '{object_id}'", code="resource_missing")
        return rows[object_id]

    def expire_session(self, call: Call) -> tuple[int, dict[str, Any]]:
        session = self.found(self.sessions, call.ids[0], "checkout.session")
        if session["status"] != "open":
            raise self.refuse(400, 'Only Checkout Sessions with a status in ["open"] can be expired.')
        session |= {"status": "expired", "url": None}
        self.note("checkout.session.expired", session, call.ids[0])
        return 200, copy.deepcopy(session)

    def cancel_intent(self, call: Call) -> tuple[int, dict[str, Any]]:
        intent = self.found(self.intents, call.ids[0], "payment_intent")
        if intent["status"] in {"succeeded", "canceled", "processing"}:
            told = f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}."
            raise self.refuse(400, told, code="payment_intent_unexpected_state")
        intent |= {"status": "canceled", "cancellation_reason": call.body["cancellation_reason"]}
        self.note("payment_intent.canceled", intent, call.ids[0])
        return 200, copy.deepcopy(intent)

    def create_refund(self, call: Call) -> tuple[int, dict[str, Any]]:
        intent = self.found(self.intents, call.body["payment_intent"], "payment_intent")
        charge = self.charges.get(intent["latest_charge"])
        if charge is None or intent["status"] != "succeeded":
            raise self.refuse(400, "This PaymentIntent does not have a successful charge to refund.")
        left = charge["amount"] - charge["amount_refunded"]
        if left == 0:
            raise self.refuse(400, "Charge has already been refunded.", code="charge_already_refunded")
        if call.body["amount"] > left:
            raise self.refuse(
                400, f"Refund amount ({call.body['amount']}) is greater than unrefunded amount on charge ({left})."
            )
        if call.trouble == "refuse":
            raise self.refuse(
                402, "Insufficient funds in your Stripe balance to refund this amount.", code="balance_insufficient"
            )
        status = "pending" if call.trouble == "pending" else "succeeded"
        refund = self.new_refund(intent, call.body["amount"], call.body.get("metadata") or {}, status)
        return 200, copy.deepcopy(refund)

    def new_refund(self, intent: dict[str, Any], amount: int, metadata: dict[str, str], status: str) -> dict[str, Any]:
        charge = self.charges[intent["latest_charge"]]
        refund = new_refund(charge, intent, amount, metadata, status)
        self.refunds[refund["id"]] = refund
        charge["amount_refunded"] += amount
        about = self.owner_of(intent["id"])
        self.note("refund.created", refund, about)
        if status == "succeeded":
            self.note("charge.refunded", charge, about)
        return refund

    # --- what payers, banks and the desk do ---

    def owner_of(self, intent_id: str) -> str:
        return next((s["id"] for s in self.sessions.values() if s["payment_intent"] == intent_id), intent_id)

    def act(self, what: str, about: str, **how: Any) -> dict[str, Any]:
        if what in {"refund_done", "refund_failed"}:
            return self.end_refund(about, "succeeded" if what == "refund_done" else "failed")
        session = self.sessions.get(about)
        intent = self.intent_of(session) if session is not None else self.intents[about]
        match what:
            case "pay" | "settle":
                self.require(session, intent, slow=what == "settle")
                self.charge(intent, intent["amount"])
                if session is not None:
                    session |= {"status": "complete", "payment_status": "paid", "url": None}
                    done = "completed" if what == "pay" else "async_payment_succeeded"
                    self.note(f"checkout.session.{done}", session, about)
                self.note("payment_intent.succeeded", intent, about)
            case "decline" | "fail":
                self.require(session, intent, slow=what == "fail")
                intent |= {"status": "requires_payment_method", "last_payment_error": DECLINED}
                if session is not None and what == "fail":
                    self.note("checkout.session.async_payment_failed", session, about)
                self.note("payment_intent.payment_failed", intent, about)
            case "pay_slowly":
                self.require(session, intent, slow=False)
                intent["status"] = "processing"
                if session is not None:
                    session |= {"status": "complete", "url": None}
                    self.note("checkout.session.completed", session, about)
                self.note("payment_intent.processing", intent, about)
            case "lie":
                intent |= {name: how[name] for name in ("currency",) if name in how}
                intent["amount"] = how.get("amount", intent["amount"])
                if session is not None:
                    session |= {"amount_total": intent["amount"], "currency": intent["currency"]}
            case "refund_at_desk":
                self.new_refund(intent, how["amount"], {}, "succeeded")
            case "dispute":
                dispute = {"id": new_id("du"), "object": "dispute", "payment_intent": intent["id"], "amount": intent["amount"],
                           "currency": intent["currency"], "metadata": {}}  # fmt: skip
                self.note("charge.dispute.created", dispute, about)
            case "claim":
                self.note(
                    "payment_intent.succeeded",
                    intent | {"status": "succeeded", "amount_received": intent["amount"]},
                    about,
                )
            case "look":
                pass
            case _:
                raise KeyError(what)
        charge = self.charges.get(intent["latest_charge"])
        refunds = [r for r in self.refunds.values() if r["payment_intent"] == intent["id"]]
        return {
            "currency": intent["currency"].upper(),
            "taken": intent["amount_received"],
            "captures": 1 if charge else 0,
            "refunds": [{"id": r["id"], "amount": r["amount"], "status": r["status"]} for r in refunds],
        }

    def intent_of(self, session: dict[str, Any]) -> dict[str, Any]:
        """Made when the payer first acts, as Checkout does."""
        if session["payment_intent"] is None:
            intent = self.new_intent(session["amount_total"], session["currency"], session["metadata"])
            session["payment_intent"] = intent["id"]
        return self.intents[session["payment_intent"]]

    def require(self, session: dict[str, Any] | None, intent: dict[str, Any], *, slow: bool) -> None:
        if slow:
            assert intent["status"] == "processing", intent["status"]
            return
        if session is not None and session["status"] != "open":
            raise ValueError(f"the session is {session['status']}")
        if session is None and intent["status"] not in {"requires_payment_method", "requires_confirmation"}:
            raise ValueError(f"the intent is {intent['status']}")

    def charge(self, intent: dict[str, Any], amount: int) -> None:
        charge = new_charge(intent, amount)
        self.charges[charge["id"]] = charge
        intent |= {
            "status": "succeeded",
            "amount_received": amount,
            "latest_charge": charge["id"],
            "last_payment_error": None,
        }

    def end_refund(self, refund_id: str, status: str) -> dict[str, Any]:
        refund = self.refunds[refund_id]
        refund["status"] = status
        intent = self.intents[refund["payment_intent"]]
        if status == "failed":
            refund["failure_reason"] = "expired_or_canceled_card"
            self.charges[intent["latest_charge"]]["amount_refunded"] -= refund["amount"]
        self.note("refund.failed" if status == "failed" else "refund.updated", refund, self.owner_of(intent["id"]))
        return {}

    # --- notices ---

    def note(self, type_: str, about: dict[str, Any], owner: str) -> None:
        event = new_event(type_, about)
        self.notices.append({"about": owner, "type": type_, "body": json.dumps(event, separators=(",", ":"))})

    def signed(self, notice: dict[str, Any], age: float) -> dict[str, str]:
        moment = int(time.time() - age)
        digest = hmac.new(WEBHOOK_SECRET.encode(), f"{moment}.{notice['body']}".encode(), hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={moment},v1={digest},v0={'0' * 64}", "User-Agent": "Stripe/1.0 (stand-in)"}


if __name__ == "__main__":
    run(StripeStandIn())
