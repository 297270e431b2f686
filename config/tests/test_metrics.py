"""Numbers for Prometheus: whole over all processes, bounded in their labels, closed to strangers, and cheap."""

import os
import re
import subprocess
import sys
import time

import httpx
import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from prometheus_client.parser import text_string_to_metric_families

from accounts.tests.factories import UserFactory
from bookings.tests.factories import BookingFactory
from config import metrics
from config.db.statements import Statements, statements
from config.measuring import MeasuringMiddleware
from config.testing.server import serving
from payments.tests.steps import paid

pytestmark = pytest.mark.django_db


def numbers(text: str | None = None) -> dict[tuple[str, ...], float]:
    """Every sample by its name and label values."""
    families = text_string_to_metric_families(text or metrics.everything().decode())
    return {(s.name, *(s.labels[name] for name in sorted(s.labels))): s.value for f in families for s in f.samples}


@pytest.fixture
def counted(django_capture_on_commit_callbacks):
    """What a block adds: `with counted() as added: …`, then `added["rihla_holds_total", "MADE"]`."""

    class Counted:
        def __enter__(self):
            self.before = numbers()
            self.commits = django_capture_on_commit_callbacks(execute=True)
            self.commits.__enter__()
            return self

        def __exit__(self, *raised):
            self.commits.__exit__(*raised)
            self.after = numbers()

        def __getitem__(self, key):
            return self.after.get(key, 0) - self.before.get(key, 0)

    return Counted


def test_requests_are_counted_by_route_never_by_address(tenant, counted):
    with counted() as added:
        for tour in ("a-tour", "another-tour"):
            Client().get(f"/api/v1/tours/{tour}")
        Client().get("/no/such/page")
        Client().generic("BREW", "/health/live")
    assert added["rihla_requests_total", "GET", "api/v1/tours/<str:given>", "404"] == 2
    assert added["rihla_requests_total", "GET", "unmatched", "404"] == 1
    assert added["rihla_requests_total", "OTHER", "health/live", "200"] == 1
    assert added["rihla_request_seconds_count", "GET", "api/v1/tours/<str:given>"] == 2
    assert added["rihla_queries_total", "api/v1/tours/<str:given>"] >= 2
    assert added["rihla_query_seconds_total", "api/v1/tours/<str:given>"] > 0
    assert not [key for key in added.after if "a-tour" in str(key)]


def test_business_is_counted_once_it_is_committed(tenant, counted):
    with counted() as added:
        paid(BookingFactory())
    assert added["rihla_holds_total", "MADE"] == 1
    assert added["rihla_holds_total", "CONVERTED"] == 1
    assert added["rihla_booking_moves_total", "PENDING_PAYMENT", "NEW"] == 1
    assert added["rihla_booking_moves_total", "CONFIRMED", "PENDING_PAYMENT"] == 1
    assert added["rihla_payments_total", "sandbox", "PENDING"] == 1
    assert added["rihla_payments_total", "sandbox", "PAID"] == 1


def test_what_is_rolled_back_is_not_counted(tenant, counted):
    with counted() as added, pytest.raises(RuntimeError):
        from_a_transaction_that_fails()
    assert added["rihla_holds_total", "MADE"] == 0


def from_a_transaction_that_fails():
    from django.db import transaction  # noqa: PLC0415

    with transaction.atomic():
        BookingFactory()
        raise RuntimeError


def test_calls_that_are_too_many_are_counted(tenant, counted, settings):
    settings.THROTTLE_DEFAULT = "1/min"
    with counted() as added:
        for _time in range(3):
            Client().get("/api/v1/tours")
    assert added["rihla_throttled_total", "default"] == 2


def test_gauges_are_read_when_asked(tenant):
    found = numbers()
    assert found["rihla_outbox_waiting", "delivery", "default"] == 0
    assert found["rihla_part_up", "database"] == 1
    assert found["rihla_payments_overdue", "refund", "default"] == 0


# --- Who may look ---


def test_strangers_may_not_look(settings):
    settings.METRICS_NETWORKS = []
    answer = Client().get("/metrics")
    assert (answer.status_code, answer.json()["error_code"]) == (403, "metrics_closed")
    settings.METRICS_TOKEN = "m" * 32
    assert Client().get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert Client().get("/metrics", headers={"Authorization": f"Bearer {'m' * 32}"}).status_code == 200


def test_allowed_networks_may_look(settings):
    settings.METRICS_NETWORKS = ["10.1.0.0/16"]
    assert Client(REMOTE_ADDR="10.1.2.3").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="10.2.2.3").get("/metrics").status_code == 403
    assert Client(REMOTE_ADDR="10.2.2.3", HTTP_X_FORWARDED_FOR="10.1.2.3").get("/metrics").status_code == 403


# --- What it costs ---


def test_measuring_a_request_asks_nobody_and_takes_less_than_a_tenth_of_a_millisecond(
    tenant, django_assert_num_queries
):
    request = RequestFactory().get("/health/live")
    request.resolver_match = type("Match", (), {"route": "health/live"})()

    class Answer:
        status_code = 200

    measuring = MeasuringMiddleware(lambda request: Answer())
    measuring(request)
    with django_assert_num_queries(0):
        rounds = []
        for _round in range(20):
            began = time.process_time()
            for _time in range(100):
                measuring(request)
            rounds.append((time.process_time() - began) / 100)
    assert min(rounds) < 0.0001


def test_slow_statements_are_logged_without_their_values(settings, caplog):
    settings.SLOW_QUERY_MS = 0
    seen = Statements()
    token = statements.set(seen)
    UserFactory._meta.model.objects.filter(email="secret@example.com").exists()
    statements.reset(token)
    line = next(record for record in caplog.records if record.message == "slow SQL statement")
    assert "accounts_user" in line.statement
    assert "secret@example.com" not in line.statement
    assert (seen.number, seen.slow) == (1, 1)
    settings.SLOW_QUERY_MS = 10_000
    caplog.clear()
    UserFactory._meta.model.objects.count()
    assert not caplog.records


@pytest.mark.django_db(transaction=True)
def test_two_workers_of_four_threads_give_one_sum(tmp_path):
    """Whichever worker is asked tells what both have counted."""

    def workers() -> set[str]:
        return {re.search(r"_(\d+)\.db", file.name)[1] for file in tmp_path.glob("histogram_*.db")}

    with serving(METRICS_DIR=str(tmp_path), THROTTLE_DEFAULT="1000000/min") as address:
        sent, until = 0, time.monotonic() + 30
        with httpx.Client(limits=httpx.Limits(max_keepalive_connections=0)) as client:
            while (len(workers()) < 2 or sent < 60) and time.monotonic() < until:
                client.get(f"{address}/api/v1/no-such-thing")
                sent += 1
        looks = [numbers(httpx.get(f"{address}/metrics").text) for _time in range(8)]
    assert len(workers()) == 2
    assert {look["rihla_requests_total", "GET", "unmatched", "404"] for look in looks} == {sent}


@pytest.mark.django_db(transaction=True)
def test_where_nothing_can_be_shared_each_process_shows_its_own(tenant, tmp_path):
    (tmp_path / "file").touch()
    with serving(METRICS_DIR=str(tmp_path / "file" / "metrics")) as address:
        httpx.get(f"{address}/api/v1/no-such-thing")
        shown = numbers(httpx.get(f"{address}/metrics").text)
    assert shown["rihla_part_up", "database"] == 1
    assert shown["rihla_outbox_waiting", "delivery", "default"] == 0


def test_a_command_leaves_no_files(tmp_path):
    """Only what is counted is written: `manage.py check` by another user must not be in the way of who serves."""
    command = [sys.executable, "-c", "import django; django.setup(); import config.urls"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "METRICS_DIR": str(tmp_path)}
    subprocess.run(command, env=environment, cwd=settings.BASE_DIR, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []
