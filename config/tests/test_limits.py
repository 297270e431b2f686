"""A statement of the web that takes too long is given up with a clean answer, and its connection serves the next caller."""

import time

import httpx
import pytest
from django.db import InternalError, OperationalError, connection, transaction

from config.db.limits import limit_connections
from config.outages import part_that_is_away
from config.testing.server import serving
from tours.models import Departure
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bound():
    """`bound(statement_timeout=0.2)`: connections of this process are bound from here on, until the test ends."""

    def bind(**seconds: float) -> None:
        connection.close()
        connection.close_pool()
        limit_connections(seconds)

    yield bind
    bind()


def told(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize("limit", ["STATEMENT_SECONDS", "LOCK_SECONDS"])
def test_who_waits_too_long_gets_a_clean_503_and_the_connection_goes_on_serving(tenant, limit):
    """Another transaction keeps the departure locked. One connection per process: the next caller gets the same one."""
    departure = DepartureFactory()
    body = {"departure_id": str(departure.pk), "guests": {"adult": 2}}
    bounds = {"STATEMENT_SECONDS": "0", "LOCK_SECONDS": "0", limit: "0.5"}
    with serving(DATABASE_POOL_SIZE="1", **bounds) as address, httpx.Client(timeout=20) as guest:

        def hold():
            return guest.post(f"{address}/api/v1/holds", json=body, headers={"Accept-Language": "ar"})

        assert hold().status_code == 201
        with transaction.atomic():
            Departure.objects.select_for_update().get(pk=departure.pk)
            began = time.monotonic()
            refused = [hold() for _again in range(4)]
            assert time.monotonic() - began < 15
        for answer in refused:
            told = answer.json()
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert (told["error"], told["error_code"], told["details"]) == (
                "unavailable",
                "unavailable",
                {"retry_after": 5},
            )
            assert told["request_id"] == answer.headers["X-Request-ID"]
            assert told["message"] == "لا يمكننا الرد الآن. يُرجى المحاولة بعد قليل."
        assert [hold().status_code for _again in range(4)] == [201] * 4
    departure.refresh_from_db()
    assert departure.seats_held == 10


def test_a_transaction_that_nobody_goes_on_with_lets_its_locks_go(tenant, bound):
    bound(idle_in_transaction_session_timeout=0.2)
    departure = DepartureFactory()

    def lock_and_dawdle():
        with transaction.atomic():
            Departure.objects.select_for_update().get(pk=departure.pk)
            time.sleep(0.6)
            Departure.objects.count()

    with pytest.raises(InternalError) as given_up:
        lock_and_dawdle()
    assert part_that_is_away(given_up.value) == "time"
    assert Departure.objects.count() == 1


def test_what_was_given_up_is_told_from_what_is_away(bound):
    bound(statement_timeout=0.1)
    with pytest.raises(OperationalError) as given_up, connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    assert part_that_is_away(given_up.value) == "time"
    assert part_that_is_away(OperationalError("the connection is closed")) == "database"
    assert told("statement_timeout") == "100ms"


def test_commands_and_workers_are_bound_by_none_of_it():
    """This process came in by no web door, as they do."""
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    assert [told(name) for name in names] == ["0"] * 3
