"""What browsers are told, what strangers are spared, and how much of it anybody may have."""

import gzip

import pytest
from django.test import Client

from accounts.authentication import issue_tokens
from accounts.tests.factories import MembershipFactory, UserFactory
from bookings.access import booking_token
from bookings.tests.factories import BookingFactory
from tours.published import rebuild_catalogue
from tours.tests.factories import OptionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue(tenant):
    OptionFactory()
    rebuild_catalogue()


DATA = {"default-src": "'none'", "frame-ancestors": "'none'", "base-uri": "'none'", "form-action": "'none'"}


@pytest.mark.parametrize("path", ["/admin/login/", "/no/such/page", "/api/v1/tours", "/health/live"])
def test_every_answer_tells_browsers_to_be_careful(tenant, path):
    told = Client().get(path).headers
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["X-Frame-Options"] == "DENY"
    assert told["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert told["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "geolocation=()" in told["Permissions-Policy"]
    policy = dict(rule.split(" ", 1) for rule in told["Content-Security-Policy"].split("; "))
    if told["Content-Type"] == "application/json":
        assert policy == DATA
        return
    assert policy["default-src"] == "'self'"
    assert policy["object-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == policy["form-action"] == "'self'"


def test_pages_of_others_may_read_the_api_only_where_they_are_trusted(catalogue, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    trusted = Client().get("/api/v1/tours", headers={"Origin": "https://shop.example"})
    assert trusted.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Credentials" not in trusted.headers
    stranger = Client().get("/api/v1/tours", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in stranger.headers
    back_office = Client().get("/admin/login/", headers={"Origin": "https://shop.example"})
    assert "Access-Control-Allow-Origin" not in back_office.headers
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    preflight = Client().options("/api/v1/holds", headers=asked)
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (200, "https://shop.example")


def test_pages_of_trusted_origins_may_send_and_read_every_header_that_the_api_has(catalogue, settings):
    """What the document names; a browser sends none of them unless the preflight allows it."""
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    document = Client().get("/api/openapi.json").json()
    calls = [call for path in document["paths"].values() for call in path.values()]
    named = {p["name"].lower() for call in calls for p in call.get("parameters", []) if p["in"] == "header"}
    assert {"idempotency-key", "x-booking-token", "x-hold-token", "if-none-match"} <= named
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    preflight = Client().options("/api/v1/payments", headers=asked)
    allowed = {name.strip().lower() for name in preflight.headers["Access-Control-Allow-Headers"].split(",")}
    always = {"accept-language"}  # browsers send it by themselves
    assert named - always <= allowed
    assert {"authorization", "content-type", "x-tenant", "x-request-id"} <= allowed
    shown = Client().get("/api/v1/tours", headers={"Origin": "https://shop.example"}).headers
    readable = {name.strip() for name in shown["Access-Control-Expose-Headers"].split(",")}
    assert {"ETag", "X-Request-ID", "RateLimit", "RateLimit-Policy", "Retry-After", "Idempotency-Replayed"} <= readable
    assert {"ETag", "X-Request-ID", "RateLimit", "RateLimit-Policy"} <= set(shown)


def test_pages_whose_address_is_a_secret_run_no_scripts_and_tell_nobody(tenant):
    booking = BookingFactory()
    for language in ("en", "ar"):
        page = Client().get(f"/b/{booking_token(booking)}?language={language}")
        policy = dict(rule.split(" ", 1) for rule in page.headers["Content-Security-Policy"].split("; "))
        assert (page.status_code, policy["script-src"], policy["form-action"]) == (200, "'none'", "'self'")
        assert (page.headers["Referrer-Policy"], page.headers["X-Robots-Tag"]) == ("no-referrer", "noindex")
        assert "no-store" in page.headers["Cache-Control"]
        assert b"<script" not in page.content


def test_public_answers_are_compressed_for_who_can_read_it(catalogue):
    plain = Client().get("/api/v1/tours")
    small = Client().get("/api/v1/tours", headers={"Accept-Encoding": "gzip"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.content) == plain.content
    assert len(small.content) < len(plain.content)
    assert "Accept-Encoding" in small.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    again = Client().get("/api/v1/tours", headers={"Accept-Encoding": "gzip", "If-None-Match": small.headers["ETag"]})
    assert again.status_code == 304


def test_answers_with_something_of_ones_own_are_not_compressed(catalogue):
    user = UserFactory()
    MembershipFactory(user=user)
    signed_in = {"Authorization": f"Bearer {issue_tokens(user)['access_token']}", "Accept-Encoding": "gzip"}
    for path in ("/api/v1/auth/me", "/api/v1/tours"):
        assert "Content-Encoding" not in Client().get(path, headers=signed_in).headers


def test_one_operators_visitors_leave_room_for_anothers(catalogue, other_tenant, settings):
    settings.THROTTLE_TENANT = "3/min"
    answers = [Client(REMOTE_ADDR=f"10.0.0.{n}").get("/api/v1/tours") for n in range(1, 6)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) <= 60
    assert Client(REMOTE_ADDR="10.0.0.9").get("/api/v1/tours", headers={"X-Tenant": "other"}).status_code == 200


def test_bodies_without_a_length_are_not_read(tenant):
    """In chunks, it would be taken for empty, and the caller be told of fields that they did send."""

    def post(**how):
        return Client().generic("POST", "/api/v1/quotes", b"x" * 100, "application/json", CONTENT_LENGTH="", **how)

    assert post().status_code == 400
    refused = post(HTTP_TRANSFER_ENCODING="gzip, chunked", HTTP_ACCEPT_LANGUAGE="ar")
    assert (refused.status_code, refused.json()["error_code"]) == (411, "length_required")
    assert refused.json()["message"] == "أرسِل نص الطلب مع Content-Length، لا مجزّأً."
