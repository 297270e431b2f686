"""Holds by a price list of a moment ago: whoever saw a price pays it, and the departure is as it is now."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from bookings.tests.asking import client_of
from bookings.tests.factories import CustomerFactory
from tours.tests.factories import DepartureFactory


@pytest.fixture
def departure(tenant):
    return DepartureFactory(capacity=100)


def ask_hold(client, departure, **more):
    return client.post("/api/v1/holds", {"departure_id": str(departure.pk), "guests": {"adult": 2}, **more})


@pytest.fixture
def kept_for_long(settings):
    """Whatever was read once in this process counts until the test ends."""
    settings.PRICES_KEPT_SECONDS = 100_000


def test_who_saw_the_new_price_pays_it_and_who_saw_the_old_one_pays_that(departure, kept_for_long):
    client = client_of(CustomerFactory())
    old = ask_hold(client, departure).json()["quote"]
    departure.option.prices.filter(category__code="adult").update(amount=Decimal(110))
    new = client.post("/api/v1/quotes", {"departure_id": str(departure.pk), "guests": {"adult": 2}}).json()
    assert (old["total"], new["total"]) == ("200.00", "220.00")
    assert ask_hold(client, departure, fingerprint=new["fingerprint"]).json()["quote"]["total"] == "220.00"
    assert ask_hold(client, departure, fingerprint=old["fingerprint"]).json()["quote"]["total"] == "200.00"
    refused = ask_hold(client, departure, fingerprint="0" * 32)
    assert (refused.status_code, refused.json()["error_code"]) == (409, "price_changed")
    assert refused.json()["details"]["quote"]["total"] == "220.00"


def test_without_keeping_every_hold_is_at_the_price_of_now(departure, settings):
    settings.PRICES_KEPT_SECONDS = 0
    client = client_of(CustomerFactory())
    assert ask_hold(client, departure).json()["quote"]["total"] == "200.00"
    departure.option.prices.filter(category__code="adult").update(amount=Decimal(110))
    assert ask_hold(client, departure).json()["quote"]["total"] == "220.00"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"status": "CLOSED"}, 409, "departure_closed"),
        ({"cutoff_at": timedelta(hours=-1)}, 422, "cutoff_passed"),
        ({"capacity": 2}, 409, "seats_unavailable"),
        ({"starts_at": timedelta(days=40), "ends_at": timedelta(days=41)}, 201, None),
    ],
)
def test_the_departure_itself_is_always_as_it_is_now(departure, kept_for_long, changes, status, code):
    client = client_of(CustomerFactory())
    assert ask_hold(client, departure).status_code == 201
    moved = {name: now() + by if isinstance(by, timedelta) else by for name, by in changes.items()}
    type(departure).objects.filter(pk=departure.pk).update(**moved)
    answer = ask_hold(client, departure)
    assert (answer.status_code, answer.json().get("error_code")) == (status, code)
    if status == 201:
        departure.refresh_from_db()
        assert answer.json()["quote"]["starts_at"] == departure.starts_at.isoformat()
