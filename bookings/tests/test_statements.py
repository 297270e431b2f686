"""What the hot calls cost: every SQL statement of the whole request, sign-in, tenant, key and outbox included.

`set_config`, which tells a connection its tenant, is sent once where the connection changes hands and is not counted by Django.
"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from bookings.kinds import kind_called
from bookings.models import BookingStatus
from bookings.tests.factories import TRAVELLERS, BookingFactory, ClerkFactory, CustomerFactory
from config.db.base import DatabaseWrapper
from tours.tests.factories import DepartureFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def departure(tenant):
    kind_called("TOUR")
    return DepartureFactory(capacity=50)


def signed_in(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}")
    client.get("/api/v1/currencies")  # remembers tenant and account, as after the first call of a session
    return client


def statements(call):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = call()
    assert answer.status_code < 300, answer.json()
    asked = [query["sql"] for query in captured.captured_queries]
    return answer, [sql for sql in asked if not sql.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))]


def tenants_told(call):
    """How often a connection was told its tenant during the call."""
    told, tell = [], DatabaseWrapper._tell_tenant
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseWrapper, "_tell_tenant", lambda self, tenant: told.append(tenant) or tell(self, tenant))
        assert call().status_code == 201
    return len(told)


def party(departure):
    return {"departure_id": str(departure.pk), "guests": {"adult": 2}}


@pytest.mark.parametrize("key", [None, "a-key"])
def test_a_hold_is_two_statements(departure, key):
    """The price list, and everything else in one; the price list not again for some seconds."""
    client = signed_in(CustomerFactory())
    headers = {"Idempotency-Key": key} if key else {}
    _answer, sent = statements(lambda: client.post("/api/v1/holds", party(departure), headers=headers))
    assert len(sent) == 2, sent
    assert "UPDATE tours_departure" in sent[1]
    assert tenants_told(lambda: client.post("/api/v1/holds", party(departure))) == 0
    if key is None:
        assert min(len(statements(lambda: client.post("/api/v1/holds", party(departure)))[1]) for _n in range(3)) == 1


def test_a_quote_is_one_statement(departure):
    client = signed_in(CustomerFactory())
    _answer, sent = statements(lambda: client.post("/api/v1/quotes", party(departure)))
    assert len(sent) == 1, sent


def test_a_refused_hold_is_four_statements_and_no_lock(departure):
    type(departure).objects.update(capacity=1)
    client = signed_in(CustomerFactory())
    with CaptureQueriesContext(connection) as captured:
        assert client.post("/api/v1/holds", party(departure)).status_code == 409
    sent = [query["sql"] for query in captured.captured_queries]
    assert len(sent) == 4, sent
    assert not any("FOR NO KEY UPDATE" in sql for sql in sent)


@pytest.mark.parametrize(("key", "count"), [(None, 2), ("a-key", 2)])
def test_a_booking_of_a_hold(departure, key, count):
    """One reads what the hold keeps, one writes the booking with its item, travellers, history, outbox and key."""
    client = signed_in(CustomerFactory())
    hold, _sent = statements(lambda: client.post("/api/v1/holds", party(departure)))
    body = {"hold_id": hold.json()["id"], "travellers": TRAVELLERS}
    headers = {"Idempotency-Key": key} if key else {}
    _answer, sent = statements(lambda: client.post("/api/v1/bookings", body, headers=headers))
    assert len(sent) == count, "\n".join(sent)
    hold, _sent = statements(lambda: client.post("/api/v1/holds", party(departure)))
    assert tenants_told(lambda: client.post("/api/v1/bookings", {"hold_id": hold.json()["id"]})) == 0


@pytest.mark.parametrize("rows", [1, 5])
def test_lists_cost_the_same_however_long_they_are(departure, rows):
    mona = CustomerFactory()
    for _row in range(rows):
        BookingFactory(departure=departure, actor=mona, travellers=TRAVELLERS)
    client = signed_in(mona)
    _answer, sent = statements(lambda: client.get("/api/v1/bookings"))
    assert len(sent) == 4, sent
    clerk = signed_in(ClerkFactory(permissions=["bookings.view_booking"]))
    answer, sent = statements(lambda: clerk.get("/api/v1/admin/bookings?status=PENDING_PAYMENT"))
    assert (answer.json()["total"], len(sent)) == (rows, 4), sent


def test_the_detail_costs_four_statements(departure):
    booking = BookingFactory(departure=departure, status=BookingStatus.CONFIRMED, travellers=TRAVELLERS)
    client = signed_in(booking.customer)
    _answer, sent = statements(lambda: client.get(f"/api/v1/bookings/{booking.pk}"))
    assert len(sent) == 4, sent
