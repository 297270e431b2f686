"""What every stand-in has: HTTP, the contract's judgement, troubles to order, notices kept until a test fetches them."""

import argparse
import json
import logging
import re
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from payments.tests.standins.contract import Contract

logger = logging.getLogger("standin")

MOST_BYTES = 512 * 1024


class Refused(Exception):
    """The gateway says no."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.status, self.body = status, body


class Silent(Exception):
    """The connection ends without an answer."""


@dataclass
class Call:
    """One request, understood."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, Any]
    body: Any
    raw: bytes
    ids: tuple[str, ...] = ()
    trouble: str = ""  # what was ordered for it and its handler must do: `refuse`, `pending` …


@dataclass
class Route:
    method: str
    pattern: "re.Pattern[str]"
    name: str  # what troubles are ordered for
    handle: Callable[[Call], tuple[int, dict[str, Any]]]


@dataclass
class StandIn(ABC):
    """A gateway's state and rules; subclasses say which calls there are, and what acts of payers and time do."""

    contract: Contract
    violations: list[str] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    troubles: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=threading.RLock)

    @abstractmethod
    def routes(self) -> list[Route]:
        """The calls it answers."""

    @abstractmethod
    def understand(self, call: Call, operation: dict[str, Any]) -> None:
        """Fill in `call.body` from the raw bytes and refuse strangers."""

    @abstractmethod
    def act(self, what: str, about: str, **how: Any) -> dict[str, Any]:
        """What the payer, the bank or the gateway's own desk does."""

    @abstractmethod
    def signed(self, notice: dict[str, Any], age: float) -> dict[str, str]:
        """The headers of a notice sent `age` seconds ago."""

    @abstractmethod
    def error(self, status: int, message: str) -> dict[str, Any]:
        """A fault in the gateway's form."""

    def complaints_of(self, operation: dict[str, Any], status: int, body: dict[str, Any]) -> list[str]:
        """How our own answer breaks the contract."""
        return self.contract.faults_of_answer(operation, status, body)

    def control(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """What tests say to it."""
        with self.lock:
            match method, path:
                case "POST", "/test/troubles":
                    self.troubles[body["on"]] = {
                        "kind": body["kind"],
                        "times": body["times"],
                        "seconds": body["seconds"],
                    }
                case "POST", "/test/act":
                    return 200, self.act(body.pop("what"), body.pop("about"), **body)
                case "POST", "/test/notices":
                    taken = [each for each in self.notices if not body.get("about") or each["about"] == body["about"]]
                    if body.get("take", True):
                        self.notices = [each for each in self.notices if each not in taken]
                    return 200, [each | {"headers": self.signed(each, body.get("age", 0))} for each in taken]
                case "GET", "/test/violations":
                    return 200, self.violations
                case "GET", "/test/calls":
                    return 200, self.calls
                case "DELETE", "/test":
                    self.troubles.clear()
                    self.notices.clear()
                    self.violations.clear()
                    self.calls.clear()
                case "GET", "/test/health":
                    return 200, {}
                case _:
                    return 404, {}
        return 200, {}

    def serve(self, call: Call) -> tuple[int, dict[str, Any]]:
        """Judge the request, do what it says unless trouble was ordered, judge the answer."""
        operation = self.contract.operation(call.method, call.path)
        route = next((r for r in self.routes() if r.method == call.method and r.pattern.fullmatch(call.path)), None)
        if operation is None or route is None:
            self.violations.append(f"{call.method} {call.path}: no such call")
            return 404, self.error(404, "no such call")
        self.calls.append(route.name)
        kind, seconds = self.trouble_for(route.name)
        if kind in {"500", "429", "503"}:
            return int(kind), self.error(int(kind), "ordered by a test")
        if kind == "timeout_before":
            time.sleep(seconds)
            raise Silent
        found = route.pattern.fullmatch(call.path)
        call.ids, call.trouble = found.groups() if found else (), kind
        try:
            self.understand(call, operation)
            with self.lock:
                status, body = route.handle(call)
        except Refused as refusal:
            status, body = refusal.status, refusal.body
        complaints = self.complaints_of(operation, status, body)
        if complaints:
            self.violations.append(f"our own answer to {call.method} {call.path}: {complaints[:5]}")
            return 500, self.error(500, "the stand-in broke the contract")
        if kind == "timeout_after":
            time.sleep(seconds)
            raise Silent
        return status, body

    def trouble_for(self, name: str) -> tuple[str, float]:
        with self.lock:
            ordered = self.troubles.get(name)
            if ordered is None or ordered["times"] <= 0:
                return "", 0
            ordered["times"] -= 1
            return ordered["kind"], ordered["seconds"]

    def judge(self, call: Call, operation: dict[str, Any]) -> None:
        """Raise `Refused` where the request breaks the contract."""
        faults = self.contract.faults_of_request(operation, call.body, call.query)
        if faults:
            self.violations.append(f"{call.method} {call.path}: {faults[:5]}")
            raise Refused(400, self.error(400, "; ".join(faults[:5])))


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    stand_in: StandIn

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.info("a connection broke off", exc_info=True)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    timeout = 60

    def do_GET(self) -> None:
        self.answer()

    do_POST = do_DELETE = do_GET

    def answer(self) -> None:
        address = urlsplit(self.path)
        length = min(int(self.headers.get("Content-Length") or 0), MOST_BYTES)
        raw = self.rfile.read(length) if length else b""
        if address.path.startswith("/test"):
            self.send(*self.server.stand_in.control(self.command, address.path, json.loads(raw or b"{}")))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, address.path, headers, dict(parse_qsl(address.query)), None, raw)
        try:
            self.send(*self.server.stand_in.serve(call))
        except Silent:
            self.close_connection = True

    def send(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)


def run(stand_in: StandIn) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    server = Server((options.host, options.port), Handler)
    server.stand_in = stand_in
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    server.server_close()
