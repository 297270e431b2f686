"""The whole system under its own supervisor in a folder of its own, as `make run` starts it, with durable servers.

    python -m payments.tests.whole_system FOLDER

The jobs are hurried (`config.testing.crashes`), because the tests wait for sweeps; everything else is as it ships.
"""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import psycopg

from config.embedded.environment import pick_free_port
from config.embedded.plan import Plan, Service, Step, rihla
from config.embedded.processes import die_with_parent, processes_in
from config.embedded.supervisor import Supervisor

HERE = Path(__file__).resolve().parents[2]
KEPT = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "RIHLA_PG_BIN"}
HURRY = (
    "config.idempotency:TAKEN_FOR_DEAD_AFTER=3 notifications.mail:SENDING_TAKES_AT_MOST=5"
    " payments.services.inbox:ONE_TRY_TAKES_AT_MOST=5 payments.services.checks:ONE_CHECK_TAKES_AT_MOST=5"
    " payments.services.refunds:ONE_TRY_TAKES_AT_MOST=5 notifications.outbox:FIRST_PAUSE=2"
)

# An operator with one tour that leaves on ten days, a thousand seats each.
SEED = """
from datetime import timedelta
from django.conf import settings
from django.utils.timezone import now
from accounts.tests.factories import TenantFactory
from config.tenancy import tenant_context
from tours.published import rebuild_catalogue
from tours.tests.factories import DepartureFactory, OptionFactory
with tenant_context(TenantFactory(slug=settings.DEFAULT_TENANT).pk):
    option = OptionFactory()
    for days in range(5, 15):
        DepartureFactory(option=option, capacity=1000, starts_at=now().replace(microsecond=0) + timedelta(days=days))
    rebuild_catalogue()
"""


def plan(_root: Path, var: Path, environment: Mapping[str, str]) -> Plan:
    """What ships, with a small catalogue; the translations are compiled already."""
    real = rihla(HERE, var, environment)
    return Plan(
        steps=[
            dataclasses.replace(step, argv=found(step.argv))
            for step in real.steps
            if step.name in {"prepared", "static"}
        ],
        seed=Step("making a small catalogue", [sys.executable, str(HERE / "manage.py"), "shell", "-c", SEED]),
        services=[dataclasses.replace(service, argv=hurried(service)) for service in real.services],
    )


def found(argv: list[str]) -> list[str]:
    return [str(HERE / part) if part == "manage.py" else part for part in argv]


def hurried(service: Service) -> list[str]:
    other = {
        "config": "config.testing.crashes.tasks",
        "config.wsgi:application": "config.testing.crashes.web:application",
    }
    return [other.get(part, part) for part in found(service.argv)]


class WholeSystem:
    """One start of it. `kill` kills by SIGKILL what the supervisor then starts again."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.var = folder, folder / "var"
        self.port = pick_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.said = folder / "said.txt"
        env = {name: value for name, value in os.environ.items() if name in KEPT}
        env |= {"PORT": str(self.port), "PYTHONPATH": str(HERE), "CRASH_HURRY": HURRY}
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "payments.tests.whole_system", str(folder)],
                env=env | environment,
                cwd=HERE,
                stdout=said,
                stderr=said,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, signal.SIGTERM),
            )

    def up(self) -> "WholeSystem":
        self.wait_until(lambda: "Rihla answers after" in self.said.read_text(), 180)
        return self

    def down(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def wait_until(self, true: Callable[[], Any], seconds: float = 60) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.last_words()
            answer = true()
            if answer:
                return answer
            time.sleep(0.05)
        raise AssertionError(f"still not so after {seconds} s\n{self.last_words()}")

    def last_words(self) -> str:
        logs = [self.said, *sorted((self.var / "log").glob("*.log"))]
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2500:]}" for log in logs)

    # --- what dies ---

    def pid_of(self, what: str) -> int:
        """The postmaster, Valkey, granian's first process, Celery's, or the gateway."""
        match what:
            case "postgres":
                return int((self.var / "pg" / "postmaster.pid").read_text().split()[0])
            case "valkey":
                return processes_in(self.var / "valkey", "valkey")[0]
        words = {"web": "granian", "worker": "celery", "sandbox": "run_sandbox"}[what]
        mark = f"PORT={self.port}".encode()
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                is_one = words.encode() in (place / "cmdline").read_bytes()
                if is_one and mark in (place / "environ").read_bytes().split(b"\0"):
                    found.append(int(place.name))
            except OSError:
                continue
        return next(pid for pid in sorted(found) if os.getpgid(pid) == pid)

    def kill(self, what: str) -> None:
        os.kill(self.pid_of(what), signal.SIGKILL)

    @contextmanager
    def without(self, what: str) -> Iterator[None]:
        """Killed, and not started again before the block ends: the supervisor is stopped meanwhile."""
        pid = self.pid_of(what)
        self.process.send_signal(signal.SIGSTOP)
        try:
            os.kill(pid, signal.SIGKILL)
            if what == "postgres":
                self.wait_until(lambda: processes_in(self.var / "pg", "postgres") in ([], [pid]))
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)
            self.wait_until(self.answers)

    def answers(self) -> bool:
        try:
            ready = httpx.get(f"{self.url}/health/ready", timeout=10).json()["checks"]
            return httpx.get(f"{self.url}/api/v1/tours", timeout=10).is_success and ready["cache"]["status"] == "up"
        except httpx.TransportError:
            return False

    # --- what is asked ---

    def environment(self) -> dict[str, str]:
        return dict(json.loads((self.var / "environment.json").read_text()))

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database as its owner, past all policies."""
        url = urlsplit(self.environment()["DATABASE_OWNER_URL"])
        user, _at, host = url.netloc.partition("@")
        with psycopg.connect(host=unquote(host), user=user, dbname=url.path[1:], autocommit=True) as owner:
            return owner.execute(statement, values).fetchall()

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if name in KEPT}
        return subprocess.run(
            [sys.executable, str(HERE / "manage.py"), *arguments],
            env=env | self.environment(),
            cwd=HERE,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def departures(self) -> list[str]:
        """Some that have room, over the API."""
        with httpx.Client(base_url=f"{self.url}/api/v1/", timeout=20) as http:
            tours = http.get("tours", params={"size": 30}).json()["items"]
            found = []
            for tour in tours:
                items = http.get(f"tours/{tour['id']}/availability", params={"guests": 1}).json()["items"]
                found += [item["id"] for item in items if item["status"] == "OPEN" and item["available"] > 3]
        return found


if __name__ == "__main__":
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    sys.exit(Supervisor(Path(sys.argv[1]), inherited, plan).run())
