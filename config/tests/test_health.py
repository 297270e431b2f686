"""Health tells which part is down, and costs no tenant and no rate limit; logs are JSON and keep secrets."""

import json
import logging
import sys
import time
from unittest.mock import ANY

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError as DatabaseDown
from django.test import Client
from django_redis import get_redis_connection
from kombu import Connection
from kombu.exceptions import OperationalError as BrokerDown
from redis.exceptions import ConnectionError as CacheDown

from config import health
from config.logs import AddContext, JsonFormatter, request_context
from config.tasks import tick
from notifications.models import Delivery
from notifications.outbox import announce

pytestmark = pytest.mark.django_db

PARTS = {"database", "cache", "broker", "storage", "beat", "outbox", "gateways"}


@pytest.fixture(autouse=True)
def looks_anew(monkeypatch):
    monkeypatch.setattr(health, "REMEMBERED_FOR", 0.0)
    tick()


@pytest.fixture
def all_up(monkeypatch, tenant):
    """No gateway runs here."""
    health.look_at_parts()
    monkeypatch.setitem(health.PARTS, "gateways", lambda: None)


def states(address: str = "/health") -> dict[str, str]:
    return {name: facts["status"] for name, facts in Client().get(address).json()["checks"].items()}


def test_health_when_all_is_well(all_up):
    answer = Client().get("/health")
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "healthy")
    assert states() == dict.fromkeys(PARTS, "up")
    assert all(facts["milliseconds"] >= 0 for facts in body["checks"].values())
    assert body["uptime_seconds"] >= 0
    assert Client().get("/health/ready").json()["status"] == "healthy"
    assert Client().get("/health/live").json() == {"status": "alive"}


def test_without_the_database_we_are_not_ready_but_not_dead(all_up, monkeypatch):
    monkeypatch.setitem(health.PARTS, "database", lambda: (_ for _ in ()).throw(DatabaseDown("secret-host is away")))
    for address in ("/health", "/health/ready"):
        answer = Client().get(address)
        assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
        assert states(address) == {**dict.fromkeys(PARTS, "up"), "database": "down"}
        assert b"secret-host" not in answer.content
    assert Client().get("/health/live").status_code == 200


@pytest.mark.parametrize(("part", "fault"), [("cache", CacheDown()), ("broker", BrokerDown()), ("storage", OSError())])
def test_without_another_part_we_go_on_and_say_so(all_up, monkeypatch, settings, part, fault):
    monkeypatch.setitem(health.PARTS, part, lambda: (_ for _ in ()).throw(fault))
    answer = Client().get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert states()[part] == "down"
    settings.READY_NEEDS = ["database", part]
    assert Client().get("/health/ready").status_code == 503


def test_the_parts_are_really_asked(monkeypatch, tenant):
    """Each look fails by itself when what it asks is broken, not only when the look is replaced."""

    def fail(*args, **kwargs):
        raise OSError

    monkeypatch.setattr(health.app, "connection_for_write", lambda: Connection("redis://127.0.0.1:1/0"))
    monkeypatch.setattr(default_storage._wrapped, "save", fail)
    monkeypatch.setattr(health, "get_redis_connection", fail)
    found = {name: facts["status"] for name, facts in health.look_at_parts().items()}
    down = dict.fromkeys(("cache", "broker", "storage", "beat"), "down")
    assert found == {**dict.fromkeys(PARTS, "up"), **down, "gateways": "late"}


def test_a_clock_that_stands_still_is_late(all_up):
    get_redis_connection("default").set(health.BEAT_KEY, time.time() - 91)
    assert states()["beat"] == "late"
    get_redis_connection("default").delete(health.BEAT_KEY)
    facts = Client().get("/health").json()["checks"]["beat"]
    assert (facts["status"], facts["last_tick"]) == ("late", None)
    tick()
    assert states()["beat"] == "up"


def test_an_outbox_that_is_behind_is_late(all_up, tenant, monkeypatch):
    monkeypatch.setattr("notifications.outbox.subscribers_of", lambda type_: {"nobody.listens": None})
    announce("booking.created", tenant)
    assert Client().get("/health").json()["checks"]["outbox"] | {"milliseconds": 0} == {
        "status": "up",
        "waiting": 1,
        "oldest_seconds": 0,
        "milliseconds": 0,
    }
    Delivery.objects.update(next_try_at="2026-01-01T00:00Z")
    assert states()["outbox"] == "late"


def test_many_who_ask_make_us_look_once(monkeypatch, all_up):
    looks = []
    monkeypatch.setattr(health, "REMEMBERED_FOR", 60.0)
    monkeypatch.setattr(health, "_memory", health.Memory())
    monkeypatch.setitem(health.PARTS, "cache", lambda: looks.append(1))
    for _time in range(5):
        Client().get("/health")
    assert looks == [1]


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
        "Internal Server Error: /b/hunter2:1wXYZ.abc/pay",
        "GET https://nile.example/c/hunter2-hunter2 500",
        "/g/hunter2hunter2/calendar.ics and /w/hunter2hunter2",
        "Not Found: /auth/reset/hunter2hunter2",
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
    assert line("sent", address="postgres://u:hunter2@db/x", path="/b/hunter2hunter2") == {
        **line("sent"),
        "at": ANY,
        "address": "postgres://u:***@db/x",
        "path": "/b/***",
    }
    assert line("GET /api/v1/bookings/019ff3ce-2040/voucher.pdf")["message"].endswith("019ff3ce-2040/voucher.pdf")
    assert "request_id" not in line("outside")


def test_a_line_break_cannot_forge_a_line():
    record = logging.LogRecord("rihla", logging.INFO, "f.py", 1, 'a\n{"level": "CRITICAL"}', (), None)
    assert "\n" not in JsonFormatter().format(record)
