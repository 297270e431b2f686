"""The payments API: who may what, what is answered, and what bad input gets."""

import uuid
from decimal import Decimal
from functools import partial
from urllib.parse import parse_qs

import orjson
import pytest
from django.urls import reverse
from django.utils.translation import gettext, override
from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from accounts.models import AuditEntry
from bookings.access import booking_token
from bookings.models import BookingStatus
from bookings.tests.factories import BookingFactory, ClerkFactory, CustomerFactory
from config.tenancy import tenant_context
from config.testing import run_together
from config.testing.server import free_port
from payments.models import Payment, Refund
from payments.services import check_payment
from payments.tests.steps import begun, paid, started, status_of

URL = "/api/v1/payments"


def client_of(user=None, **headers) -> APIClient:
    client = APIClient()
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}", **headers)
    else:
        client.credentials(**headers)
    return client


@pytest.fixture
def clerk(tenant):
    return ClerkFactory(
        permissions=["bookings.view_booking", "payments.view_payment", "payments.add_payment", "payments.refund"]
    )


def pay(client: APIClient, booking_id, *, key: str | None = None, **other):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(URL, {"booking_id": str(booking_id), "gateway": "sandbox", **other}, headers=headers)


def test_a_customer_pays_their_booking(tenant, sandbox):
    booking = BookingFactory()
    answer = pay(client_of(booking.customer), booking.pk, amount="1.00", currency="EGP", status="PAID")
    assert answer.status_code == 201
    body = answer.json()
    payment = Payment.objects.get()
    assert body["action"] == {"type": "redirect", "url": f"{sandbox.url}/pay/{payment.gateway_reference}"}
    assert (body["id"], body["number"], body["status"]) == (str(payment.pk), payment.number, "PENDING")
    assert (body["amount"], body["currency"]) == ("200.00", "USD")
    assert body["booking_reference"] == booking.reference
    assert body["refunds"] == []
    assert payment.created_by_id == booking.customer_id


def test_a_guest_pays_with_the_token(tenant, sandbox):
    booking = BookingFactory(actor=None)
    guest = client_of(HTTP_X_BOOKING_TOKEN=booking_token(booking))
    assert pay(client_of(), booking.pk).status_code == 404
    answer = pay(guest, booking.pk)
    assert answer.status_code == 201
    one = f"{URL}/{answer.json()['id']}"
    assert guest.get(one).json()["timeline"][0]["new_status"] == "PENDING"
    assert client_of().get(f"{one}?token={booking_token(booking)}").status_code == 200
    assert guest.get(URL, {"booking_id": str(booking.pk)}).json()["total"] == 1
    assert guest.get(URL).status_code == 401
    assert guest.get(URL, {"booking_id": "x"}).status_code == 400
    other = BookingFactory(actor=None)
    assert guest.get(URL, {"booking_id": str(other.pk)}).status_code == 404
    assert pay(guest, other.pk).status_code == 404
    assert guest.get(f"{URL}/{begun(other).pk}").status_code == 404


# method, address, then the status for: a stranger, another customer, the owner, a clerk without the permission, staff
ACCESS = [
    ("GET", "/payments", 401, 200, 200, 200, 200),
    ("POST", "/payments", 404, 404, 201, 403, 201),
    ("GET", "/payments/{payment}", 404, 404, 200, 404, 200),
    ("POST", "/payments/{payment}/refund", 401, 403, 403, 403, 201),
    ("DELETE", "/payments/{payment}", 405, 405, 405, 405, 405),
    ("PUT", "/payments/{payment}", 405, 405, 405, 405, 405),
    ("GET", "/payments/{payment}/refund", 401, 403, 403, 403, 405),
    ("GET", "/payments/return/{payment}", 200, 200, 200, 200, 200),
    ("POST", "/payments/return/{payment}", 405, 405, 405, 405, 405),
    ("GET", "/payments/webhooks/sandbox", 405, 405, 405, 405, 405),
    ("POST", "/payments/webhooks/sandbox", 400, 400, 400, 400, 400),
]


@pytest.mark.parametrize(("method", "address", "stranger", "other", "owner", "clerk_without", "staff"), ACCESS)
def test_who_may_what(tenant, sandbox, clerk, method, address, stranger, other, owner, clerk_without, staff):
    booking, payment = BookingFactory(), paid()
    payment.booking.customer_id = booking.customer_id
    payment.booking.save(update_fields=["customer"])
    callers = {
        None: stranger,
        CustomerFactory(): other,
        booking.customer: owner,
        ClerkFactory(permissions=["bookings.view_booking"]): clerk_without,
        clerk: staff,
    }
    body = {"booking_id": str(booking.pk), "gateway": "sandbox", "reason": "goodwill", "amount": "1.00"}
    for caller, status in callers.items():
        client = client_of(caller)
        url = f"/api/v1{address.format(payment=payment.pk)}"
        answer = client.get(url) if method == "GET" else client.generic(method, url, **as_json(body))
        assert answer.status_code == status, (caller, answer.content[:300])
        if status >= 400:
            assert set(answer.json()) == {"error", "error_code", "message", "details", "timestamp", "request_id"}


def as_json(body: dict) -> dict:
    return {"data": orjson.dumps(body), "content_type": "application/json"}


def test_customers_see_their_own(tenant, clerk):
    mine, theirs = paid(), paid()
    items = client_of(mine.booking.customer).get(URL).json()["items"]
    assert [item["id"] for item in items] == [str(mine.pk)]
    assert client_of(clerk).get(URL).json()["total"] == 2
    assert client_of(clerk).get(URL, {"booking_id": str(theirs.booking_id)}).json()["total"] == 1
    assert client_of(clerk).get(URL, {"status": "PAID", "gateway": "sandbox"}).json()["total"] == 2
    assert client_of(clerk).get(URL, {"status": "FAILED"}).json()["total"] == 0
    assert client_of(clerk).get(URL, {"status": "SUNG"}).status_code == 400


def test_another_tenants_payment_is_not_there(tenant, other_tenant, clerk):
    payment = paid()
    with tenant_context(other_tenant.pk):
        token = issue_tokens(clerk)["access_token"]
    foreign = APIClient()
    foreign.credentials(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_X_TENANT="other")
    assert foreign.get(f"{URL}/{payment.pk}").status_code == 404
    assert foreign.get(URL).json()["total"] == 0
    assert APIClient().get(f"{URL}/return/{payment.pk}?tenant=other").status_code == 404


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"booking_id", "gateway"}),
        ({"booking_id": "1", "gateway": "sandbox"}, {"booking_id"}),
        ({"booking_id": None, "gateway": "sandbox"}, {"booking_id"}),
        ({"booking_id": [], "gateway": {}}, {"booking_id", "gateway"}),
        ({"booking_id": str(uuid.uuid4()), "gateway": "gold"}, {"gateway"}),
        ({"booking_id": str(uuid.uuid4()), "gateway": "sandbox", "return_url": "x" * 501}, {"return_url"}),
        ([], {"non_field_errors"}),
    ],
)
def test_the_shape_of_what_is_sent(tenant, body, fields):
    answer = client_of(CustomerFactory()).post(URL, body, format="json")
    assert (answer.status_code, set(answer.json()["details"])) == (400, fields)


def test_refusals_say_why(tenant, sandbox):
    booking = BookingFactory()
    client = client_of(booking.customer)
    answer = pay(client, uuid.uuid4())
    assert (answer.status_code, answer.json()["error_code"]) == (404, "booking_not_found")
    answer = pay(client, booking.pk, return_url="https://evil.example/")
    assert (answer.status_code, answer.json()["error_code"]) == (422, "foreign_address")
    done = paid().booking
    answer = pay(client_of(done.customer), done.pk)
    assert (answer.status_code, answer.json()["error_code"]) == (409, "nothing_due")
    assert client.post(URL, b"{", content_type="application/json").status_code == 400
    assert client.post(URL, b"<x/>", content_type="application/xml").status_code == 415
    assert client.get(f"{URL}/not-an-id").status_code == 404
    answer = client.get(f"{URL}/{uuid.uuid4()}", headers={"Accept-Language": "ar"})
    assert (answer.status_code, answer.json()["error_code"]) == (404, "payment_not_found")


def test_a_gateway_that_is_down_is_a_503_and_the_same_request_goes_on(tenant, sandbox, settings):
    booking, url = BookingFactory(), settings.SANDBOX_URL
    client = client_of(booking.customer)
    settings.SANDBOX_URL = f"http://127.0.0.1:{free_port()}"
    answer = pay(client, booking.pk, key="k1")
    assert (answer.status_code, answer.json()["error_code"], answer["Retry-After"]) == (503, "gateway_unavailable", "5")
    settings.SANDBOX_URL = url
    again = pay(client, booking.pk, key="k1")
    assert again.status_code == 201
    assert again.json()["number"] == answer.json()["details"]["payment"]
    assert Payment.objects.count() == 1


def test_a_key_answers_once(tenant, sandbox):
    booking = BookingFactory()
    client = client_of(booking.customer)
    first, again = pay(client, booking.pk, key="k"), pay(client, booking.pk, key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    other = pay(client, BookingFactory(actor=booking.customer).pk, key="k")
    assert (other.status_code, other.json()["error_code"]) == (422, "idempotency_key_reused")
    assert pay(client, booking.pk, key="ключ").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_one_key_in_parallel(tenant, sandbox):
    booking = BookingFactory()
    calls = [partial(pay, client_of(booking.customer), booking.pk, key="k") for _ in range(6)]
    answers = run_together(*calls)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert any(answer.status_code == 201 for answer in answers)
    assert Payment.objects.count() == 1


def test_a_failed_attempt_says_so(tenant, sandbox):
    payment = started()
    sandbox.act(payment.action["url"], "decline")
    check_payment(payment_id=payment.pk)
    body = client_of(payment.booking.customer).get(f"{URL}/{payment.pk}").json()
    assert body["status"] == "FAILED"
    assert body["failure"] == {
        "code": "card_declined",
        "message": "The payment was refused. Try another way to pay.",
    }
    assert body["action"] == {"type": "none"}
    assert [line["new_status"] for line in body["timeline"]] == ["PENDING", "FAILED"]


def refund(client: APIClient, payment: Payment, key: str | None = None, **body):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"{URL}/{payment.pk}/refund", {"reason": "goodwill", **body}, headers=headers)


def test_staff_refund_a_part_and_the_rest(tenant, clerk):
    payment, client = paid(), client_of(clerk)
    first = refund(client, payment, amount="50.00", key="a")
    assert first.status_code == 201
    assert (first.json()["amount"], first.json()["status"]) == ("50.00", "PENDING")
    assert refund(client, payment, amount="50.00", key="a").json() == first.json()
    assert refund(client, payment, amount="60.00", key="a").status_code == 422
    too_much = refund(client, payment, amount="150.01")
    assert (too_much.status_code, too_much.json()["error_code"]) == (422, "refund_too_large")
    assert too_much.json()["details"] == {"left": "150.00", "currency": "USD"}
    assert refund(client, payment).json()["amount"] == "150.00"
    assert refund(client, payment).status_code == 422
    assert Refund.objects.count() == 2
    assert {row.requested_by_id for row in Refund.objects.all()} == {clerk.pk}
    entry = AuditEntry.objects.filter(action="payments.refund.asked").first()
    assert (entry.actor_id, entry.reason) == (clerk.pk, "goodwill")


@pytest.mark.parametrize(
    "body", [{"amount": "0"}, {"amount": "-1"}, {"amount": "x"}, {"amount": "NaN"}, {"amount": "1e400"}, {"reason": ""}]
)
def test_refunds_of_no_shape(tenant, clerk, body):
    assert refund(client_of(clerk), paid(), **body).status_code == 400
    assert Refund.objects.count() == 0


def test_refunds_that_cannot_be(tenant, clerk):
    client = client_of(clerk)
    unpaid = refund(client, begun(), amount="1.00")
    assert (unpaid.status_code, unpaid.json()["error_code"]) == (409, "not_refundable")
    assert refund(client, paid(), amount="1.005").json()["error_code"] == "refund_not_exact"
    assert refund(client, Payment(pk=uuid.uuid4()), amount="1.00").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_refund_pressed_twice_at_once_is_one(tenant, clerk):
    payment = paid()
    answers = run_together(*[partial(refund, client_of(clerk), payment, key="k", amount="80.00")] * 5)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Refund.objects.get().amount == Decimal(80)


def test_lists_ask_a_fixed_number_of_queries(tenant, clerk, django_assert_num_queries):
    client = client_of(clerk)
    for _ in range(3):
        paid()
    client.get(URL)  # the account's state is remembered from here on
    with django_assert_num_queries(3):  # count, payments with bookings, refunds
        assert client.get(URL).json()["total"] == 3


# --- the page that payers come back to ---


def back(payment: Payment, **query):
    return APIClient().get(reverse("api:payment-return", args=[payment.pk]), query)


def test_payers_come_back_to_an_address_in_arabic(tenant, sandbox):
    payment = started(return_url="/شكرا?من=علي")
    sandbox.act(payment.action["url"], "timeout")
    answer = back(payment)
    assert answer.status_code == 303
    where, _mark, query = answer.headers["Location"].partition("?")
    assert (where, parse_qs(query)) == (
        "/%D8%B4%D9%83%D8%B1%D8%A7",
        {"من": ["علي"], "payment": [str(payment.pk)], "status": ["PAID"]},
    )


def test_the_return_page_asks_the_gateway(tenant, sandbox):
    payment = started(return_url="/thanks?a=1", cancel_url="/again")
    waiting = back(payment)
    assert waiting["Location"] == f"/thanks?a=1&payment={payment.pk}&status=PENDING"
    sandbox.act(payment.action["url"], "timeout")
    answer = back(payment)
    assert (answer.status_code, answer["Location"]) == (303, f"/thanks?a=1&payment={payment.pk}&status=PAID")
    assert "no-store" in answer["Cache-Control"]
    assert payment.booking.events.model.objects.filter(new_status=BookingStatus.CONFIRMED).exists()


def test_a_refused_payer_goes_to_the_other_address(tenant, sandbox):
    payment = started(return_url="/thanks", cancel_url="/again")
    sandbox.act(payment.action["url"], "decline")
    assert back(payment)["Location"] == f"/again?payment={payment.pk}&status=FAILED"


def test_saying_so_makes_nothing_paid(tenant, sandbox):
    payment = started()
    assert back(payment, status="PAID", outcome="approve").status_code == 200
    assert status_of(payment) == "PENDING"


@pytest.mark.parametrize(
    ("outcome", "english"),
    [
        ("timeout", "Thank you, we have your payment"),
        ("decline", "The payment was refused"),
        ("late", "We are waiting for the bank"),
    ],
)
def test_without_an_address_the_page_says_it(tenant, sandbox, outcome, english):
    payment = started()
    sandbox.act(payment.action["url"], outcome)
    page = back(payment)
    assert page.status_code == 200
    assert english in page.content.decode()
    assert '<html lang="en" dir="ltr">' in page.content.decode()
    assert payment.booking.reference in page.content.decode()
    with override("ar"):
        arabic = gettext(english)
    other = back(payment, language="ar")
    assert '<html lang="ar" dir="rtl">' in other.content.decode()
    assert other["Content-Language"] == "ar"
    assert arabic in other.content.decode()


def test_the_page_stands_while_the_gateway_is_down(tenant, sandbox, settings):
    payment = started()
    settings.SANDBOX_URL = f"http://127.0.0.1:{free_port()}"
    assert "We are waiting for the bank" in back(payment).content.decode()
    assert APIClient().get(reverse("api:payment-return", args=[uuid.uuid4()])).status_code == 404
