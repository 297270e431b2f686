"""One parent for everything: starts it in order, starts again what dies, stops it in order, leaves nothing behind."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from config.embedded.attention import Attention, say
from config.embedded.care import FIRST_PAUSE, LONGEST_PAUSE, STEADY_AFTER, Care, RunningService, Runs
from config.embedded.environment import (
    base_environment,
    broker_at,
    given_environment,
    web_port,
    without_postgres_variables,
)
from config.embedded.lock import FolderLock
from config.embedded.plan import Plan, Service, Step
from config.embedded.postgres import Postgres, find_binaries, tail
from config.embedded.processes import EmbeddedError, Guard, StopAsked, die_with_parent, finish, start
from config.embedded.sockets import socket_folder
from config.embedded.valkey import Valkey, find_server

LONGEST_WAIT = 20.0  # of a service that can wait, for a site that does not answer
LARGEST_LOG = 20 * 1024 * 1024


class Supervisor:
    """`make run`. `plan` says what belongs to the system; tests give one of their own."""

    def __init__(
        self, root: Path, inherited: Mapping[str, str], plan: Callable[[Path, Path, Mapping[str, str]], Plan]
    ) -> None:
        self.root, self.inherited, self.make_plan = root, inherited, plan
        self.var = root / "var"
        self.logs = self.var / "log"
        self.lock = FolderLock(self.var)
        self.attention = Attention()
        self.cares: list[Care] = []
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None
        self.guard: Guard | None = None
        self.is_new = False  # the database has nothing in it yet
        self.waiting: list[Service] = []
        self.served = False

    def run(self) -> int:
        """Start, look after, stop. Returns the exit status: 0 after being asked to stop, 1 when it cannot start."""
        began = time.monotonic()
        if parent_is_make():
            die_with_parent(signal.SIGTERM)  # make forwards signals, but not its own death
        with self.attention:
            try:
                self.make_folders()
                self.lock.take(self.attention)
            except EmbeddedError as refusal:
                say(str(refusal))
                return 1
            except StopAsked:
                return 0
            try:
                self.bring_up()
                self.look_after(began)
            except StopAsked:
                pass
            except EmbeddedError as refusal:
                say(str(refusal))
                return 1
            finally:
                self.shut_down()
        return 0

    # --- Start --------------------------------------------------------------------------------------------------

    def make_folders(self) -> None:
        try:
            for folder in (self.var, self.logs, self.var / "done", self.var / "mail", self.var / "media"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = [self.var, *self.var.iterdir(), *self.logs.iterdir()]
        except PermissionError as refusal:
            raise EmbeddedError(f"{refusal.filename} belongs to another user. {self.give_back()}") from refusal
        strangers = [path for path in found if path.lstat().st_uid != os.getuid()]
        if strangers and os.getuid() != 0:
            raise EmbeddedError(f"{strangers[0]} belongs to another user. {self.give_back()}")

    def give_back(self) -> str:
        return f'Start Rihla as that user, or take the folder: sudo chown -R {os.getuid()} "{self.var}"'

    def bring_up(self) -> None:
        port = web_port(given_environment(self.root, self.inherited))
        self.url = f"http://127.0.0.1:{port}"
        self.lock.write("running", self.url)
        self.sockets = socket_folder(self.var)
        outside = [self.sockets] if self.var not in self.sockets.parents else []
        self.guard = Guard(lock=self.lock.descriptor, remove=outside)
        for log in self.logs.glob("*.log"):
            self.keep_small(log)
        self.environment = base_environment(self.root, self.var, self.inherited, port)
        shutil.rmtree(self.var / "metrics", ignore_errors=True)  # counted by processes of an earlier start
        self.start_servers()
        plan = self.make_plan(self.root, self.var, self.environment)
        self.write_environment()
        for step in plan.steps:
            self.do_if_needed(step)
        if plan.seed:
            self.seed_once(plan.seed)
        self.start_services([service for service in plan.services if not service.can_wait])
        self.waiting = [service for service in plan.services if service.can_wait]

    def start_services(self, services: list[Service]) -> None:
        for service in services:
            running = RunningService(
                service, env=self.environment, root=self.root, log=self.logs / f"{service.name}.log", guard=self.guard
            )
            self.look_after_too(service.name, running, service.stop_signal, service.stop_seconds)

    def start_servers(self) -> None:
        if not self.environment.get("DATABASE_URL"):
            self.environment = without_postgres_variables(self.environment)
            binaries = find_binaries(self.environment)
            self.postgres = Postgres(
                binaries,
                self.var / "pg",
                self.sockets,
                self.logs / "postgres.log",
                guard=self.guard,
                stop_asked=self.attention.stop_asked,
            )
            self.is_new = not self.postgres.data.exists()
            say(f"starting PostgreSQL {binaries.major}" + (" on a new database" if self.is_new else ""))
            self.look_after_too("PostgreSQL", self.postgres, signal.SIGINT, 30)
            self.environment |= self.postgres.variables()
            self.begin_anew_if_half_made()
        if not self.environment.get("REDIS_URL"):
            self.valkey = Valkey(
                find_server(),
                self.var,
                self.sockets,
                self.logs / "valkey.log",
                guard=self.guard,
                stop_asked=self.attention.stop_asked,
            )
            say("starting Valkey")
            self.look_after_too("Valkey", self.valkey, signal.SIGTERM, 10)
            if self.is_new:
                self.valkey.forget_all()  # answers and jobs of a database that is gone
            self.environment |= self.valkey.variables()
        elif not self.environment.get("CELERY_BROKER_URL"):
            self.environment["CELERY_BROKER_URL"] = broker_at(self.environment["REDIS_URL"])

    def look_after_too(self, name: str, runs: Runs, stop_signal: int, stop_seconds: float) -> None:
        self.go_on()
        self.cares.append(Care(name, runs, stop_signal, stop_seconds))
        runs.start()

    def go_on(self) -> None:
        if self.attention.stop_asked():
            raise StopAsked

    def write_environment(self) -> None:
        """For `make manage`: what the processes of this run have beyond what everybody has."""
        own = {name: value for name, value in self.environment.items() if self.inherited.get(name) != value}
        file = self.var / "environment.json"
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as writing:
            json.dump(own, writing, indent=1)

    # --- Steps --------------------------------------------------------------------------------------------------

    def do_if_needed(self, step: Step) -> None:
        if step.state is None or (step.on_database and not self.postgres):
            self.do(step)
            return
        note = self.note(step.name) if step.on_database else self.var / "done" / step.name
        if not note.exists() or note.read_text() != self.state_of(step, step.state):
            self.do(step)
            note.write_text(self.state_of(step, step.state))

    def state_of(self, step: Step, state: Callable[[], str]) -> str:
        migrated = self.postgres.migrated() if step.on_database and self.postgres else ""
        return f"{state()} {migrated}"

    def do(self, step: Step) -> None:
        """Run a step to its end. Raises a sentence with its last words when it fails."""
        self.go_on()
        say(step.title)
        log = self.logs / "start.log"
        before = log.stat().st_size if log.exists() else 0
        process = start(step.argv, env=self.environment, cwd=self.root, output=log, guard=self.guard)
        try:
            while process.poll() is None:
                if self.attention.stop_asked():
                    process.terminate()
                    self.wait_for([process], 10)
                    raise StopAsked
                self.restart_the_dead()
                self.attention.wait(0.5)
        finally:
            finish(process, seconds=0, guard=self.guard)
        if process.returncode != 0:
            raise EmbeddedError(f"This step failed: {step.title}\n{tail(log, 25, since=before)}\n  All of it: {log}")

    def cluster(self) -> str:
        """A name for the database that the notes in `var/done` are about."""
        if self.postgres:
            return self.postgres.cluster()
        return hashlib.sha256(self.environment["DATABASE_URL"].encode()).hexdigest()[:16]

    def note(self, name: str) -> Path:
        return self.var / "done" / f"{name}-{self.cluster()}"

    def seed_once(self, step: Step) -> None:
        if self.note("seeded").exists():
            return
        self.note("seeding").touch()
        self.do(step)
        self.note("seeded").touch()
        self.note("seeding").unlink()

    def begin_anew_if_half_made(self) -> None:
        """Demo data that broke off is made again from nothing, but only where nothing was ever served from it."""
        if self.postgres and self.note("seeding").exists() and not self.note("served").exists():
            say("the demo data was left half made: beginning again with an empty database")
            self.postgres.begin_anew()
            self.note("seeding").unlink()
            self.is_new = True

    # --- While it runs ------------------------------------------------------------------------------------------

    def look_after(self, began: float) -> None:
        """Until somebody asks us to stop."""
        next_look = time.monotonic() + 60
        waits_until = time.monotonic() + LONGEST_WAIT
        while True:
            self.go_on()
            self.restart_the_dead()
            if not self.served and answers(int(self.environment["PORT"])):
                self.served = True
                self.note("served").touch()
                self.welcome(time.monotonic() - began)
            if self.waiting and (self.served or time.monotonic() > waits_until):
                self.start_services(self.waiting)
                self.waiting = []
            if time.monotonic() > next_look:
                next_look = time.monotonic() + 60
                for care in self.cares:
                    self.keep_small(care.runs.log)
            times = [care.due for care in self.cares if care.due is not None]
            pause = min([time_ - time.monotonic() for time_ in times], default=30.0)
            self.attention.wait(min(pause, 30.0 if self.served else 0.1))

    def restart_the_dead(self) -> None:
        for care in self.cares:
            if care.due is None and not care.is_alive():
                self.tell_of_death(care)
            if care.due is not None and time.monotonic() >= care.due:
                self.start_again(care)

    def tell_of_death(self, care: Care) -> None:
        now = time.monotonic()
        status = "did not start"
        if care.runs.process is not None:
            finish(care.runs.process, seconds=0, guard=self.guard)
            code = care.runs.process.returncode
            status = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        pause = care.pause
        if now - care.since > STEADY_AFTER:
            pause, care.pause = 0, FIRST_PAUSE
        else:
            care.pause = min(care.pause * 2, LONGEST_PAUSE)
        care.due = now + pause
        words, when = tail(care.runs.log, 8), f"in {pause:g} s" if pause else "at once"
        say(f"{care.name} {status}; it starts again {when}. Its last words ({care.runs.log}):\n{words}")

    def start_again(self, care: Care) -> None:
        care.due, care.since = None, time.monotonic()
        try:
            care.runs.start()
        except EmbeddedError as refusal:
            say(str(refusal))
            self.tell_of_death(care)
        else:
            say(f"{care.name} runs again")

    def keep_small(self, log: Path) -> None:
        """Its writers append, so it can be cut to nothing under them."""
        with contextlib.suppress(FileNotFoundError):
            if log.stat().st_size > LARGEST_LOG:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)

    def welcome(self, seconds: float) -> None:
        lines = [
            f"Rihla answers after {seconds:.1f} s",
            "",
            f"  Back-office    {self.url}/admin/",
            f"  API, to try    {self.url}/api/docs",
            f"  API, to read   {self.url}/api/redoc",
            f"  Health         {self.url}/health",
            f"  Mails          {self.environment['MAIL_DIR']}",
            f"  Logs           {self.logs}",
        ]
        logins = self.var / "demo-logins.txt"
        if logins.exists():
            lines += ["", "  Demo log-ins:", *(f"    {line}" for line in logins.read_text().splitlines())]
        lines += ["", "  Ctrl-C stops everything; the data stays for the next start.", ""]
        say("\n".join(lines))

    # --- Stop ---------------------------------------------------------------------------------------------------

    def shut_down(self) -> None:
        """Services first, all at once; then the servers they stand on. Asked twice, it does not wait for services."""
        self.lock.write("stopping", getattr(self, "url", ""))
        if any(care.is_alive() for care in self.cares):
            say("stopping")
        servers = [care for care in self.cares if care.runs in (self.postgres, self.valkey)]
        self.end([care for care in self.cares if care not in servers])
        for care in reversed(servers):
            self.end([care], patient=True)
        (self.var / "environment.json").unlink(missing_ok=True)
        if self.guard:
            self.guard.close()
            say("stopped")
        os.close(self.lock.descriptor)

    def end(self, cares: list[Care], *, patient: bool = False) -> None:
        running = [(care, care.runs.process) for care in cares if care.runs.process is not None]
        for care, process in running:
            if care.is_alive():
                process.send_signal(care.stop_signal)
        longest = max((care.stop_seconds for care, _ in running), default=0)
        self.wait_for([process for _, process in running], longest, patient=patient)
        for care, process in running:
            if care.is_alive():
                say(f"{care.name} did not end in time: killed")
            finish(process, seconds=0, guard=self.guard)

    def wait_for(self, processes: list[subprocess.Popen[bytes]], seconds: float, *, patient: bool = False) -> None:
        deadline = time.monotonic() + seconds
        while any(process.poll() is None for process in processes):
            left = deadline - time.monotonic()
            if left <= 0 or (self.attention.asked > 1 and not patient):
                return
            self.attention.wait(min(left, 0.5))


def parent_is_make() -> bool:
    try:
        return Path(f"/proc/{os.getppid()}/comm").read_text().strip() in {"make", "gmake"}
    except OSError:
        return False


def answers(port: int) -> bool:
    """Whether the site answers a question over HTTP, whatever the answer."""
    with socket.socket() as line:
        line.settimeout(2)
        try:
            line.connect(("127.0.0.1", port))
            line.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return line.recv(16).startswith(b"HTTP/1.1 2")
        except OSError:
            return False
