"""Four hundred buyers at once for a departure of a hundred seats, over HTTP, against a real server."""

import threading
from collections import Counter
from secrets import token_hex
from typing import Any

import httpx
import psycopg
import pytest
from django.conf import settings

from bookings.models import Hold, HoldStatus
from config.testing.server import serving, url_of_test_database
from tours.models import Departure
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.django_db(transaction=True)

SEATS, BUYERS = 100, 400
UNHURRIED = {"THROTTLE_DEFAULT": "1000000/min", "CELERY_TASK_ALWAYS_EAGER": "true"}


class Buyer:
    """Somebody without an account who asks for a seat; `answers` are the statuses of what was asked."""

    def __init__(self, address: str, departure: Departure) -> None:
        self.address, self.departure = address, departure
        self.answers: list[int] = []
        self.http = httpx.Client(base_url=f"{address}/api/v1/", timeout=120)

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(path, json=body, headers={"Idempotency-Key": token_hex(16)})
        self.answers.append(answer.status_code)
        assert answer.status_code in (201, 409), answer.text
        return dict(answer.json())

    def hold(self) -> None:
        self.held = self.ask("holds", {"departure_id": str(self.departure.pk), "guests": {"adult": 1}})


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


def test_a_hundred_seats_are_held_once_each_by_four_hundred_buyers(tenant):
    departure = DepartureFactory(capacity=SEATS)
    with serving(**UNHURRIED) as address:
        people = rush(address, departure)
    assert Counter(status for buyer in people for status in buyer.answers) == {201: SEATS, 409: BUYERS - SEATS}
    departure.refresh_from_db()
    assert (departure.seats_booked, departure.seats_held) == (0, SEATS)
    assert Counter(Hold.objects.values_list("status", flat=True)) == {HoldStatus.ACTIVE: SEATS}


def test_the_same_rush_oversells_without_lock_and_check(tenant):
    """The control: what the test above would see if the promise were broken."""
    departure = DepartureFactory(capacity=20)
    owner = url_of_test_database(settings.DATABASE_OWNER_URL)
    with psycopg.connect(owner, autocommit=True) as connection:
        rule = connection.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'departure_never_oversold'"
        ).fetchone()
        connection.execute("ALTER TABLE tours_departure DROP CONSTRAINT departure_never_oversold")
        try:
            with serving("payments.tests.unsafe_wsgi:application", **UNHURRIED) as address:
                people = rush(address, departure, buyers=120)
        finally:
            connection.execute("UPDATE tours_departure SET seats_held = 0, seats_booked = 0")
            connection.execute(f"ALTER TABLE tours_departure ADD CONSTRAINT departure_never_oversold {rule[0]}")
    assert Counter(status for buyer in people for status in buyer.answers)[201] > 20
