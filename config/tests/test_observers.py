"""Traces and faults leave the house only where an address says so, and carry no secrets. The receivers are real HTTP servers."""

import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import psycopg
import pytest
from django.conf import settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from config.celery import app
from config.testing.server import serving, url_of_test_database

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Receiver:
    """Keeps what was posted: the paths and the bodies."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes]] = []
        posted = self.posted

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posted.append((self.path, gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, path: str, words: bytes) -> list[bytes]:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            bodies = [body for where, body in list(self.posted) if where == path]
            if any(words in body for body in bodies):
                return bodies
            time.sleep(0.05)
        raise AssertionError(f"{words!r} did not come: {[(where, len(body)) for where, body in self.posted]}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()


@pytest.mark.django_db(transaction=True)
def test_a_request_its_statements_and_its_tasks_are_one_trace(tenant, receiver):
    app.control.purge()
    with serving(
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{receiver.port}", OTEL_BSP_SCHEDULE_DELAY="100"
    ) as address:
        answer = httpx.post(
            f"{address}/api/v1/auth/register",
            json={
                "email": "traced@example.com",
                "password": "Felucca-77-Nile",
                "confirm_password": "Felucca-77-Nile",
                "first_name": "Mona",
                "last_name": "Saleh",
            },
            headers={"traceparent": f"00-{TRACE}-{SPAN}-01"},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
        bodies = receiver.wait_for("/v1/traces", b"POST api/v1/auth/register")
    spans = {span.name: span for body in bodies for span in spans_of(body)}
    asked = spans["POST api/v1/auth/register"]
    told = {one.key: one.value.string_value or one.value.int_value for one in asked.attributes}
    assert (asked.trace_id.hex(), asked.parent_span_id.hex()) == (TRACE, SPAN)
    assert told["http.response.status_code"] == 201
    assert told["rihla.request_id"] == answer.headers["X-Request-ID"]
    assert told["rihla.tenant"] == "default"
    assert spans["INSERT"].trace_id.hex() == TRACE
    everything = b"".join(bodies)
    assert b"traced@example.com" not in everything
    assert b"Felucca" not in everything
    waiting = [json.loads(message) for message in queued()]
    assert any(TRACE in str(message["headers"].get("traceparent")) for message in waiting)


def spans_of(body: bytes) -> list:
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    return [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]


def queued() -> list[bytes]:
    with app.connection_for_read() as broker:
        return broker.default_channel.client.lrange(app.conf.task_default_queue, 0, -1)


@pytest.mark.django_db(transaction=True)
def test_a_fault_of_ours_is_reported_without_anything_about_people(tenant, receiver):
    owner = url_of_test_database(settings.DATABASE_OWNER_URL)
    with (
        psycopg.connect(owner, autocommit=True) as connection,
        serving(SENTRY_DSN=f"http://key@127.0.0.1:{receiver.port}/7") as address,
    ):
        connection.execute("ALTER TABLE tours_departure RENAME TO tours_departure_away")
        try:
            answer = httpx.post(
                f"{address}/api/v1/holds?secret_token=hidden-in-the-address",
                json={"departure_id": "01900000-0000-7000-8000-000000000000", "guests": {"adult": 2}},
                headers={"Authorization-Test": "hidden-in-a-header", "Cookie": "rihla_refresh=hidden-in-a-cookie"},
                timeout=30,
            )
        finally:
            connection.execute("ALTER TABLE tours_departure_away RENAME TO tours_departure")
        assert answer.status_code == 500
        bodies = receiver.wait_for("/api/7/envelope/", b"ProgrammingError")
    event = next(json.loads(line) for body in bodies for line in body.splitlines() if b'"exception"' in line)
    assert event["tags"]["request_id"] == answer.headers["X-Request-ID"]
    assert event["tags"]["tenant"] == "default"
    assert "hidden" not in json.dumps(event)
    assert event["request"] == {"method": "POST"}


IMPORTED = """
import django, sys
django.setup()
import config.urls
print([name for name in ("sentry_sdk", "opentelemetry.exporter", "config.tracing", "config.faults") if name in sys.modules])
"""


def test_without_their_settings_nothing_of_them_is_imported():
    looked = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
    )
    assert looked.stdout.strip() == "[]"
