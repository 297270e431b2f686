"""One start of the stand-in system (`stand_in.py`) in a folder, for tests that look at its processes."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg

from config.embedded.environment import pick_free_port
from config.embedded.processes import die_with_parent, processes_in

ROOT = Path(__file__).resolve().parents[2]
SERVERS = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "CELERY_BROKER_URL"}
OTHERS = {
    "PORT",
    "SECRET_KEY",
    "MAIL_DIR",
    "MEDIA_ROOT",
    "STATIC_ROOT",
    "RIHLA_AS_OWNER",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
}
SANDBOX = {"SANDBOX_URL", "SANDBOX_SIGNING_KEY", "SANDBOX_STATE", "ALLOW_SANDBOX"}


def wait_until(is_so: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := is_so():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not so after {seconds} s")


class Running:
    """One start of the stand-in system in a folder; knows each process that came of it."""

    def __init__(self, root: Path, port: int | None = None, keep: Iterable[str] = (), **wanted: Any) -> None:
        self.root, self.port = root, port or pick_free_port()
        self.mark = uuid.uuid4().hex
        root.mkdir(parents=True, exist_ok=True)
        of_this_run = (SERVERS | OTHERS | SANDBOX).difference(keep)
        environment = {name: value for name, value in os.environ.items() if name not in of_this_run}
        self.log = root / f"said-{self.mark[:6]}.txt"
        with open(self.log, "wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.tests.stand_in", str(root), json.dumps(wanted)],
                env=environment | {"PORT": str(self.port), "RIHLA_TEST_MARK": self.mark},
                cwd=ROOT,
                stdout=said,
                stderr=said,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, signal.SIGTERM),  # a test run that is killed leaves nothing either
            )

    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str, seconds: float = 60) -> "Running":
        def heard() -> bool:
            assert words in self.said() or self.process.poll() is None, self.said()
            return words in self.said()

        wait_until(heard, seconds)
        return self

    def up(self) -> "Running":
        return self.wait_for("Rihla answers after")

    def pids(self) -> set[int]:
        """Everything of this start that lives: by the mark in its environment, the servers by their folders."""
        found = {
            *processes_in(self.root / "var" / "pg", "postgres"),
            *processes_in(self.root / "var" / "valkey", "valkey"),
        }
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if self.mark.encode() in environ.read_bytes():
                    found.add(int(environ.parent.name))
            except OSError:
                continue
        return found

    def environment(self) -> dict[str, str]:
        return json.loads((self.root / "var" / "environment.json").read_text())

    def database(self) -> "psycopg.Connection[Any]":
        return connect(self.environment()["DATABASE_OWNER_URL"])

    def end(self, number: int = signal.SIGTERM, seconds: float = 60) -> int:
        self.process.send_signal(number)
        return self.process.wait(seconds)


def connect(url: str) -> "psycopg.Connection[Any]":
    parts = urlsplit(url)
    user, _, host = parts.netloc.partition("@")
    return psycopg.connect(host=unquote(host), user=user, dbname=parts.path[1:], autocommit=True)
