"""Four hundred buyers at once for a departure of a hundred seats, over HTTP, against a real server and a real gateway."""

import ssl
import threading
from collections import Counter
from secrets import token_hex
from typing import Any

import httpx
import pytest
from django.conf import settings

from bookings.models import Booking, BookingStatus, Hold, HoldStatus
from bookings.seeds import seed_tenant as seed_kinds
from config.testing.corruption import without_guard
from config.testing.server import serving, working
from payments.tests.steps import assert_sound, wait_until
from tours.models import Departure
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.django_db(transaction=True)

SEATS, BUYERS = 100, 400
UNHURRIED = {"THROTTLE_DEFAULT": "1000000/min", "CELERY_TASK_ALWAYS_EAGER": "false"}
CERTIFICATES = ssl.create_default_context()  # read once, not by each buyer: that alone would take many seconds


class Buyer:
    """Somebody without an account who holds a seat, books and pays; `answers` are the statuses of what was asked."""

    def __init__(self, address: str, departure: Departure) -> None:
        self.address, self.departure = address, departure
        self.answers: list[int] = []
        self.http = httpx.Client(base_url=f"{address}/api/v1/", timeout=120, verify=CERTIFICATES)

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(path, json=body, headers={"Idempotency-Key": token_hex(16)})
        self.answers.append(answer.status_code)
        assert answer.status_code in (201, 409), answer.text
        return dict(answer.json())

    def hold(self) -> None:
        self.held = self.ask("holds", {"departure_id": str(self.departure.pk), "guests": {"adult": 1}})

    def book_and_pay(self) -> None:
        contact = {"name": "Buyer", "email": f"buyer-{token_hex(4)}@example.com"}
        hold = {"hold_id": self.held["id"], "hold_token": self.held["token"], "contact": contact}
        booking = self.ask("bookings", hold)
        back = f"{self.address}/health"
        body = {"booking_id": booking["id"], "gateway": "sandbox", "return_url": back, "cancel_url": back}
        payment = self.http.post(
            "payments", json=body, headers={"Idempotency-Key": token_hex(16), "X-Booking-Token": booking["token"]}
        )
        self.answers.append(payment.status_code)
        paid = httpx.post(payment.json()["action"]["url"], data={"outcome": "approve"}, timeout=60, verify=CERTIFICATES)
        assert paid.status_code == 303


def all_at_once(buyers: list[Buyer], act: Any) -> None:
    barrier = threading.Barrier(len(buyers))

    def run(buyer: Buyer) -> None:
        barrier.wait(60)
        act(buyer)

    threads = [threading.Thread(target=run, args=(buyer,)) for buyer in buyers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(180)


def rush(address: str, departure: Departure, buyers: int = BUYERS) -> list[Buyer]:
    """Everybody asks for a hold at the same moment; returns the buyers with what they were answered."""
    people = [Buyer(address, departure) for _ in range(buyers)]
    all_at_once(people, Buyer.hold)
    return people


def test_a_hundred_seats_are_sold_once_each_to_four_hundred_buyers(tenant, sandbox_process):
    seed_kinds()
    departure = DepartureFactory(capacity=SEATS)
    sandbox = {"SANDBOX_URL": sandbox_process.url, "SANDBOX_SIGNING_KEY": settings.SANDBOX_SIGNING_KEY}
    with serving(**UNHURRIED, **sandbox) as address, working(**sandbox):
        people = rush(address, departure)
        assert Counter(status for buyer in people for status in buyer.answers) == {201: SEATS, 409: BUYERS - SEATS}
        winners = [buyer for buyer in people if buyer.answers == [201]]
        for start in range(0, SEATS, 20):
            all_at_once(winners[start : start + 20], Buyer.book_and_pay)
        wait_until(lambda: Booking.objects.filter(status=BookingStatus.CONFIRMED).count() == SEATS, seconds=120)
    assert Counter(status for buyer in people for status in buyer.answers) == {201: 3 * SEATS, 409: BUYERS - SEATS}
    departure.refresh_from_db()
    assert (departure.seats_booked, departure.seats_held) == (SEATS, 0)
    assert Counter(Hold.objects.values_list("status", flat=True)) == {HoldStatus.CONVERTED: SEATS}
    assert_sound()


def test_the_same_rush_oversells_without_lock_and_check(tenant):
    """The control: what the test above would see if the promise were broken."""
    departure = DepartureFactory(capacity=20)
    emptied = "UPDATE tours_departure SET seats_held = 0, seats_booked = 0"
    with (
        without_guard("tours_departure", "departure_never_oversold", emptied),
        serving("payments.tests.unsafe_wsgi:application", **UNHURRIED) as address,
    ):
        people = rush(address, departure, buyers=120)
    assert Counter(status for buyer in people for status in buyer.answers)[201] > 20
