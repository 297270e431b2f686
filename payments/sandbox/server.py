"""The sandbox's HTTP server: its API, the payer's page, and the switches for tests."""

import hmac
import json
import logging
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from payments.sandbox import pages
from payments.sandbox.faults import CALLS, KINDS, Fault, Faults
from payments.sandbox.notices import Messenger
from payments.sandbox.signing import api_key
from payments.sandbox.store import Refused, Store

logger = logging.getLogger("sandbox")

MOST_BYTES = 64 * 1024
AMOUNT = re.compile(r"[0-9]{1,11}(\.[0-9]{1,3})?")


class Gone(Exception):
    """The connection ends without an answer, as when a gateway times out."""


class Sandbox(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], state: str, key: str) -> None:
        self.store, self.faults, self.key = Store(state), Faults(), key
        self.messenger = Messenger(self.store, key)
        super().__init__(address, Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no fault of ours."""
        logger.info("a connection broke off", exc_info=True)


class Handler(BaseHTTPRequestHandler):
    server: Sandbox
    protocol_version = "HTTP/1.1"
    server_version = "RihlaSandbox/1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    timeout = 60

    # --- in and out ---

    def do_GET(self) -> None:
        self.serve("GET")

    def do_POST(self) -> None:
        self.serve("POST")

    def do_DELETE(self) -> None:
        self.serve("DELETE")

    def serve(self, method: str) -> None:
        self.address = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(self.address.query).items()}
        self.body = self.read_body()
        try:
            for wanted, pattern, action, is_open in ROUTES:
                found = pattern.fullmatch(self.address.path)
                if found and wanted == method:
                    if not is_open:
                        self.check_caller()
                    action(self, *found.groups())
                    return
            raise Refused(404, "not_found", "There is no such address.")
        except Refused as refusal:
            if self.address.path.startswith("/pay/"):
                self.refuse_on_page(refusal)
            else:
                self.answer(refusal.status, {"error": {"code": refusal.code, "message": refusal.message}})
        except Gone:
            self.close_connection = True

    def read_body(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_BYTES:
            self.close_connection = True
            return b""
        return self.rfile.read(length) if length else b""

    def check_caller(self) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), api_key(self.server.key).encode()):
            raise Refused(401, "unauthorized", "The API key is wrong.")

    def check_tester(self) -> None:
        if not hmac.compare_digest(self.headers.get("X-Signing-Key", "").encode(), self.server.key.encode()):
            raise Refused(401, "unauthorized", "The signing key is wrong.")

    def json_body(self) -> dict[str, Any]:
        try:
            body = json.loads(self.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refused(400, "malformed", "The body is not a JSON object.")
        return body

    def answer(self, status: int, body: dict[str, Any]) -> None:
        self.send(status, json.dumps(body).encode(), "application/json")

    def send(self, status: int, content: bytes, content_type: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def page(self, status: int, content: bytes) -> None:
        self.send(status, content, "text/html; charset=utf-8", X_Frame_Options="DENY", Referrer_Policy="no-referrer")

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)

    # --- troubles ---

    def fault_before(self, on: str) -> Fault | None:
        """The trouble ordered for this call; those that strike before anything is done strike here."""
        fault = self.server.faults.take(on)
        if fault is None:
            return None
        if fault.kind == "500":
            raise Refused(500, "internal_error", "Something went wrong.")
        if fault.kind == "refuse":
            raise Refused(402, "declined", "The gateway refuses.")
        if fault.kind == "timeout_before":
            self.withhold(fault)
        return fault

    def fault_after(self, fault: Fault | None) -> None:
        if fault is not None and fault.kind == "timeout_after":
            self.withhold(fault)

    def withhold(self, fault: Fault) -> None:
        time.sleep(fault.seconds)
        raise Gone

    # --- the API ---

    def health(self) -> None:
        self.answer(200, {"status": "healthy", "pid": os.getpid()})

    def create_payment(self) -> None:
        fault = self.fault_before("create")
        key, request = self.key_given(), checked_payment(self.json_body())
        payment, notice = self.server.store.create_payment(key, request)
        if notice is not None:
            # Before we answer: the shop hears of a payment whose id it does not know yet.
            self.server.messenger.deliver(notice, timeout=3)
        self.fault_after(fault)
        self.answer(201 if notice else 200, self.with_action(payment))

    def list_payments(self) -> None:
        try:
            since, limit = float(self.query.get("since", 0)), int(self.query.get("limit", 100))
        except ValueError:
            raise Refused(400, "malformed", "since and limit are numbers.") from None
        self.fault_after(self.fault_before("fetch"))
        found = self.server.store.payments(
            reference=self.query.get("reference", ""), since=since, limit=max(1, min(limit, 1000))
        )
        self.answer(200, {"items": [self.with_action(payment) for payment in found]})

    def fetch_payment(self, payment_id: str) -> None:
        fault = self.fault_before("fetch")
        payment = self.server.store.payment(payment_id)
        self.fault_after(fault)
        self.answer(200, self.with_action(payment))

    def cancel_payment(self, payment_id: str) -> None:
        fault = self.fault_before("cancel")
        payment = self.server.store.cancel_payment(payment_id)
        self.fault_after(fault)
        self.answer(200, self.with_action(payment))

    def create_refund(self, payment_id: str) -> None:
        fault = self.fault_before("refund")
        body = self.json_body()
        refund = self.server.store.create_refund(
            payment_id,
            self.key_given(),
            checked_amount(body.get("amount")),
            str(body.get("reason", ""))[:200],
            settle_in=fault.seconds if fault is not None and fault.kind == "pending" else None,
        )
        self.fault_after(fault)
        self.answer(201, refund)

    def list_refunds(self, payment_id: str) -> None:
        self.answer(200, {"items": self.server.store.refunds_of(payment_id)})

    def fetch_refund(self, refund_id: str) -> None:
        self.fault_after(self.fault_before("fetch"))
        self.answer(200, self.server.store.refund(refund_id))

    def key_given(self) -> str:
        key = self.headers.get("Idempotency-Key", "")
        if not 1 <= len(key) <= 108:
            raise Refused(400, "no_key", "Send an Idempotency-Key of 1 to 108 characters.")
        return key

    def with_action(self, payment: dict[str, Any]) -> dict[str, Any]:
        host = self.headers.get("Host", "")
        url = f"http://{host}/pay/{payment['id']}"
        return payment | {"action": {"type": "redirect", "url": url}}

    # --- the payer's page ---

    def language(self, payment: dict[str, Any] | None = None) -> str:
        asked = str(self.query.get("lang") or (payment or {}).get("language") or self.headers.get("Accept-Language"))
        return "ar" if asked.startswith("ar") else "en"

    def show_page(self, payment_id: str) -> None:
        payment = self.server.store.payment(payment_id)
        self.page(200, pages.payer_page(payment, self.language(payment)))

    def act_on_page(self, payment_id: str) -> None:
        fault = self.fault_before("page")
        payment = self.server.store.payment(payment_id)
        form = parse_qs(self.body.decode("utf-8", "replace"))
        outcome = (form.get("outcome") or [""])[-1]
        if outcome not in pages.OUTCOMES:
            raise Refused(400, "bad_outcome", "There is no such outcome.")
        payment = self.server.store.act(payment_id, outcome)
        self.fault_after(fault)
        if outcome == "timeout":
            self.page(504, pages.message_page("timed_out", self.language(payment)))
            return
        target = payment["cancel_url"] if outcome == "decline" else payment["return_url"]
        self.send(303, b"", "text/html; charset=utf-8", Location=target)

    def refuse_on_page(self, refusal: Refused) -> None:
        if refusal.code == "payment_ended":
            payment = self.server.store.payment(self.address.path.rpartition("/")[2])
            self.page(409, pages.payer_page(payment, self.language(payment)))
            return
        name = refusal.code if refusal.code in {"not_found", "bad_outcome"} else "timed_out"
        self.page(refusal.status, pages.message_page(name, self.language()))

    # --- switches for tests ---

    def order_fault(self) -> None:
        self.check_tester()
        body = self.json_body()
        on, kind = body.get("on"), str(body.get("kind"))
        if on not in CALLS or kind not in KINDS:
            raise Refused(400, "malformed", f"on: {', '.join(CALLS)}; kind: {', '.join(KINDS)}.")
        self.server.faults.order(on, kind, int(body.get("times", 1)), float(body.get("seconds", 30)))
        self.answer(200, {"ordered": True})

    def clear_faults(self) -> None:
        self.check_tester()
        self.server.faults.clear()
        self.answer(200, {"ordered": False})


def checked_amount(amount: Any) -> str:
    """A positive amount in major units, as text. Raises `Refused` 422."""
    if not isinstance(amount, str) or not AMOUNT.fullmatch(amount):
        raise Refused(422, "bad_amount", 'The amount must be text such as "120.00".')
    try:
        if Decimal(amount) <= 0:
            raise Refused(422, "bad_amount", "The amount must be positive.")
    except InvalidOperation:
        raise Refused(422, "bad_amount", "The amount is no number.") from None
    return amount


def checked_payment(body: dict[str, Any]) -> dict[str, Any]:
    """The request with its defaults. Raises `Refused` 422."""
    currency = body.get("currency")
    if not isinstance(currency, str) or not re.fullmatch(r"[A-Z]{3}", currency):
        raise Refused(422, "bad_currency", "The currency must be an ISO code.")
    for name in ("return_url", "cancel_url", "notify_url"):
        url = body.get(name)
        if not isinstance(url, str) or urlsplit(url).scheme not in {"http", "https"} or re.search(r"\s", url):
            raise Refused(422, f"bad_{name}", f"{name} must be an http address.")
    expires_at = body.get("expires_at")
    if not isinstance(expires_at, int | float):
        raise Refused(422, "bad_expires_at", "expires_at must be Unix seconds.")
    return {
        "reference": str(body.get("reference", ""))[:100],
        "amount": checked_amount(body.get("amount")),
        "currency": currency,
        "description": str(body.get("description", ""))[:200],
        "language": "ar" if body.get("language") == "ar" else "en",
        "return_url": body["return_url"],
        "cancel_url": body["cancel_url"],
        "notify_url": body["notify_url"],
        "expires_at": expires_at,
    }


Route = tuple[str, "re.Pattern[str]", Callable[..., None], bool]

ID = "([a-z0-9_]{1,60})"
ROUTES: list[Route] = [
    ("GET", re.compile("/health"), Handler.health, True),
    ("POST", re.compile("/v1/payments"), Handler.create_payment, False),
    ("GET", re.compile("/v1/payments"), Handler.list_payments, False),
    ("GET", re.compile(f"/v1/payments/{ID}"), Handler.fetch_payment, False),
    ("POST", re.compile(f"/v1/payments/{ID}/cancel"), Handler.cancel_payment, False),
    ("POST", re.compile(f"/v1/payments/{ID}/refunds"), Handler.create_refund, False),
    ("GET", re.compile(f"/v1/payments/{ID}/refunds"), Handler.list_refunds, False),
    ("GET", re.compile(f"/v1/refunds/{ID}"), Handler.fetch_refund, False),
    ("GET", re.compile(f"/pay/{ID}"), Handler.show_page, True),
    ("POST", re.compile(f"/pay/{ID}"), Handler.act_on_page, True),
    ("POST", re.compile("/test/faults"), Handler.order_fault, True),
    ("DELETE", re.compile("/test/faults"), Handler.clear_faults, True),
]


def run(*, host: str, port: int, state: str, key: str) -> None:
    """Serve until SIGTERM or SIGINT, then end what is under way."""
    sandbox = Sandbox((host, port), state, key)

    def stop(*_: Any) -> None:
        threading.Thread(target=sandbox.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sandbox.messenger.start()
    logger.info("sandbox gateway on http://%s:%s", host, sandbox.server_port)
    try:
        sandbox.serve_forever(poll_interval=0.1)
    finally:
        sandbox.messenger.stop()
        sandbox.server_close()
        sandbox.store.close()
