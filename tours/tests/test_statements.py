"""What the hot reads cost somebody who signed in: every SQL statement of the request, and how often the tenant is told."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.authentication import issue_tokens
from accounts.tests.factories import UserFactory
from config.db.base import DatabaseWrapper
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/api/v1/tours"


@pytest.mark.parametrize(
    ("path", "statements"),
    [
        (f"{LIST}?size=50", 1),
        (f"{LIST}?q=felucca", 1),
        (f"{LIST}?guests=2&date_from=2026-01-01", 1),
        (f"{LIST}/{{id}}", 1),
        (f"{LIST}/felucca", 2),  # which tour that is, and the tour
        (f"{LIST}/{{id}}/availability", 1),
        (f"{LIST}/felucca/availability", 2),
    ],
)
def test_a_read_is_a_statement_or_two_and_none_when_remembered(full_tour, api, monkeypatch, settings, path, statements):
    DepartureFactory(option=full_tour.options.get(code="standard"))
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(UserFactory(password='!'))['access_token']}")
    api.get("/api/v1/currencies")  # remembers tenant and account, as after the first call of a session
    told = []
    tell = DatabaseWrapper._tell_tenant
    monkeypatch.setattr(DatabaseWrapper, "_tell_tenant", lambda self, tenant: told.append(tenant) or tell(self, tenant))
    found, bodies = [], []
    for _time in range(2):
        with CaptureQueriesContext(connection) as captured:
            answer = api.get(path.format(id=full_tour.pk))
        assert answer.status_code == 200, answer.content
        found.append(len(captured))
        bodies.append(answer.content)
    settings.REMEMBER_READS = False
    with CaptureQueriesContext(connection) as captured:
        bodies.append(api.get(path.format(id=full_tour.pk)).content)
    assert (found, len(captured)) == ([statements, 0], statements)
    assert len(set(bodies)) == 1
    assert len(told) <= 1, "the tenant is told once where the connection changes hands, and never again"
