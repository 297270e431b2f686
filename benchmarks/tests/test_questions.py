"""What the benchmarks ask is still understood: a parameter with another name must not be found out at the next measurement."""

from django.test import Client

from benchmarks.finding import questions
from benchmarks.growth import CALLS
from tours.seeds import seed_tenant


def test_every_question_is_answered(tenant):
    seed_tenant()
    asked = [path for path in CALLS.values() if path.startswith("/api/v1/tours")]
    asked += [f"/api/v1/tours?{words}" for queries in questions().values() for words in queries]
    client = Client()
    assert {path: answer.content for path in asked if (answer := client.get(path)).status_code != 200} == {}
