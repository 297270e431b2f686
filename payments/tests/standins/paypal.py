"""A stand-in for PayPal: tokens, orders, captures, refunds, request ids, and notices signed with a certificate of its own."""

import base64
import copy
import json
import re
import secrets
from decimal import Decimal
from typing import Any

from payments.tests.standins.chassis import Call, Refused, Route, StandIn, run
from payments.tests.standins.contract import Contract, decoded_form
from payments.tests.standins.paypal_seal import Seal, moment

CLIENT_ID, CLIENT_SECRET = "standin-client", "standin-secret"
HERE = "https://api-m.sandbox.paypal.com"
OUR_KEY = re.compile(r"paypal:(payment|capture|refund):[0-9a-f-]{36}")
WHOLE = {"HUF", "JPY", "TWD"}
CURRENCIES = set(
    "AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP SGD SEK CHF THB USD".split()  # noqa: SIM905
)


def new_id() -> str:
    return secrets.token_hex(9)[:17].upper()


class PayPalStandIn(StandIn):
    def __init__(self) -> None:
        super().__init__(Contract("paypal_payments_trimmed.json"))
        self.orders: dict[str, dict[str, Any]] = {}
        self.captures: dict[str, dict[str, Any]] = {}  # by id
        self.refunds: dict[str, dict[str, Any]] = {}
        self.intended: dict[str, str] = {}  # what shall become of an order's capture
        self.tokens: set[str] = set()
        self.answered: dict[str, tuple[str, int, dict[str, Any]]] = {}
        self.seal = Seal()

    def routes(self) -> list[Route]:
        name = "([A-Z0-9-]+)"
        return [
            Route("POST", re.compile("/v1/oauth2/token"), "token", self.give_token),
            Route("POST", re.compile("/v2/checkout/orders"), "create", self.keyed(self.create_order)),
            Route("GET", re.compile(f"/v2/checkout/orders/{name}"), "fetch", self.show_order),
            Route(
                "POST",
                re.compile(f"/v2/checkout/orders/{name}/capture"),
                "capture",
                self.keyed(self.capture_order),
            ),
            Route(
                "POST",
                re.compile(f"/v2/payments/captures/{name}/refund"),
                "refund",
                self.keyed(self.create_refund, replayed_as=201),
            ),
            Route("GET", re.compile(f"/v2/payments/refunds/{name}"), "fetch_refund", self.show_refund),
            Route("POST", re.compile("/v1/notifications/verify-webhook-signature"), "verify", self.verify),
        ]

    # --- in and out ---

    def understand(self, call: Call, operation: dict[str, Any]) -> None:
        if call.path == "/v1/oauth2/token":
            given = base64.b64decode(call.headers.get("authorization", "").removeprefix("Basic ") or b"").decode()
            if given != f"{CLIENT_ID}:{CLIENT_SECRET}":
                raise Refused(401, {"error": "invalid_client", "error_description": "Client Authentication failed"})
            call.body = decoded_form(self.contract, call.raw.decode(), self.contract.body_schema(operation)[1])
        else:
            if call.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
                raise Refused(401, self.error(401, "Authentication failed"))
            call.body = json.loads(call.raw) if call.raw else None
        self.judge(call, operation)

    def error(self, status: int, message: str) -> dict[str, Any]:
        if status == 401:
            issue = "INVALID_ACCESS_TOKEN"
            name, told = (
                "AUTHENTICATION_FAILURE",
                "Authentication failed due to missing authorization header, or invalid authentication credentials.",
            )
        elif status == 404:
            issue = "INVALID_RESOURCE_ID"
            name, told = "RESOURCE_NOT_FOUND", "The specified resource does not exist."
        else:
            issue = "MALFORMED_REQUEST"
            name, told = (
                ("INTERNAL_SERVER_ERROR", "An internal server error occurred.")
                if status >= 500
                else ("INVALID_REQUEST", message)
            )
        return {
            "name": name,
            "message": told,
            "debug_id": secrets.token_hex(6),
            "details": [{"issue": issue, "description": message}],
        }

    def complaints_of(self, operation: dict[str, Any], status: int, body: dict[str, Any]) -> list[str]:
        return super().complaints_of(operation, status, body) if status in {200, 201, 422} else []

    def unprocessable(self, schema: str, issue: str) -> Refused:
        """A 422 in the words that the published document has for this issue."""
        return Refused(422, {
            "name": "UNPROCESSABLE_ENTITY",
            "message": "The requested action could not be performed, semantically incorrect, or failed business validation.",
            "debug_id": secrets.token_hex(6),
            "details": [{"issue": issue, "description": self.wording(schema, issue)}],
        })  # fmt: skip

    def wording(self, schema: str, issue: str) -> str:
        found = self.contract.components["schemas"][schema]
        for part in self.contract.parts(found["properties"]["details"]["items"]):
            told = part.get("properties", {})
            if issue in told.get("issue", {}).get("enum", []):
                return str(told["description"]["enum"][0])
        raise KeyError(f"{schema} knows no {issue}")

    def keyed(self, handle: Any, *, replayed_as: int = 200) -> Any:
        def answer(call: Call) -> tuple[int, dict[str, Any]]:
            key = call.headers.get("paypal-request-id", "")
            if not OUR_KEY.fullmatch(key):
                self.violations.append(f"{call.path}: {key!r} is no key of ours")
            if call.headers.get("prefer") != "return=representation":
                self.violations.append(f"{call.path}: only half of the answer was asked for")
            wanted = json.dumps([call.path, call.body], sort_keys=True)
            if key in self.answered:
                before, _status, body = self.answered[key]
                if before != wanted:
                    # PayPal does not promise to notice; a stand-in that does shows the bug.
                    raise Refused(409, self.error(409, "The request id was used with another body."))
                return replayed_as, copy.deepcopy(body)
            body = handle(call)
            self.answered[key] = wanted, 201, copy.deepcopy(body)
            return 201, body

        return answer

    # --- objects ---

    def give_token(self, call: Call) -> tuple[int, dict[str, Any]]:
        token = f"A21{secrets.token_urlsafe(20)}"
        self.tokens.add(token)
        return 200, {
            "scope": "https://uri.paypal.com/services/payments/payment", "access_token": token, "token_type": "Bearer",
            "app_id": "APP-STANDIN", "expires_in": 32400, "nonce": secrets.token_hex(8),
        }  # fmt: skip

    def create_order(self, call: Call) -> dict[str, Any]:
        unit = call.body["purchase_units"][0]
        self.check_amount(unit["amount"])
        if any(o["purchase_units"][0]["invoice_id"] == unit["invoice_id"] for o in self.orders.values()):
            raise self.unprocessable("orders_orders.capture-422", "DUPLICATE_INVOICE_ID")
        if call.trouble == "refuse":
            raise self.unprocessable("orders_422", "PAYEE_BLOCKED_TRANSACTION")
        order_id = new_id()
        order = {
            "id": order_id, "intent": "CAPTURE", "status": "PAYER_ACTION_REQUIRED", "payment_source": {"paypal": {}},
            "purchase_units": [copy.deepcopy(unit)], "create_time": moment(),
            "links": [
                {"href": f"{HERE}/v2/checkout/orders/{order_id}", "rel": "self", "method": "GET"},
                {"href": f"https://www.sandbox.paypal.com/checkoutnow?token={order_id}", "rel": "payer-action", "method": "GET"},
            ],
        }  # fmt: skip
        self.orders[order_id] = order
        if call.trouble == "pay_first":
            self.act("pay", order_id)
        return copy.deepcopy(order)

    def check_amount(self, amount: dict[str, Any]) -> None:
        if amount["currency_code"] not in CURRENCIES:
            raise self.unprocessable("orders_422", "INVALID_CURRENCY_CODE")
        decimals = len(amount["value"].partition(".")[2])
        if decimals > (0 if amount["currency_code"] in WHOLE else 2):
            raise self.unprocessable("orders_422", "DECIMAL_PRECISION")

    def show_order(self, call: Call) -> tuple[int, dict[str, Any]]:
        return 200, copy.deepcopy(self.found(self.orders, call.ids[0]))

    def show_refund(self, call: Call) -> tuple[int, dict[str, Any]]:
        return 200, copy.deepcopy(self.found(self.refunds, call.ids[0]))

    def found(self, rows: dict[str, dict[str, Any]], object_id: str) -> dict[str, Any]:
        if object_id not in rows:
            raise Refused(
                404,
                self.error(404, "Specified resource ID does not exist. Please check the resource ID and try again."),
            )
        return rows[object_id]

    def capture_order(self, call: Call) -> dict[str, Any]:
        order = self.found(self.orders, call.ids[0])
        refusals = "orders_orders.capture-422"
        if order["status"] == "COMPLETED":
            raise self.unprocessable(refusals, "ORDER_ALREADY_CAPTURED")
        if order["status"] != "APPROVED":
            raise self.unprocessable(refusals, "ORDER_NOT_APPROVED")
        fate = self.intended.get(order["id"], "COMPLETED")
        if fate == "DECLINED":
            raise self.unprocessable(refusals, "INSTRUMENT_DECLINED")
        unit = order["purchase_units"][0]
        capture_id = new_id()
        capture = {
            "id": capture_id, "status": fate, "amount": dict(unit["amount"]), "final_capture": True,
            "custom_id": unit["custom_id"], "invoice_id": unit["invoice_id"], "create_time": moment(),
            "links": [{"href": f"{HERE}/v2/checkout/orders/{order['id']}", "rel": "up", "method": "GET"}],
        }  # fmt: skip
        if fate == "PENDING":
            capture["status_details"] = {"reason": "PENDING_REVIEW"}
        self.captures[capture_id] = capture
        order["status"] = "COMPLETED"
        unit.setdefault("payments", {})["captures"] = [capture]
        self.note(f"PAYMENT.CAPTURE.{fate}", "capture", self.with_order(capture, order), order["id"])
        return copy.deepcopy(order)

    def with_order(self, capture: dict[str, Any], order: dict[str, Any]) -> dict[str, Any]:
        return copy.deepcopy(capture) | {"supplementary_data": {"related_ids": {"order_id": order["id"]}}}

    def create_refund(self, call: Call) -> dict[str, Any]:
        capture = self.found(self.captures, call.ids[0])
        order = self.order_of(capture["id"])
        refusals = "payments_captures.refund-422"
        given = sum(
            (Decimal(r["amount"]["value"]) for r in self.refunds_of(order) if r["status"] != "FAILED"), Decimal(0)
        )
        left = Decimal(capture["amount"]["value"]) - given
        if left == 0:
            raise self.unprocessable(refusals, "CAPTURE_FULLY_REFUNDED")
        if Decimal(call.body["amount"]["value"]) > left:
            raise self.unprocessable(refusals, "REFUND_AMOUNT_EXCEEDED")
        if call.trouble == "refuse":
            raise self.unprocessable(refusals, "REFUND_FAILED_INSUFFICIENT_FUNDS")
        status = "PENDING" if call.trouble == "pending" else "COMPLETED"
        refund = self.new_refund(order, capture, call.body, status)
        return copy.deepcopy(refund)

    def new_refund(
        self, order: dict[str, Any], capture: dict[str, Any], wanted: dict[str, Any], status: str
    ) -> dict[str, Any]:
        refund_id = new_id()
        refund = {name: wanted[name] for name in ("custom_id", "invoice_id") if name in wanted} | {
            "id": refund_id, "status": status, "amount": wanted["amount"], "create_time": moment(),
            "links": [
                {"href": f"{HERE}/v2/payments/refunds/{refund_id}", "rel": "self", "method": "GET"},
                {"href": f"{HERE}/v2/payments/captures/{capture['id']}", "rel": "up", "method": "GET"},
            ],
        }  # fmt: skip
        self.refunds[refund_id] = refund
        order["purchase_units"][0]["payments"].setdefault("refunds", []).append(refund)
        if status == "COMPLETED":
            self.refunded(order, capture, refund)
        return refund

    def refunded(self, order: dict[str, Any], capture: dict[str, Any], refund: dict[str, Any]) -> None:
        given = sum(
            (Decimal(r["amount"]["value"]) for r in self.refunds_of(order) if r["status"] == "COMPLETED"), Decimal(0)
        )
        capture["status"] = "REFUNDED" if given == Decimal(capture["amount"]["value"]) else "PARTIALLY_REFUNDED"
        self.note("PAYMENT.CAPTURE.REFUNDED", "refund", refund, order["id"])

    def refunds_of(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        refunds: list[dict[str, Any]] = order["purchase_units"][0].get("payments", {}).get("refunds", [])
        return refunds

    def order_of(self, capture_id: str) -> dict[str, Any]:
        return next(
            order
            for order in self.orders.values()
            if any(c["id"] == capture_id for c in order["purchase_units"][0].get("payments", {}).get("captures", []))
        )

    def verify(self, call: Call) -> tuple[int, dict[str, Any]]:
        """Judged from the bytes as they lie in the request, as PayPal does."""
        event = call.raw.partition(b'"webhook_event":')[2][:-1]
        return 200, {"verification_status": "SUCCESS" if self.seal.vouches_for(event, call.body) else "FAILURE"}

    # --- what payers, banks and the desk do ---

    def act(self, what: str, about: str, **how: Any) -> dict[str, Any]:
        if what == "certificate":
            return {"pem": self.seal.pem()}
        if what in {"refund_done", "refund_failed"}:
            return self.end_refund(about, "COMPLETED" if what == "refund_done" else "FAILED")
        if what == "withdraw_tokens":
            self.tokens.clear()
            return {}
        if what == "count":
            return {"orders": sum(o["purchase_units"][0]["custom_id"] == about for o in self.orders.values())}
        if what == "strange":
            unknown = {
                "id": new_id(),
                "custom_id": "somebody else's",
                "amount": {"currency_code": "USD", "value": "200.00"},
            }
            self.note("PAYMENT.CAPTURE.COMPLETED", "capture", unknown, "strange")
            return {}
        order = self.orders[about]
        unit = order["purchase_units"][0]
        captures = unit.get("payments", {}).get("captures", [])
        match what:
            case "pay" | "decline" | "pay_slowly":
                if order["status"] != "PAYER_ACTION_REQUIRED":
                    raise ValueError(f"the order is {order['status']}")
                self.intended[about] = {"pay": "COMPLETED", "decline": "DECLINED", "pay_slowly": "PENDING"}[what]
                order["status"] = "APPROVED"
                self.note("CHECKOUT.ORDER.APPROVED", "checkout-order", order, about)
            case "settle":
                captures[0]["status"] = "COMPLETED"
                captures[0].pop("status_details")
                self.note("PAYMENT.CAPTURE.COMPLETED", "capture", self.with_order(captures[0], order), about)
            case "fail":
                captures[0]["status"] = "DECLINED"
                captures[0].pop("status_details")
                self.note("PAYMENT.CAPTURE.DENIED", "capture", self.with_order(captures[0], order), about)
            case "lie":
                unit["amount"] |= {name: how[name] for name in ("value", "currency_code") if name in how}
            case "refund_at_desk":
                self.new_refund(order, captures[0], {"amount": unit["amount"] | {"value": how["value"]}}, "COMPLETED")
            case "dispute":
                dispute = {
                    "dispute_id": f"PP-D-{secrets.token_hex(3)}",
                    "disputed_transactions": [{"seller_transaction_id": captures[0]["id"]}],
                }
                self.note("CUSTOMER.DISPUTE.CREATED", "dispute", dispute, about)
            case "claim":
                claimed = {
                    "id": new_id(),
                    "status": "COMPLETED",
                    "custom_id": unit["custom_id"],
                    "amount": unit["amount"],
                }
                self.note("PAYMENT.CAPTURE.COMPLETED", "capture", claimed, about)
            case "look":
                pass
            case _:
                raise KeyError(what)
        return {
            "currency": unit["amount"]["currency_code"],
            "taken": str(
                sum(
                    (Decimal(c["amount"]["value"]) for c in captures if c["status"] not in {"PENDING", "DECLINED"}),
                    Decimal(0),
                )
            ),
            "captures": len(captures),
            "refunds": [
                {"id": r["id"], "amount": r["amount"]["value"], "status": r["status"]} for r in self.refunds_of(order)
            ],
        }

    def end_refund(self, refund_id: str, status: str) -> dict[str, Any]:
        refund = self.refunds[refund_id]
        refund["status"] = status
        capture_id = refund["links"][1]["href"].rpartition("/")[2]
        if status == "COMPLETED":
            self.refunded(self.order_of(capture_id), self.captures[capture_id], refund)
        return {}

    # --- notices ---

    def note(self, type_: str, kind: str, about: dict[str, Any], owner: str) -> None:
        event = {
            "id": f"WH-{secrets.token_hex(8).upper()}", "event_version": "1.0", "create_time": moment(),
            "resource_type": kind, "resource_version": "2.0", "event_type": type_, "summary": "stand-in",
            "resource": copy.deepcopy(about), "links": [],
        }  # fmt: skip
        self.notices.append({"about": owner, "type": type_, "body": json.dumps(event, separators=(",", ":"))})

    def signed(self, notice: dict[str, Any], age: float) -> dict[str, str]:
        return self.seal.headers_for(notice["body"].encode(), age)


if __name__ == "__main__":
    run(PayPalStandIn())
