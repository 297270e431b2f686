"""Starts stand-ins for the tests, one process each, and speaks to their controls."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from django.conf import settings

from config.testing.server import free_port


class StandInProcess:
    def __init__(self, name: str) -> None:
        self.name, self.port = name, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.controls = httpx.Client(base_url=self.url, timeout=10, trust_env=False)

    def start(self) -> None:
        command = [sys.executable, "-m", f"payments.tests.standins.{self.name}", "--port", str(self.port)]
        self.process = subprocess.Popen(command, cwd=settings.BASE_DIR)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                self.controls.get("/test/health")
                return
            except httpx.TransportError:
                time.sleep(0.02)
        raise RuntimeError(f"the stand-in for {self.name} does not answer")

    def stop(self) -> None:
        assert self.process is not None
        self.controls.close()
        self.process.kill()
        self.process.wait(15)

    def act(self, what: str, about: str = "", **how: Any) -> Any:
        answer = self.controls.post("/test/act", json={"what": what, "about": about, **how})
        return answer.raise_for_status().json()

    def order(self, on: str, kind: str, times: int = 1, seconds: float = 30) -> None:
        """The next `times` calls meet this trouble."""
        body = {"on": on, "kind": kind, "times": times, "seconds": seconds}
        self.controls.post("/test/troubles", json=body).raise_for_status()

    def notices(self, about: str = "", *, take: bool = True, age: float = 0) -> list[dict[str, Any]]:
        """What it has to tell, each signed as if sent `age` seconds ago."""
        answer = self.controls.post("/test/notices", json={"about": about, "take": take, "age": age})
        found: list[dict[str, Any]] = answer.raise_for_status().json()
        return found

    def violations(self) -> list[str]:
        found: list[str] = self.controls.get("/test/violations").raise_for_status().json()
        return found

    def calls(self) -> list[str]:
        """What was called since the last reset, in order."""
        found: list[str] = self.controls.get("/test/calls").raise_for_status().json()
        return found

    def reset(self) -> None:
        self.controls.delete("/test").raise_for_status()


@contextmanager
def running(name: str) -> Iterator[StandInProcess]:
    stand_in = StandInProcess(name)
    stand_in.start()
    try:
        yield stand_in
    finally:
        stand_in.stop()
