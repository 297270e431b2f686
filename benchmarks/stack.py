"""A stack of one's own: PostgreSQL and Valkey as `make run` starts them (durability on), demo data, and the services."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import psycopg

from benchmarks.figures import say
from config.embedded.environment import make_secret, pick_free_port
from config.embedded.plan import rihla
from config.embedded.postgres import Postgres, find_binaries, tail
from config.embedded.processes import Guard, start, stop
from config.embedded.sockets import fits
from config.embedded.valkey import Valkey, find_server

ROOT = Path(__file__).resolve().parents[1]
STARTS_WITHIN = 60  # seconds
NO_LIMIT = "100000000/min"  # calls are counted as ever, and nobody is turned away


class Service:
    """A web service that runs, and where."""

    def __init__(self, name: str, url: str, process: "subprocess.Popen[bytes]") -> None:
        self.name, self.url, self.process = name, url, process


class Stack:
    """Everything below the web services. What it starts ends with it, and its folder with all data goes too."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        parent = tempfile.gettempdir() if fits(Path(tempfile.gettempdir()) / "rihla-bench-12345678") else "/tmp"
        self.folder = Path(tempfile.mkdtemp(prefix="rihla-bench-", dir=parent)).resolve()
        self.guard = Guard(remove=[self.folder])
        self.processes: list[subprocess.Popen[bytes]] = []
        self.postgres = Postgres(
            find_binaries(os.environ), self.folder / "pg", self.folder, self.folder / "postgres.log", guard=self.guard
        )
        self.valkey = Valkey(find_server(), self.folder, self.folder, self.folder / "valkey.log", guard=self.guard)

    def __enter__(self) -> "Stack":
        try:
            self.postgres.start()
            self.valkey.start()
            self.environment = {**os.environ, **self.settings()}
            say(f"making the database, scale {self.scale}, in {self.folder}")
            self.manage("compile_translations")
            self.manage("collectstatic", "--noinput", "--verbosity", "0")
            self.manage("prepare")
            began = time.monotonic()
            self.manage("seed_demo", "--scale", str(self.scale))
            say(f"demo data made in {time.monotonic() - began:.0f} s")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if fault is not None and not isinstance(fault, KeyboardInterrupt):
            for log in sorted(self.folder.glob("*.log")):
                say(f"{log.name} ends with\n{tail(log)}")
        self.close()

    def close(self) -> None:
        for process in reversed(self.processes):
            stop(process, with_signal=signal.SIGTERM, seconds=10, guard=self.guard)
        self.valkey.stop()
        self.postgres.stop()
        self.guard.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def settings(self) -> dict[str, str]:
        return {
            **self.postgres.variables(),
            **self.valkey.variables(),
            "ENVIRONMENT": "embedded",
            "SECRET_KEY": make_secret(),
            "ALLOW_SANDBOX": "true",
            "SANDBOX_SIGNING_KEY": make_secret(),
            "SANDBOX_STATE": str(self.folder / "sandbox.sqlite3"),
            "SANDBOX_URL": f"http://127.0.0.1:{pick_free_port()}",
            "MAIL_DIR": str(self.folder / "mail"),
            "MEDIA_ROOT": str(self.folder / "media"),
            "STATIC_ROOT": str(self.folder / "static"),
            "DEMO_LOGINS": str(self.folder / "demo-logins.txt"),
            "SEED_SCALE": str(self.scale),
            "THROTTLE_DEFAULT": NO_LIMIT,
            "THROTTLE_AUTH": NO_LIMIT,
            "HOLD_SECONDS": "7200",
        }

    def manage(self, *arguments: str) -> str:
        """A command of manage.py to its end; returns what it writes."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
        return done.stdout

    @contextlib.contextmanager
    def owner(self) -> Iterator["psycopg.Connection[Any]"]:
        """A connection of the tables' owner, whom no policy holds: for making data."""
        parts = urlsplit(self.environment["DATABASE_OWNER_URL"])
        with psycopg.connect(
            host=unquote(parts.netloc.rpartition("@")[2]),
            user=parts.netloc.rpartition("@")[0],
            dbname=parts.path.lstrip("/"),
            autocommit=True,
        ) as connection:
            yield connection

    def rihla(self, name: str = "rihla", **settings: str) -> Service:
        """Rihla's web processes, by the very command of `make run`."""
        port = str(pick_free_port())
        url = f"http://127.0.0.1:{port}"
        environment = {**self.environment, "PORT": port, "PUBLIC_URL": url, **settings}
        return self.serve(name, url, self.command("web", environment), environment)

    def worker(self) -> None:
        """Rihla's worker with its clock."""
        environment = {**self.environment, "PORT": "8000"}
        self.begin("worker", self.command("worker", environment), environment)

    def command(self, name: str, environment: dict[str, str]) -> list[str]:
        return next(one.argv for one in rihla(ROOT, self.folder, environment).services if one.name == name)

    def reference(self) -> Service:
        """The minimal service that the same calls are compared with."""
        port = str(pick_free_port())
        command = [sys.executable, "-m", "uvicorn", "benchmarks.reference:app", "--workers", "2", "--port", port]
        command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
        return self.serve("reference", f"http://127.0.0.1:{port}", command, self.environment)

    def serve(self, name: str, url: str, command: list[str], environment: dict[str, str]) -> Service:
        process = self.begin(name, command, environment)
        until = time.monotonic() + STARTS_WITHIN
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{url}/health/live", timeout=2)
                return Service(name, url, process)
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{name} does not answer:\n{tail(self.folder / f'{name}.log')}")
            time.sleep(0.1)

    def begin(self, name: str, command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        process = start(command, env=environment, cwd=ROOT, output=self.folder / f"{name}.log", guard=self.guard)
        self.processes.append(process)
        return process

    @property
    def databases(self) -> list[int]:
        """The processes of PostgreSQL and Valkey, for counting what they compute."""
        return [server.process.pid for server in (self.postgres, self.valkey) if server.process]
