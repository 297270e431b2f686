"""The sandbox by itself: a program that knows nothing of us, keeps its promises and survives."""

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from payments.sandbox.signing import sign
from payments.tests.sandbox_process import SandboxProcess, running_sandbox
from payments.tests.steps import wait_until


class Listener:
    """Somebody who is told: keeps what came, answers what it is told to answer."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.heard: list[tuple[dict, bytes]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.heard.append((dict(self.headers), body))
                self.send_response(listener.answers.pop(0) if listener.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/notices"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _headers, body in self.heard]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


def wanted(listener: Listener | None = None, **other: object) -> dict:
    return {
        "reference": "ours",
        "amount": "120.00",
        "currency": "USD",
        "return_url": "http://127.0.0.1:9/return",
        "cancel_url": "http://127.0.0.1:9/cancel",
        "notify_url": listener.url if listener else "http://127.0.0.1:9/notices",
        "expires_at": time.time() + 600,
        **other,
    }


def create(sandbox: SandboxProcess, body: dict, key: str) -> httpx.Response:
    return sandbox.api("POST", "/v1/payments", json=body, headers={"Idempotency-Key": key})


def test_it_imports_nothing_of_ours_or_djangos():
    program = (
        "import sys, payments.sandbox.__main__\n"
        "apps = {'django', 'config', 'accounts', 'notifications', 'ledger', 'tours', 'bookings', 'httpx'}\n"
        "found = {name.split('.')[0] for name in sys.modules} & apps\n"
        "ours = [n for n in sys.modules if n.startswith('payments') and not n.startswith('payments.sandbox')]\n"
        "assert not found and ours == ['payments'], (found, ours)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=settings.BASE_DIR, check=True)


def test_a_key_gives_one_payment(sandbox, request):
    body, key = wanted(), request.node.name
    first, again = create(sandbox, body, key), create(sandbox, body, key)
    other = create(sandbox, body | {"amount": "121.00"}, key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 422)
    assert first.json()["id"] == again.json()["id"]
    assert other.json()["error"]["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    "fault",
    [
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "1e9"},
        {"amount": 120},
        {"amount": "1.2345"},
        {"currency": "usd"},
        {"return_url": "javascript:alert(1)"},
        {"notify_url": ""},
        {"expires_at": "soon"},
    ],
)
def test_it_refuses_nonsense(sandbox, fault):
    assert create(sandbox, wanted(**fault), f"nonsense {fault}").status_code == 422


def test_strangers_are_refused(sandbox):
    assert httpx.get(f"{sandbox.url}/v1/payments").status_code == 401
    assert httpx.post(f"{sandbox.url}/test/faults", json={"on": "fetch", "kind": "500"}).status_code == 401
    assert sandbox.api("POST", "/test/faults", json={"on": "fetch", "kind": "500"}).status_code == 401
    assert sandbox.api("GET", "/v1/payments/sbp_unknown").status_code == 404
    assert sandbox.api("GET", "/nowhere").status_code == 404


def test_refunds_never_exceed_the_capture(sandbox, request):
    name = request.node.name
    payment = create(sandbox, wanted(), name).json()
    path = f"/v1/payments/{payment['id']}/refunds"

    def refund(amount: str, key: str) -> httpx.Response:
        return sandbox.api("POST", path, json={"amount": amount}, headers={"Idempotency-Key": f"{name} {key}"})

    assert refund("10.00", "early").status_code == 409
    sandbox.act(payment["action"]["url"], "approve")
    assert refund("50.00", "a").json()["status"] == "succeeded"
    assert refund("50.00", "a").json()["id"] == refund("50.00", "a").json()["id"]
    assert refund("60.00", "a").status_code == 422
    assert refund("70.01", "b").json()["error"]["code"] == "refund_too_large"
    assert refund("70.00", "b").status_code == 201
    assert sandbox.api("GET", f"/v1/payments/{payment['id']}").json()["refunded_amount"] == "120.00"
    assert len(sandbox.api("GET", path).json()["items"]) == 2


def test_the_page_speaks_both_languages_and_acts_once(sandbox, request):
    page = create(sandbox, wanted(description="BK-7F3K9Q"), request.node.name).json()["action"]["url"]
    english, arabic = httpx.get(page), httpx.get(page, params={"lang": "ar"})
    assert 'lang="en" dir="ltr"' in english.text
    assert "120.00 USD" in english.text
    assert "BK-7F3K9Q" in english.text
    assert 'lang="ar" dir="rtl"' in arabic.text
    assert "ادفع" in arabic.text
    for outcome in ("approve", "decline", "timeout", "late", "duplicate", "reorder"):
        assert f'value="{outcome}"' in english.text
    assert sandbox.act(page, "steal").status_code == 400
    declined = sandbox.act(page, "decline")
    assert (declined.status_code, declined.headers["Location"]) == (303, "http://127.0.0.1:9/cancel")
    assert sandbox.act(page, "approve").status_code == 409
    assert httpx.get(page.replace("sbp_", "sbp_0")).status_code == 404


def test_what_a_shop_writes_stays_text(sandbox, request):
    page = create(sandbox, wanted(description="<script>alert(1)</script>"), request.node.name).json()["action"]["url"]
    assert "<script>" not in httpx.get(page).text


def test_an_unpaid_payment_ends_by_itself(sandbox, request):
    payment = create(sandbox, wanted(expires_at=time.time() + 0.3), request.node.name).json()
    path = f"/v1/payments/{payment['id']}"
    wait_until(lambda: sandbox.api("GET", path).json()["status"] == "cancelled")
    assert sandbox.act(payment["action"]["url"], "approve").status_code == 409


def test_created_is_told_before_the_answer_and_the_rest_signed(sandbox, listener, request):
    payment = create(sandbox, wanted(listener), request.node.name).json()
    assert listener.types() == ["payment.created"]
    sandbox.act(payment["action"]["url"], "approve")
    wait_until(lambda: len(listener.heard) == 2)
    headers, body = listener.heard[1]
    assert json.loads(body)["data"]["payment"]["status"] == "succeeded"
    signed_at = int(headers["Sandbox-Signature"].split(",")[0].removeprefix("t="))
    assert headers["Sandbox-Signature"] == sign(settings.SANDBOX_SIGNING_KEY, body, signed_at)
    assert f"(pid {sandbox.pid})" in headers["User-Agent"]


def test_a_notice_that_is_not_accepted_comes_again(sandbox, listener, request):
    listener.answers = [200, 500, 503]
    payment = create(sandbox, wanted(listener), request.node.name).json()
    sandbox.act(payment["action"]["url"], "approve")
    wait_until(lambda: len(listener.heard) == 4)
    assert listener.types() == ["payment.created"] + ["payment.succeeded"] * 3
    assert len({json.loads(body)["id"] for _headers, body in listener.heard[1:]}) == 1


def test_state_and_notices_survive_a_kill(tmp_path, settings, listener):
    with running_sandbox(tmp_path) as sandbox:
        listener.answers = [200, 500]
        payment = create(sandbox, wanted(listener), "survivor").json()
        sandbox.act(payment["action"]["url"], "approve")
        wait_until(lambda: len(listener.heard) == 2)
        sandbox.kill()
        sandbox.start()
        assert sandbox.api("GET", f"/v1/payments/{payment['id']}").json()["status"] == "succeeded"
        wait_until(lambda: len(listener.heard) == 3)
        assert listener.types()[-1] == "payment.succeeded"
        assert sandbox.stop() == 0


def test_it_does_not_start_without_a_key(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-m", "payments.sandbox", "--state", str(tmp_path / "s.sqlite3")],
        cwd=settings.BASE_DIR,
        env={"PATH": "/usr/bin"},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 2
    assert "SANDBOX_SIGNING_KEY" in answer.stderr


def test_the_command_is_refused_where_the_sandbox_is_not_allowed(settings):
    settings.ALLOW_SANDBOX = False
    with pytest.raises(CommandError, match="ALLOW_SANDBOX"):
        call_command("run_sandbox", port=1)
