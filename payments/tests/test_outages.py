"""What each request answers while a part is away: the part is really killed, and comes back.

Without the database nothing can be promised: 503 in the common form, soon, with `Retry-After` and without a trace. Without
cache and broker everything goes on, without the gateway all but paying does.
"""

import re
import time
from secrets import token_hex
from typing import Any

import httpx
import pytest

from payments.tests.whole_system import WholeSystem

SOON = 6.0  # seconds; on a machine that does nothing else it is less than four
UNKNOWN = "01900000-0000-7000-8000-000000000000"

# Each kind of request there is; none of them may answer with anything but 503 while the database is away.
ANY_REQUEST = [
    ("GET", "/api/v1/tours", None),
    ("GET", f"/api/v1/tours/{UNKNOWN}", None),
    ("GET", f"/api/v1/tours/{UNKNOWN}/availability", None),
    ("POST", "/api/v1/quotes", {"departure_id": UNKNOWN, "guests": {"adult": 1}}),
    ("POST", "/api/v1/holds", {"departure_id": UNKNOWN, "guests": {"adult": 1}}),
    ("POST", "/api/v1/bookings", {"hold_id": UNKNOWN, "contact": {"name": "Mona", "email": "mona@example.com"}}),
    ("GET", f"/api/v1/bookings/{UNKNOWN}", None),
    ("POST", "/api/v1/payments", {"booking_id": UNKNOWN, "gateway": "sandbox"}),
    ("POST", "/api/v1/auth/login", {"email": "mona@example.com", "password": "Felucca-77-Nile"}),
    ("POST", "/api/v1/payments/webhooks/sandbox", {"id": "x"}),
]


class Caller:
    """Asks, and notes how long the longest answer took."""

    def __init__(self, system: WholeSystem) -> None:
        self.http, self.longest = httpx.Client(base_url=system.url, timeout=30), 0.0

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        began = time.monotonic()
        answer = self.http.request(method, path, json=body, headers={"Idempotency-Key": token_hex(8), **headers})
        self.longest = max(self.longest, time.monotonic() - began)
        return answer

    def done(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        answer = self.ask(method, path, body, **headers)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    def book(self, departure_id: str) -> dict[str, Any]:
        hold = self.done("POST", "/api/v1/holds", {"departure_id": departure_id, "guests": {"adult": 1}})
        contact = {"name": "Mona Saleh", "email": f"{token_hex(6)}@example.com"}
        body = {"hold_id": hold["id"], "hold_token": hold["token"], "contact": contact}
        return self.done("POST", "/api/v1/bookings", body)


@pytest.fixture
def caller(system: WholeSystem) -> Caller:
    return Caller(system)


def test_without_the_database(system: WholeSystem, caller: Caller):
    departure = system.departures()[0]
    caller.book(departure)
    time.sleep(5.1)  # the operator is remembered for five seconds, and not longer
    with system.without("postgres"):
        for method, path, body in ANY_REQUEST:
            answer = caller.ask(method, path, body)
            assert answer.status_code == 503, (path, answer.text)
            told = answer.json()
            assert (told["error"], told["error_code"]) == ("unavailable", "unavailable")
            assert told["request_id"] == answer.headers["X-Request-ID"]
            assert int(answer.headers["Retry-After"]) > 0
            assert "Traceback" not in answer.text
            assert "psycopg" not in answer.text
        in_arabic = caller.ask("GET", "/api/v1/tours", **{"Accept-Language": "ar"}).json()["message"]
        assert in_arabic.startswith("لا يمكننا")
        page = caller.ask("GET", "/admin/", Accept="text/html")
        assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert caller.ask("GET", "/health/live").status_code == 200
        ready = caller.ask("GET", "/health/ready")
        assert (ready.status_code, ready.json()["checks"]["database"]["status"]) == (503, "down")
        assert caller.longest < SOON
    caller.book(departure)


def test_the_numbers_of_web_and_worker_are_in_one_place(system: WholeSystem, caller: Caller):
    """Asked of whichever web process answers: what the worker did, when beat ticked, and what was refused above."""
    system.wait_until(lambda: 'rihla_tasks_total{outcome="done",task="config.tasks.tick"}' in numbers(caller))
    system.wait_until(lambda: 'rihla_part_up{part="database"} 1.0' in numbers(caller))
    shown = numbers(caller)
    assert 'rihla_unavailable_total{part="database"}' in shown
    assert re.search(r"rihla_beat_age_seconds \d", shown)
    assert 'rihla_pool{state="free"}' in shown


def numbers(caller: Caller) -> str:
    return caller.ask("GET", "/metrics").text


def test_without_cache_and_broker(system: WholeSystem, caller: Caller):
    departure = system.departures()[0]
    tour = caller.done("GET", "/api/v1/tours")["items"][0]["id"]
    person = {"email": f"{token_hex(6)}@example.com", "first_name": "Mona", "last_name": "Saleh"}
    secret = {"password": "Felucca-77-Nile", "confirm_password": "Felucca-77-Nile"}
    tokens = caller.done("POST", "/api/v1/auth/register", {**person, **secret})
    with system.without("valkey"):
        for path in ("tours", f"tours/{tour}", f"tours/{tour}/availability"):
            caller.done("GET", f"/api/v1/{path}")
        signed_in = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert caller.done("GET", "/api/v1/auth/me", **signed_in)["email"] == person["email"]
        caller.done("POST", "/api/v1/auth/login", {"email": person["email"], "password": secret["password"]})
        booking = caller.book(departure)
        token = {"X-Booking-Token": booking["token"]}
        payment = caller.done("POST", "/api/v1/payments", {"booking_id": booking["id"], "gateway": "sandbox"}, **token)
        back = httpx.post(payment["action"]["url"], data={"outcome": "approve"}).headers["Location"]
        assert httpx.get(back, timeout=20).status_code == 200  # no task can run: the way back asks the gateway itself
        assert caller.done("GET", f"/api/v1/bookings/{booking['id']}", **token)["status"] == "CONFIRMED"
        forged = caller.ask("POST", "/api/v1/payments/webhooks/sandbox", {"id": "x"}, **{"Sandbox-Signature": "forged"})
        assert (forged.status_code, forged.json()["error_code"]) == (400, "signature_invalid")
        time.sleep(2.1)  # health remembers what it saw for two seconds
        ready = caller.ask("GET", "/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert {ready.json()["checks"][part]["status"] for part in ("cache", "broker", "beat")} == {"down"}
        assert caller.longest < SOON
    system.wait_until(lambda: caller.ask("GET", "/health/ready").json()["checks"]["broker"]["status"] == "up")
    # What was announced meanwhile is told now: the sweep sends the voucher.
    told = "SELECT 1 FROM notifications_message WHERE status = 'SENT' AND template = %s AND subject_id = %s::uuid"
    system.wait_until(lambda: system.rows(told, "booking_confirmed", booking["id"]))


def test_without_the_gateway(system: WholeSystem, caller: Caller):
    booking = caller.book(system.departures()[0])
    token = {"X-Booking-Token": booking["token"]}
    body, key = {"booking_id": booking["id"], "gateway": "sandbox"}, {"Idempotency-Key": token_hex(8)}
    with system.without("sandbox"):
        answer = caller.ask("POST", "/api/v1/payments", body, **token, **key)
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert "Traceback" not in answer.text
        system.wait_until(lambda: gateways(caller)["sandbox"] == "down", 20)  # health remembers for ten seconds
        assert caller.ask("GET", "/health/ready").status_code == 200
        assert caller.longest < SOON
    system.wait_until(lambda: caller.ask("POST", "/api/v1/payments", body, **token, **key).status_code == 201)


def gateways(caller: Caller) -> dict[str, str]:
    return dict(caller.ask("GET", "/health/ready").json()["checks"]["gateways"]["gateways"])
