"""Rate limits: who is counted with whom, what the headers say, and that they hold across processes."""

import re
import time

import pytest
from django_redis import get_redis_connection
from redis.exceptions import RedisError
from rest_framework.test import APIClient

from accounts.authentication import issue_tokens
from config import throttling
from config.throttling import parse_rate

pytestmark = pytest.mark.django_db

ME, LOGIN = "/api/v1/auth/me", "/api/v1/auth/login"
BODY = {"email": "nobody@example.com", "password": "wrong"}


@pytest.fixture(autouse=True)
def _at_the_start_of_a_window(roles):
    """A minute that ends within the test would begin a new count."""
    left = 60 - time.time() % 60
    if left < 8:
        time.sleep(left)


def statuses(count: int, call) -> list[int]:
    return [call().status_code for _time in range(count)]


def test_five_log_ins_a_minute_and_then_a_429_in_the_common_form(client_of):
    assert statuses(5, lambda: APIClient().post(LOGIN, {**BODY, "email": "a@example.com"})) == [401] * 5
    refused = APIClient().post(
        LOGIN, {**BODY, "email": "b@example.com"}
    )  # another e-mail: it is the address that counts
    body = refused.json()
    assert (refused.status_code, body["error"], body["error_code"]) == (429, "too_many_requests", "throttled")
    assert refused.headers["RateLimit-Policy"] == '"auth";q=5;w=60'
    assert re.fullmatch(r'"auth";r=0;t=\d+', refused.headers["RateLimit"])
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert body["details"] == {"retry_after": int(refused.headers["Retry-After"])}


def test_log_in_registration_and_resets_are_counted_together():
    calls = [
        lambda: APIClient().post(LOGIN, BODY),
        lambda: APIClient().post("/api/v1/auth/register", {}),
        lambda: APIClient().post("/api/v1/auth/password/reset", {"email": "a@b.example"}),
        lambda: APIClient().post("/api/v1/auth/password/reset/confirm", {}),
        lambda: APIClient().post("/api/v1/auth/verify-email/resend", {"email": "a@b.example"}),
    ]
    assert [call().status_code for call in calls] == [401, 400, 202, 400, 202]
    assert {call().status_code for call in calls} == {429}
    assert APIClient().get(ME).status_code == 401  # the other limit is another count


def test_addresses_do_not_share_a_count():
    assert statuses(6, lambda: APIClient(REMOTE_ADDR="10.0.0.1").post(LOGIN, BODY))[-1] == 429
    assert APIClient(REMOTE_ADDR="10.0.0.2").post(LOGIN, {**BODY, "email": "c@example.com"}).status_code == 401


def test_a_made_up_forwarded_address_gains_nothing(settings):
    def call(n: int):
        return APIClient().post(LOGIN, BODY, HTTP_X_FORWARDED_FOR=f"10.1.1.{n}").status_code

    assert [call(n) for n in range(6)][-1] == 429
    settings.TRUSTED_PROXIES = 1
    assert (
        APIClient()
        .post(LOGIN, {**BODY, "email": "d@example.com"}, HTTP_X_FORWARDED_FOR="1.1.1.1, 10.2.2.2")
        .status_code
        == 401
    )
    nonsense = APIClient().post(LOGIN, {**BODY, "email": "e@example.com"}, HTTP_X_FORWARDED_FOR="not an address")
    assert nonsense.status_code == 401


def test_users_have_a_count_of_their_own_wherever_they_call_from(settings, person):
    settings.THROTTLE_DEFAULT = "3/min"
    one, two = person(), person()

    def call(user, address: str) -> int:
        client = APIClient(REMOTE_ADDR=address)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}")
        return client.get(ME).status_code

    assert [call(one, f"10.0.0.{n}") for n in range(4)] == [200, 200, 200, 429]
    assert call(two, "10.0.0.1") == 200


def test_the_headers_count_down_and_follow_the_setting(settings, person, client_of):
    settings.THROTTLE_DEFAULT = "4/min"
    client = client_of(person())
    told = [client.get(ME).headers for _time in range(2)]
    assert [headers["RateLimit-Policy"] for headers in told] == ['"default";q=4;w=60'] * 2
    assert [headers["RateLimit"].split(";")[1] for headers in told] == ["r=3", "r=2"]
    settings.THROTTLE_DEFAULT = "2/hour"
    assert client.get(ME).headers["RateLimit-Policy"] == '"default";q=2;w=3600'


def test_a_new_window_begins_a_new_count(settings, monkeypatch):
    settings.THROTTLE_DEFAULT = "1/min"
    client = APIClient(REMOTE_ADDR="10.0.0.9")
    assert statuses(2, lambda: client.get(ME)) == [401, 429]
    real = time.time
    monkeypatch.setattr(throttling.time, "time", lambda: real() + 60)
    assert statuses(2, lambda: client.get(ME)) == [401, 429]


def test_refused_strangers_and_bad_tokens_count_and_carry_the_headers(settings):
    settings.THROTTLE_DEFAULT = "3/min"
    client = APIClient(REMOTE_ADDR="10.0.0.8")
    client.credentials(HTTP_AUTHORIZATION="Bearer made.up.token")
    answers = [client.get(ME) for _time in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert all("RateLimit" in answer.headers for answer in answers)


def test_people_without_the_right_are_counted_once(settings, person, client_of):
    settings.THROTTLE_DEFAULT = "3/min"
    client = client_of(person())
    assert statuses(4, lambda: client.get("/api/v1/admin/users")) == [403, 403, 403, 429]


def test_counts_of_other_processes_are_ours_too(settings):
    """Whatever another process has counted in Redis counts here."""
    settings.THROTTLE_AUTH = "5/min"
    key = throttling.window_key("auth", "address:10.0.0.7", 60)
    get_redis_connection("default").set(key, 4, ex=60)
    client = APIClient(REMOTE_ADDR="10.0.0.7")
    assert statuses(2, lambda: client.post(LOGIN, BODY)) == [401, 429]


def test_counts_vanish_by_themselves():
    APIClient(REMOTE_ADDR="10.0.0.6").post(LOGIN, BODY)
    life = get_redis_connection("default").ttl(throttling.window_key("auth", "address:10.0.0.6", 60))
    assert 60 < life <= 120


def test_without_redis_we_serve_on_and_say_so(settings, person, client_of, monkeypatch, caplog):
    settings.THROTTLE_DEFAULT = settings.THROTTLE_AUTH = "1/min"
    user = person()
    client = client_of(user)

    def away(*asked: object):
        raise RedisError

    monkeypatch.setattr(throttling, "trip", away)
    monkeypatch.setattr("accounts.authentication.trip", away)
    monkeypatch.setattr("accounts.authentication.get_redis_connection", away)
    assert statuses(3, lambda: client.get(ME)) == [200] * 3
    assert statuses(2, lambda: APIClient().post(LOGIN, BODY)) == [401] * 2
    assert "redis does not answer" in caplog.text


@pytest.mark.parametrize(
    ("rate", "means"), [("5/min", (5, 60)), ("100/m", (100, 60)), ("1/s", (1, 1)), ("9/day", (9, 86400))]
)
def test_rates(rate, means):
    assert parse_rate(rate) == means


@pytest.mark.parametrize("rate", ["", "5", "/min", "0/min", "-1/min", "5/fortnight", "5/min/s", "five/min"])
def test_what_is_no_rate(rate):
    with pytest.raises(ValueError, match="is no rate"):
        parse_rate(rate)
