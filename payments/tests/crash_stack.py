"""The whole system as processes of its own, any of which can be ordered to kill itself at a named place.

Web (granian), worker, beat and gateway run on the test's database and Valkey. Who dies is started again, as a supervisor
would; customers repeat what was not answered under the same key, as real clients do.
"""

import email
import email.policy
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
from django.conf import settings

from config.embedded.processes import finish, start
from config.testing.server import free_port, url_of_test_database
from notifications.models import Delivery, DeliveryStatus, Message, MessageStatus
from payments.models import Notice, NoticeStatus
from payments.sandbox.signing import api_key

# Nobody waits a minute and a half in a test for what a dead process began.
HURRY = {
    "config.idempotency:TAKEN_FOR_DEAD_AFTER": 1.5,
    "notifications.mail:SENDING_TAKES_AT_MOST": 2,
    "payments.services.inbox:ONE_TRY_TAKES_AT_MOST": 1.5,
    "payments.services.checks:ONE_CHECK_TAKES_AT_MOST": 1.5,
    "payments.services.refunds:ONE_TRY_TAKES_AT_MOST": 1.5,
    "notifications.outbox:GRACE": 0.5,
    "notifications.outbox:FIRST_PAUSE": 1.5,
    "notifications.mail:GRACE": 0.5,
}
PATIENCE = 40.0  # seconds that anything may take before the test fails


class Stack:
    """`order` names what dies next; `settle` waits until everything that is under way has ended."""

    def __init__(self, folder: Path, places: Iterable[str], without: str = "") -> None:
        self.folder, self.mails, self.order_file = folder, folder / "mail", folder / "order"
        self.web_port, self.sandbox_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.web_port}"
        self.sandbox_url = f"http://127.0.0.1:{self.sandbox_port}"
        self.environment = {
            **os.environ,
            "DATABASE_URL": url_of_test_database(settings.DATABASE_URL),
            "DATABASE_OWNER_URL": url_of_test_database(settings.DATABASE_OWNER_URL),
            "RIHLA_AS_OWNER": "false",
            "PORT": str(self.web_port),
            "PUBLIC_URL": self.url,
            "SANDBOX_URL": self.sandbox_url,
            "MAIL_DIR": str(self.mails),
            "THROTTLE_DEFAULT": "1000000/min",
            "PAYMENT_UNCLEAR_SECONDS": "1",
            "LOG_LEVEL": "WARNING",
            "CRASH_ORDER": str(self.order_file),
            "CRASH_PLACES": "",
            "CRASH_HURRY": " ".join(f"{name}={seconds}" for name, seconds in HURRY.items()),
            "CRASH_WITHOUT": without,
        }
        self.places = sorted(set(places))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.deaths: list[str] = []

    # --- processes ---

    def command(self, role: str) -> list[str]:
        python, celery = sys.executable, [sys.executable, "-m", "celery", "-A", "config.testing.crashes.tasks"]
        match role:
            case "web":
                return [python, "-m", "granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "4",
                        "--host", "127.0.0.1", "--port", str(self.web_port), "--no-ws", "--respawn-failed-workers",
                        "--workers-kill-timeout", "5", "config.testing.crashes.web:application"]  # fmt: skip
            case "worker":
                return [*celery, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle",
                        "--loglevel", "WARNING"]  # fmt: skip
            case "beat":
                return [*celery, "beat", "--schedule", str(self.folder / "beat"), "--pidfile=", "--loglevel", "WARNING"]
        return [python, "-m", "config.testing.crashes", "payments.sandbox",
                "--port", str(self.sandbox_port), "--state", str(self.folder / "sandbox.sqlite3")]  # fmt: skip

    def start(self, role: str) -> None:
        own = [place for place in self.places if home_of(place) in (role, "ours")]
        if role == "gateway":
            own = [place for place in own if home_of(place) == "gateway"]
        self.processes[role] = start(
            self.command(role),
            env={**self.environment, "CRASH_ROLE": role, "CRASH_PLACES": " ".join(own)},
            cwd=settings.BASE_DIR,
            output=self.folder / f"{role}.log",
            death_signal=signal.SIGKILL,
        )

    def up(self) -> None:
        for role in ("gateway", "web", "worker", "beat"):
            self.start(role)
        for address in (f"{self.sandbox_url}/health", f"{self.url}/health/live"):
            self.wait_until(lambda address=address: answers(address))

    def kill(self, role: str) -> None:
        """End it with all its children, and leave it so."""
        finish(self.processes.pop(role), seconds=0)

    def look_after(self) -> None:
        """Start again what has died."""
        for role, process in self.processes.items():
            if process.poll() is not None:
                finish(process, seconds=0)
                self.deaths.append(role)
                self.start(role)

    def down(self) -> None:
        for process in self.processes.values():
            finish(process, seconds=0)

    def wait_until(self, true: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Ask until the answer is true, looking after the processes meanwhile; fails the test when it never is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look_after()
            answer = true()
            if answer:
                return answer
            time.sleep(0.03)
        raise AssertionError(f"still not so after {seconds} s\n{self.last_words()}")

    def last_words(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)

    # --- orders ---

    def order(self, role: str, place: str, having: str = "", *, group: bool = False) -> None:
        """Whoever of `role` comes to `place` first, with `having` among its arguments, kills itself there."""
        self.order_file.with_suffix(".done").unlink(missing_ok=True)
        written = self.order_file.with_suffix(".new")
        written.write_text(json.dumps({"role": role, "place": place, "having": having, "group": group}))
        written.replace(self.order_file)

    @property
    def obeyed(self) -> bool:
        """Whether somebody died of the last order."""
        return self.order_file.with_suffix(".done").exists()

    # --- the end ---

    def settle(self) -> None:
        """Wait until nothing is under way: no delivery, no mail, no notice, at our side or the gateway's."""
        self.wait_until(self.is_quiet)

    def is_quiet(self) -> bool:
        """Asked in the order in which one makes the other: what ends behind our back has made what we look at next.

        The gateway comes first. What it could not tell while the web was down it tells again seconds later, when money and
        mails have long arrived.
        """
        return not (
            self.gateway_has_news()
            or Notice.objects.filter(status__in=[NoticeStatus.NEW, NoticeStatus.FAILED]).exists()
            or Delivery.objects.filter(status=DeliveryStatus.WAITING).exists()
            or Message.objects.filter(status=MessageStatus.QUEUED).exists()
        )

    def gateway_has_news(self) -> bool:
        """Whether the gateway has a notice that it has not told us, read from its own store."""
        with closing(sqlite3.connect(self.folder / "sandbox.sqlite3", timeout=10)) as store:
            return bool(store.execute("SELECT EXISTS (SELECT 1 FROM notices WHERE due_at IS NOT NULL)").fetchone()[0])

    def gateway(self, path: str) -> dict[str, Any]:
        """What the gateway says, asked by its API."""
        headers = {"Authorization": f"Bearer {api_key(settings.SANDBOX_SIGNING_KEY)}"}
        return dict(httpx.get(f"{self.sandbox_url}{path}", headers=headers).json())

    def mails_of(self, template: str, address: str) -> list[str]:
        """The Message-IDs of the mails of a template that went to an address, one for each file."""
        found = []
        for file in self.mails.glob(f"*-{template}-{address}-*.eml"):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            found.append(str(message["Message-ID"]))
        return found


class Guest:
    """A customer without an account, whose programs repeat what was not answered, under the same key."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.address = stack, f"guest.{token_hex(6)}@example.com"
        self.http = httpx.Client(base_url=f"{stack.url}/api/v1/", timeout=10)
        self.tries = 0

    def ask(self, method: str, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        key = token_hex(16)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            self.stack.look_after()
            self.tries += 1
            try:
                answer = self.http.request(method, path, json=body, headers={"Idempotency-Key": key, **headers})
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            under_way = answer.status_code == 409 and answer.json()["error_code"] == "request_in_progress"
            if not under_way and answer.status_code != 503:
                assert answer.status_code in (200, 201), answer.text
                return dict(answer.json())
            time.sleep(0.1)
        raise AssertionError(f"{method} {path} was never answered\n{self.stack.last_words()}")

    def hold(self, departure_id: Any) -> None:
        self.held = self.ask("POST", "holds", {"departure_id": str(departure_id), "guests": {"adult": 2}})

    def book(self) -> None:
        contact = {"name": "Mona Saleh", "email": self.address, "phone": "+201001234567"}
        body = {"hold_id": self.held["id"], "hold_token": self.held["token"], "contact": contact}
        self.booking = self.ask("POST", "bookings", body)

    def start_to_pay(self) -> None:
        body = {"booking_id": self.booking["id"], "gateway": "sandbox"}
        self.payment = self.ask("POST", "payments", body, **self.token)

    def pay(self, outcome: str = "approve") -> None:
        """What the payer does on the gateway's page: pressed again when nothing comes, or when the page says it broke."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            self.stack.look_after()
            try:
                answer = httpx.post(self.payment["action"]["url"], data={"outcome": outcome}, timeout=10)
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            self.back = answer.headers.get("Location", "")
            return
        raise AssertionError(f"the gateway's page was never answered\n{self.stack.last_words()}")

    def come_back(self) -> None:
        """The browser follows the way back to us; should that break, the payer just closes it."""
        if self.back:
            try:
                httpx.get(self.back, timeout=10)
            except httpx.TransportError:
                self.back = ""

    def cancel(self) -> None:
        self.ask("PUT", f"bookings/{self.booking['id']}/cancel", {"reason": "changed plans"}, **self.token)

    @property
    def token(self) -> dict[str, str]:
        return {"X-Booking-Token": self.booking["token"]}

    def go_all_the_way(self, departure_id: Any) -> None:
        self.hold(departure_id)
        self.book()
        self.start_to_pay()
        self.pay()
        self.come_back()


def home_of(place: str) -> str:
    """Which process alone can load the module: the gateway has no Django, and only beat has a schedule."""
    if place.startswith("payments.sandbox"):
        return "gateway"
    return "beat" if place.startswith("celery.beat") else "ours"


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).status_code == 200
    except httpx.TransportError:
        return False
