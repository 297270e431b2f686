"""Who asks in Arabic is answered in Arabic."""

import re

import pytest
from django.utils.translation import override

from bookings import errors
from bookings.tests.asking import client_of, party
from config.errors import DomainError
from tours.models import Departure
from tours.tests.factories import DepartureFactory

ARABIC = re.compile(r"[\u0621-\u064a]{2}")
REFUSALS = [
    refusal
    for refusal in vars(errors).values()
    if isinstance(refusal, type) and issubclass(refusal, DomainError) and refusal.__module__ == errors.__name__
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.__name__)
def test_every_refusal_has_arabic_words(refusal):
    with override("ar"):
        assert ARABIC.search(str(refusal.message)), refusal.message


def test_an_arabic_request_gets_arabic_errors(tenant):
    departure, client = DepartureFactory(capacity=2), client_of(**{"Accept-Language": "ar"})
    sold_out = client.post("/api/v1/holds", party(departure)).json()
    assert (sold_out["error_code"], "2" in sold_out["message"], "3" in sold_out["message"]) == (
        "seats_unavailable",
        True,
        True,
    )
    faulty = client.post("/api/v1/bookings", {"guests": {"adult": 0}}).json()
    Departure.objects.update(status="CLOSED")
    closed = client.post("/api/v1/holds", party(departure)).json()
    for text in (sold_out["message"], faulty["message"], faulty["details"]["guests"][0], closed["message"]):
        assert ARABIC.search(text), text
