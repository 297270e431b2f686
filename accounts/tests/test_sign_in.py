"""Registering, signing in, renewing and ending sessions, over the API."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher, identify_hasher
from django.test import TestCase
from django.utils.timezone import now
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.authentication import issue_tokens
from accounts.models import AuditEntry, Membership, SignedOut, User
from accounts.services.people import block_person, unblock_person
from accounts.tests.conftest import PASSWORD
from accounts.tests.factories import UserFactory
from config.tenancy import tenant_context
from config.testing.clients import CommittingClient as APIClient

pytestmark = pytest.mark.django_db

NEW = {
    "email": "Layla@Example.com",
    "password": "Nile-2026-Cruise",
    "confirm_password": "Nile-2026-Cruise",
    "first_name": "Layla",
    "last_name": "Hassan",
}


@pytest.fixture(autouse=True)
def generous_limits(settings, roles):
    settings.THROTTLE_AUTH = "1000/min"
    settings.THROTTLE_DEFAULT = "1000/min"


@pytest.fixture
def api() -> APIClient:
    return APIClient()


def bearer(tokens: dict) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access_token']}")
    return client


def login(email: str, password: str = PASSWORD, **extra) -> dict:
    response = APIClient().post("/api/v1/auth/login", {"email": email, "password": password}, **extra)
    assert response.status_code == 200, response.json()
    return response.json()


def test_registration_answers_with_the_person_and_tokens_that_work(api):
    response = api.post("/api/v1/auth/register", NEW)
    body = response.json()
    assert response.status_code == 201
    assert set(body) == {"user", "access_token", "refresh_token", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert body["user"]["email"] == "layla@example.com"
    assert body["user"]["role"] == "CUSTOMER"
    assert body["user"]["email_verified"] is False
    me = bearer(body).get("/api/v1/auth/me")
    assert me.status_code == 200
    assert me.json() == body["user"]
    assert AuditEntry.objects.get(action="accounts.user.registered").actor_name == "Layla Hassan"


def test_passwords_are_stored_by_bcrypt_of_cost_12(api, cheap_passwords):
    api.post("/api/v1/auth/register", NEW)
    stored = User.objects.get(email="layla@example.com").password
    assert identify_hasher(stored).algorithm == "bcrypt_sha256"
    assert cheap_passwords == 12  # what tests lower is what production uses


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "not an address"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "a" * 250 + "@example.com"}, "email"),
        ({"password": "Ab1", "confirm_password": "Ab1"}, "password"),
        ({"password": "A1" + "b" * 127, "confirm_password": "A1" + "b" * 127}, "password"),
        ({"password": "without-a-Digit", "confirm_password": "without-a-Digit"}, "password"),
        ({"password": "without-upper-1", "confirm_password": "without-upper-1"}, "password"),
        ({"password": "Password1", "confirm_password": "Password1"}, "password"),
        ({"password": "Layla-Example-1", "email": "layla.example@example.com"}, "confirm_password"),
        ({"password": "Laylahassan1", "confirm_password": "Laylahassan1", "first_name": "Laylahassan"}, "password"),
        ({"confirm_password": "Nile-2026-Other"}, "confirm_password"),
        ({"first_name": "L"}, "first_name"),
        ({"first_name": "L" * 51}, "first_name"),
        ({"last_name": "H"}, "last_name"),
        ({"last_name": "Hassan\r\nBcc: x@y.z"}, "last_name"),
        ({"first_name": "<script>"}, "first_name"),
        ({"phone": "0100123"}, "phone"),
        ({"phone": "+1 this is none"}, "phone"),
        ({"date_of_birth": "2999-01-01"}, "date_of_birth"),
        ({"language": "xx"}, "language"),
        ({"currency": "ZZZ"}, "currency"),
        ({"email": None}, "email"),
        ({"email": ["a@b.c"]}, "email"),
        ({"first_name": {"a": 1}}, "first_name"),
    ],
)
def test_a_registration_that_is_not_right_names_the_field_and_leaves_nobody(api, change, field):
    response = api.post("/api/v1/auth/register", {**NEW, **change})
    assert response.status_code == 400
    assert field in response.json()["details"]
    assert User.objects.count() == 0


def test_an_e_mail_registers_once_whatever_its_case(api):
    assert api.post("/api/v1/auth/register", NEW).status_code == 201
    again = api.post("/api/v1/auth/register", {**NEW, "email": "LAYLA@example.com"})
    assert (again.status_code, again.json()["error_code"]) == (409, "email_taken")
    assert User.objects.count() == 1


def test_login_refresh_logout(api, person):
    user = person()
    tokens = login(user.email.upper())
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in"}
    fresh = api.post("/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]}).json()
    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert bearer(fresh).get("/api/v1/auth/me").status_code == 200
    gone = bearer(fresh).post("/api/v1/auth/logout", {"refresh_token": fresh["refresh_token"]})
    assert (gone.status_code, gone.content) == (204, b"")
    assert bearer(fresh).get("/api/v1/auth/me").status_code == 401  # the access token, at once
    assert bearer(tokens).get("/api/v1/auth/me").status_code == 401  # and the one before of the same session
    assert api.post("/api/v1/auth/refresh", {"refresh_token": fresh["refresh_token"]}).status_code == 401
    assert User.objects.get(pk=user.pk).last_login is not None


def test_logging_out_ends_this_session_only(person):
    user = person()
    here, there = login(user.email), login(user.email)
    assert APIClient().post("/api/v1/auth/logout", {"refresh_token": here["refresh_token"]}).status_code == 204
    assert bearer(here).get("/api/v1/auth/me").status_code == 401
    assert bearer(there).get("/api/v1/auth/me").status_code == 200


def test_logging_out_with_the_access_token_alone_ends_the_refresh_token_too(api, person):
    tokens = login(person().email)
    assert bearer(tokens).post("/api/v1/auth/logout").status_code == 204
    assert api.post("/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]}).status_code == 401


def test_logging_out_twice_is_harmless_and_a_made_up_token_is_refused(api, person):
    tokens = login(person().email)
    for _time in range(2):
        assert api.post("/api/v1/auth/logout", {"refresh_token": tokens["refresh_token"]}).status_code == 204
    assert api.post("/api/v1/auth/logout", {"refresh_token": "made.up.token"}).status_code == 401
    assert api.post("/api/v1/auth/logout", {}).status_code == 400


def test_a_refresh_token_that_comes_twice_ends_the_whole_session(api, person):
    first = login(person().email)
    second = api.post("/api/v1/auth/refresh", {"refresh_token": first["refresh_token"]}).json()
    stolen = api.post("/api/v1/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert (stolen.status_code, stolen.json()["error_code"]) == (401, "bad_token")
    assert api.post("/api/v1/auth/refresh", {"refresh_token": second["refresh_token"]}).status_code == 401
    assert bearer(second).get("/api/v1/auth/me").status_code == 401
    assert SignedOut.objects.count() == 1


@pytest.mark.parametrize("kind", ["access", "made up", "expired", "empty", "number"])
def test_only_a_living_refresh_token_refreshes(api, person, kind):
    user = person()
    tokens = issue_tokens(user)
    expired = RefreshToken(tokens["refresh_token"])
    expired.set_exp(from_time=now() - timedelta(days=8), lifetime=timedelta(days=7))
    given = {
        "access": tokens["access_token"],
        "made up": "eyJhbGciOiJub25lIn0.e30.",
        "expired": str(expired),
        "empty": "",
        "number": 5,
    }[kind]
    response = api.post("/api/v1/auth/refresh", {"refresh_token": given})
    assert response.status_code == (400 if kind == "empty" else 401)


def test_a_refresh_token_opens_no_door_and_an_expired_access_token_neither(person):
    tokens = issue_tokens(person())
    assert bearer({"access_token": tokens["refresh_token"]}).get("/api/v1/auth/me").status_code == 401
    old = AccessToken(tokens["access_token"])
    old.set_exp(from_time=now() - timedelta(hours=1), lifetime=timedelta(minutes=15))
    assert bearer({"access_token": str(old)}).get("/api/v1/auth/me").status_code == 401


def test_the_refresh_token_can_travel_in_a_cookie_that_no_script_reads(api, person):
    user = person()
    response = api.post("/api/v1/auth/login?cookie=true", {"email": user.email, "password": PASSWORD})
    assert response.json()["refresh_token"] is None
    cookie = response.cookies["rihla_refresh"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["max-age"]) == ("Strict", "/api/v1/auth", 7 * 86400)
    renewed = api.post("/api/v1/auth/refresh")
    assert renewed.status_code == 200
    assert renewed.cookies["rihla_refresh"].value != cookie.value
    gone = api.post("/api/v1/auth/logout")
    assert gone.status_code == 204
    assert gone.cookies["rihla_refresh"].value == ""
    assert bearer(renewed.json()).get("/api/v1/auth/me").status_code == 401


def test_a_wrong_password_and_an_unknown_e_mail_get_the_same_answer(api, person):
    user = person()
    wrong = api.post("/api/v1/auth/login", {"email": user.email, "password": "wrong"})
    unknown = api.post("/api/v1/auth/login", {"email": "nobody@example.com", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 401
    bodies = [{**r.json(), "timestamp": "", "request_id": ""} for r in (wrong, unknown)]
    assert bodies[0] == bodies[1]
    assert bodies[0]["error_code"] == "wrong_credentials"


def test_an_unknown_e_mail_costs_a_hash_as_well(api, person, monkeypatch):
    """The same work, counted: one bcrypt each, so that time tells nothing."""
    done = []
    encode = BCryptSHA256PasswordHasher.encode
    monkeypatch.setattr(BCryptSHA256PasswordHasher, "encode", lambda self, *a: done.append(1) or encode(self, *a))
    user = person()
    done.clear()
    api.post("/api/v1/auth/login", {"email": user.email, "password": "wrong"})
    known, unknown = len(done), 0
    done.clear()
    api.post("/api/v1/auth/login", {"email": "nobody@example.com", "password": "wrong"})
    unknown = len(done)
    assert (known, unknown) == (1, 1)


def test_a_customer_of_another_operator_logs_in_here_and_becomes_a_customer(other_tenant, person, tenant):
    user = person()
    with tenant_context(other_tenant.pk):
        assert not Membership.objects.filter(user=user).exists()
    tokens = login(user.email, HTTP_X_TENANT="other")
    with tenant_context(other_tenant.pk):
        assert Membership.objects.get(user=user).role.code == "CUSTOMER"
    there = bearer(tokens).get("/api/v1/auth/me", HTTP_X_TENANT="other")
    assert there.json()["role"] == "CUSTOMER"


def test_staff_here_are_customers_elsewhere(other_tenant, person):
    admin = person("ADMIN")
    tokens = login(admin.email, HTTP_X_TENANT="other")
    assert bearer(tokens).get("/api/v1/admin/users", HTTP_X_TENANT="other").status_code == 403
    assert bearer(login(admin.email)).get("/api/v1/admin/users").status_code == 200


def test_a_token_counts_with_the_operator_that_issued_it_only(other_tenant, person):
    tokens = login(person().email)
    assert bearer(tokens).get("/api/v1/auth/me", HTTP_X_TENANT="other").status_code == 401
    refused = APIClient().post(
        "/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]}, HTTP_X_TENANT="other"
    )
    assert refused.status_code == 401


def test_a_blocked_person_is_out_at_once_and_hears_why_only_with_the_right_password(api, person):
    admin, user = person("ADMIN"), person()
    tokens = login(user.email)
    assert bearer(tokens).get("/api/v1/auth/me").status_code == 200  # remembered in Redis now
    with TestCase.captureOnCommitCallbacks(execute=True):
        block_person(user_id=user.pk, actor=admin, reason="fraud")
    assert bearer(tokens).get("/api/v1/auth/me").status_code == 401
    assert api.post("/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]}).status_code == 401
    told = api.post("/api/v1/auth/login", {"email": user.email, "password": PASSWORD})
    assert (told.status_code, told.json()["error_code"]) == (403, "account_blocked")
    guessed = api.post("/api/v1/auth/login", {"email": user.email, "password": "wrong"})
    assert guessed.status_code == 401
    unblock_person(user_id=user.pk, actor=admin)
    assert bearer(tokens).get("/api/v1/auth/me").status_code == 401  # the old session stays ended
    login(user.email)


def test_somebody_whose_account_is_closed_everywhere(api, person):
    user = person()
    tokens = login(user.email)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert api.post("/api/v1/auth/login", {"email": user.email, "password": PASSWORD}).status_code == 403
    assert api.post("/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]}).status_code == 403


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer x.y.z", "Bearer \xff"])
def test_a_broken_authorization_header_is_a_401_in_the_common_form(header):
    response = APIClient().get("/api/v1/auth/me", HTTP_AUTHORIZATION=header)
    body = response.json()
    assert (response.status_code, body["error"], body["error_code"]) == (401, "unauthenticated", "bad_token")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_an_old_token_in_the_header_does_not_stand_in_the_way_of_logging_in(person):
    user = person()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer x.y.z")
    assert client.post("/api/v1/auth/login", {"email": user.email, "password": PASSWORD}).status_code == 200


def test_a_token_of_somebody_who_is_gone(person):
    user = UserFactory()
    tokens = issue_tokens(user)
    user.delete()
    assert bearer(tokens).get("/api/v1/auth/me").status_code == 401
    refused = APIClient().post("/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    assert refused.status_code == 401


def test_tokens_hold_no_personal_data(person):
    claims = AccessToken(issue_tokens(person())["access_token"]).payload
    assert set(claims) == {"token_type", "exp", "iat", "jti", "user_id", "tenant", "rev", "sid"}
    assert not re.search(r"@|Mona", str(claims))
