"""A gateway that hangs is told of; whoever asks for our health does not hang with it."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from payments import health
from payments.tests.steps import wait_until


@pytest.fixture
def offered(settings, monkeypatch):
    """Only the sandbox is offered, at the address given; nothing was seen before."""
    monkeypatch.setattr(health, "_seen", {})
    monkeypatch.setattr(health, "_asking", {})
    monkeypatch.setattr(health, "SECONDS", 1.0)

    def at(port):
        settings.SANDBOX_URL = f"http://127.0.0.1:{port}"

    return at


def test_a_gateway_that_hangs_keeps_nobody_waiting(offered):
    with socket.create_server(("127.0.0.1", 0)) as hanging:  # takes connections and never answers
        offered(hanging.getsockname()[1])
        for _probe in range(3):
            began = time.monotonic()
            assert health.gateways() == {"status": "late", "gateways": {"sandbox": "down"}}
            assert time.monotonic() - began < 0.9
        assert len(health._asking) == 1


def test_one_that_answers_is_up_and_asked_again_only_after_a_while(offered, monkeypatch):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *said):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        offered(server.server_port)
        wait_until(lambda: health.gateways()["status"] == "up")
        so_far = len(asked)
        assert health.gateways() == {"status": "up", "gateways": {"sandbox": "up"}}
        assert len(asked) == so_far
        monkeypatch.setattr(health, "REMEMBERED_FOR", 0.0)
        health.gateways()
        wait_until(lambda: len(asked) == so_far + 1)
        server.shutdown()
    wait_until(lambda: health.gateways()["status"] == "late")
