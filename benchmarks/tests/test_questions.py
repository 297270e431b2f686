"""What the benchmarks ask is still understood: a parameter with another name must not be found out at the next measurement."""

import pytest
from django.test import Client

from benchmarks.finding import questions
from benchmarks.growth import CALLS

ASKED = {name: path for name, path in CALLS.items() if path.startswith("/api/v1/tours")}
ASKED |= {name: f"/api/v1/tours?{words}" for name, (words, *_rest) in questions().items()}


@pytest.mark.parametrize("path", ASKED.values(), ids=ASKED.keys())
def test_is_answered(tenant, path):
    answer = Client().get(path)
    assert answer.status_code == 200, answer.content
