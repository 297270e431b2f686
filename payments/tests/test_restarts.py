"""PostgreSQL, Valkey and the web server killed by SIGKILL while sixteen customers hold, book and pay.

No booking that was acknowledged is lost, no money is doubled, and the service answers again within five seconds.
"""

import os
import random
import subprocess
import sys
import threading
import time
from secrets import token_hex
from typing import Any

import httpx

from payments.tests.whole_system import HERE, WholeSystem

CLIENTS = 16
BACK_WITHIN = 5.0  # seconds, on a machine that does nothing else
ALONE = 2.0  # seconds that loading the site takes there
LOADING = "import django; django.setup(); import config.urls"


class Customer(threading.Thread):
    """Holds, books and pays without end. What is not answered, or answered 503, is repeated under its key."""

    def __init__(self, system: WholeSystem, departures: list[str], stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.url, self.departures, self.stop = system.url, departures, stop
        self.booked: list[str] = []
        self.paid: list[str] = []
        self.answered: list[tuple[float, float]] = []  # when a successful write was asked for, and when it was answered
        self.surprises: list[str] = []

    def run(self) -> None:
        with httpx.Client(timeout=10) as self.http:
            while not self.stop.is_set():
                self.buy()

    def ask(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any] | None:
        key, gives_up = token_hex(16), time.monotonic() + 40
        while time.monotonic() < gives_up:
            asked = time.monotonic()
            try:
                answer = self.http.post(
                    f"{self.url}/api/v1/{path}", json=body, headers={"Idempotency-Key": key, **headers}
                )
            except httpx.TransportError:
                time.sleep(0.25)
                continue
            if answer.status_code == 201:
                self.answered.append((asked, time.monotonic()))
                return dict(answer.json())
            code = answer.json().get("error_code", "")
            if answer.status_code == 503 or code == "request_in_progress":
                time.sleep(0.25)
                continue
            if code != "seats_unavailable":
                self.surprises.append(f"{path}: {answer.status_code} {answer.text[:300]}")
            return None
        self.surprises.append(f"{path}: never answered")
        return None

    def buy(self) -> None:
        hold = self.ask("holds", {"departure_id": random.choice(self.departures), "guests": {"adult": 1}})
        if hold is None:
            return
        contact = {"name": "Mona Saleh", "email": f"{token_hex(6)}@example.com"}
        body = {"hold_id": hold["id"], "hold_token": hold["token"], "contact": contact}
        booking = self.ask("bookings", body)
        if booking is None:
            return
        self.booked.append(booking["id"])
        token = {"X-Booking-Token": booking["token"]}
        payment = self.ask("payments", {"booking_id": booking["id"], "gateway": "sandbox"}, **token)
        if payment is not None and self.approve(payment["action"]["url"]):
            self.paid.append(booking["id"])

    def approve(self, page: str) -> bool:
        answer = self.http.post(page, data={"outcome": "approve"})
        return answer.status_code == 303


def test_killed_under_load_nothing_is_lost_and_it_answers_again_within_seconds(
    system: WholeSystem,
):
    stop = threading.Event()
    departures = system.departures()
    customers = [Customer(system, departures, stop) for _number in range(CLIENTS)]
    for customer in customers:
        customer.start()
    limit = BACK_WITHIN * max(1.0, seconds_to_load(system) / ALONE)
    away: dict[str, float] = {}
    for what in ("postgres", "valkey", "web"):
        at = time.monotonic()
        system.kill(what)
        system.wait_until(lambda at=at: came_back(customers, at), 30)
        away[what] = came_back(customers, at) - at
        time.sleep(2.5)
    stop.set()
    for customer in customers:
        customer.join(60)
    assert [surprise for customer in customers for surprise in customer.surprises] == []
    booked = {booking for customer in customers for booking in customer.booked}
    paid = {booking for customer in customers for booking in customer.paid}
    assert len(paid) > CLIENTS
    system.wait_until(lambda: set(confirmed(system)) >= paid, 60)
    assert {str(row[0]) for row in system.rows("SELECT id FROM bookings_booking")} >= booked
    successes = system.rows(
        "SELECT booking_id, count(*) FROM payments_payment WHERE paid_at IS NOT NULL AND booking_id = ANY(%s::uuid[])"
        " GROUP BY booking_id",
        sorted(booked),
    )
    assert {count for _booking, count in successes} == {1}
    postings = system.rows(
        "SELECT count(*), count(DISTINCT reference) FROM ledger_transaction WHERE reference LIKE 'payment:%%:captured'"
        " AND split_part(reference, ':', 2)::uuid IN (SELECT id FROM payments_payment WHERE booking_id = ANY(%s::uuid[]))",
        sorted(booked),
    )
    assert postings == [(len(successes), len(successes))]
    done = system.manage("check_invariants")
    assert done.returncode == 0, done.stdout + done.stderr
    figures = {what: round(seconds, 2) for what, seconds in away.items()}
    print(f"\nback after {figures} s; {len(booked)} booked, {len(paid)} paid")  # noqa: T201  shown with -s
    for seconds in away.values():
        assert seconds < limit, away


def seconds_to_load(system: WholeSystem) -> float:
    """How long the site takes to load just now: what else runs on this machine slows its return just as much."""
    began = time.monotonic()
    env = {**os.environ, **system.environment(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run([sys.executable, "-c", LOADING], env=env, cwd=HERE, check=True)
    return time.monotonic() - began


def came_back(customers: list[Customer], killed_at: float) -> float:
    """When the first write that was asked for after the kill was answered; nothing (0) before that."""
    answers = [at for customer in customers for asked, at in list(customer.answered) if asked > killed_at]
    return min(answers, default=0.0)


def confirmed(system: WholeSystem) -> list[str]:
    return [str(row[0]) for row in system.rows("SELECT id FROM bookings_booking WHERE status = 'CONFIRMED'")]
