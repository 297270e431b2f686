"""The sandbox gateway for tests: a process of its own, as in life."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings

from config.testing.server import free_port
from payments.sandbox.signing import api_key


class SandboxProcess:
    """Starts, kills and asks it. Its state survives a restart, in a file of its own."""

    def __init__(self, state: Path) -> None:
        self.state, self.port = state, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "payments.sandbox", "--port", str(self.port), "--state", str(self.state)],
            cwd=settings.BASE_DIR,
            env={**os.environ, "SANDBOX_SIGNING_KEY": settings.SANDBOX_SIGNING_KEY, "LOG_LEVEL": "WARNING"},
        )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                httpx.get(f"{self.url}/health", timeout=2)
                return
            except httpx.TransportError:
                time.sleep(0.02)
        raise RuntimeError("the sandbox does not answer")

    def stop(self) -> int:
        """Politely (SIGTERM); returns what it ended with."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(15)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(15)

    @property
    def pid(self) -> int:
        return int(httpx.get(f"{self.url}/health").json()["pid"])

    def order(self, on: str, kind: str, times: int = 1, seconds: float = 30) -> None:
        """The next `times` calls meet this trouble."""
        body = {"on": on, "kind": kind, "times": times, "seconds": seconds}
        httpx.post(f"{self.url}/test/faults", json=body, headers=self.tester).raise_for_status()

    def heal(self) -> None:
        httpx.delete(f"{self.url}/test/faults", headers=self.tester).raise_for_status()

    def api(self, method: str, path: str, **rest: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {api_key(settings.SANDBOX_SIGNING_KEY)}", **rest.pop("headers", {})}
        return httpx.request(method, f"{self.url}{path}", headers=headers, **rest)

    def act(self, page: str, outcome: str) -> httpx.Response:
        """What the payer chooses on the page."""
        return httpx.post(page, data={"outcome": outcome}, follow_redirects=False, timeout=30)

    @property
    def tester(self) -> dict[str, str]:
        return {"X-Signing-Key": settings.SANDBOX_SIGNING_KEY}


@contextmanager
def running_sandbox(folder: Path) -> Iterator[SandboxProcess]:
    sandbox = SandboxProcess(folder / "sandbox.sqlite3")
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.kill()
