"""Health tells which part is down, and costs no tenant and no rate limit; logs are JSON and keep secrets."""

import json
import logging
import sys

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError as DatabaseDown
from django.test import Client
from kombu import Connection
from kombu.exceptions import OperationalError as BrokerDown
from redis.exceptions import ConnectionError as CacheDown

from config import health
from config.logs import AddContext, JsonFormatter, request_context

pytestmark = pytest.mark.django_db

ALL_UP = dict.fromkeys(("database", "cache", "broker", "storage"), "up")


def test_health_when_all_is_well(tenant):
    body = Client().get("/health").json()
    assert (body["status"], body["checks"]) == ("healthy", ALL_UP)
    assert body["uptime_seconds"] >= 0
    assert Client().get("/health/ready").json() == {"status": "healthy", "checks": ALL_UP}
    assert Client().get("/health/live").json() == {"status": "alive"}


@pytest.mark.parametrize(
    ("part", "fault"),
    [("database", DatabaseDown()), ("cache", CacheDown()), ("broker", BrokerDown()), ("storage", OSError())],
)
def test_a_part_that_is_down_is_named_and_makes_us_unready_but_not_dead(monkeypatch, part, fault):
    def fail():
        raise fault

    monkeypatch.setitem(health.PARTS, part, fail)
    for address in ("/health", "/health/ready"):
        response = Client().get(address)
        assert response.status_code == 503
        assert response.json()["status"] == "unhealthy"
        assert response.json()["checks"] == {**ALL_UP, part: "down"}
    assert Client().get("/health/live").status_code == 200


def test_the_parts_are_really_asked(monkeypatch):
    """Each look fails by itself when what it asks is broken, not only when the look is replaced."""
    monkeypatch.setattr(health.app, "connection_for_write", lambda: Connection("redis://127.0.0.1:1/0"))
    monkeypatch.setattr(default_storage._wrapped, "exists", lambda name: (_ for _ in ()).throw(OSError()))
    monkeypatch.setattr(health, "get_redis_connection", lambda name: (_ for _ in ()).throw(CacheDown()))
    assert health.look_at_parts() == {"database": "up", "cache": "down", "broker": "down", "storage": "down"}


def test_probes_are_never_throttled_and_need_no_operator(settings):
    settings.THROTTLE_DEFAULT = "1/min"
    answers = [Client().get("/health/live") for _time in range(5)]
    assert {a.status_code for a in answers} == {200}
    assert all("RateLimit" not in a.headers for a in answers)


# --- Logs ---


def line(message: str, *values: object, **extra: object) -> dict:
    record = logging.LogRecord("rihla", logging.INFO, "f.py", 1, message, values, extra.pop("exc_info", None))
    record.__dict__.update(extra)
    AddContext().filter(record)
    return json.loads(JsonFormatter().format(record))


@pytest.mark.parametrize(
    "message",
    [
        "password=hunter2",
        '{"password": "hunter2"}',
        "Authorization: Bearer hunter2",
        "token: hunter2",
        "api_key=hunter2&x=1",
        "client_secret='hunter2'",
        'refresh_token":"hunter2"',
        "postgres://user:hunter2@host/db",
        "smtp+tls://u:hunter2@mail:587",
        "signature=hunter2",
        "cookie: sessionid=hunter2; rihla_refresh=hunter2",
    ],
)
def test_secrets_that_slip_into_a_message_are_masked(message):
    assert "hunter2" not in line(message)["message"]


def test_secrets_in_traces_are_masked():
    try:
        raise ValueError("password=hunter2")
    except ValueError:
        written = line("it broke", exc_info=sys.exc_info())
    assert "ValueError" in written["exception"]
    assert "hunter2" not in written["exception"]


def test_a_line_carries_request_tenant_and_whatever_was_added():
    with request_context(request_id="r-12345678", tenant="nile"):
        written = line("paid %s", "رحلة", booking="BK-1", amount=5)
    assert written["message"] == "paid رحلة"
    assert (written["request_id"], written["tenant"], written["booking"], written["amount"]) == (
        "r-12345678",
        "nile",
        "BK-1",
        5,
    )
    assert {"at", "level", "logger"} <= set(written)
    assert line("sent", api_token="hunter2")["api_token"] == "***"
    assert "request_id" not in line("outside")


def test_a_line_break_cannot_forge_a_line():
    record = logging.LogRecord("rihla", logging.INFO, "f.py", 1, 'a\n{"level": "CRITICAL"}', (), None)
    assert "\n" not in JsonFormatter().format(record)
