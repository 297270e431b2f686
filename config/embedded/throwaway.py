"""Throw-away servers, durability off, for tests and for tools that only need the settings to load."""

import os
import secrets
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from config.embedded.postgres import OWNER, Postgres, find_binaries
from config.embedded.processes import Guard
from config.embedded.sockets import fits
from config.embedded.valkey import Valkey, find_server

SOCKET = "RIHLA_TEST_VALKEY"  # tells a worker of pytest-xdist where the run's own Valkey is


class Servers:
    """What this run started, and the folder it lies in. The guard removes both even after `kill -9`."""

    def __init__(self) -> None:
        parent = tempfile.gettempdir() if fits(Path(tempfile.gettempdir()) / "rihla-test-12345678") else "/tmp"
        self.folder = Path(tempfile.mkdtemp(prefix="rihla-test-", dir=parent)).resolve()
        self.guard = Guard(remove=[self.folder])
        self.started: list[Postgres | Valkey] = []

    def start(self) -> None:
        if not os.environ.get("DATABASE_URL"):
            postgres = Postgres(
                find_binaries(os.environ),
                self.folder / "pg",
                self.folder,
                self.folder / "postgres.log",
                throw_away=True,
                max_connections=200,
                guard=self.guard,
            )
            self.started.append(postgres)
            postgres.start()
            # Tests damage rows behind every trigger's back, to see that it is noticed.
            postgres.psql(f"grant set on parameter session_replication_role to {OWNER}")
            os.environ.update(postgres.variables())
        if not os.environ.get("REDIS_URL"):
            valkey = Valkey(
                find_server(),
                self.folder,
                self.folder,
                self.folder / "valkey.log",
                throw_away=True,
                guard=self.guard,
            )
            self.started.append(valkey)
            valkey.start()
            os.environ.update(valkey.variables() | {SOCKET: str(valkey.socket)})

    def set_defaults(self) -> None:
        """What the settings demand and no server gives."""
        (self.folder / "static").mkdir()
        for name, value in {
            "ENVIRONMENT": "test",
            "RIHLA_AS_OWNER": "true",  # it makes the test database; conftest then serves as the other role
            "SECRET_KEY": secrets.token_urlsafe(48),
            "SANDBOX_SIGNING_KEY": secrets.token_urlsafe(48),
            "ALLOW_SANDBOX": "true",
            "MAIL_DIR": str(self.folder / "mail"),
            "MEDIA_ROOT": str(self.folder / "media"),
            "STATIC_ROOT": str(self.folder / "static"),
            "METRICS_DIR": str(self.folder / "metrics"),
            "SANDBOX_STATE": str(self.folder / "sandbox.sqlite3"),
            "CELERY_BROKER_URL": os.environ["REDIS_URL"],
        }.items():
            os.environ.setdefault(name, value)

    def stop(self) -> None:
        for server in reversed(self.started):
            server.stop()
        self.guard.close()


def use_own_databases(worker: str) -> None:
    """Each worker of pytest-xdist has its own cache, broker and counters: one may empty them under no other's feet.

    On a server that was named, they are the databases after those in its addresses: two further for each worker.
    """
    place = int(worker.removeprefix("gw"))
    if SOCKET in os.environ:
        socket = Path(os.environ[SOCKET])
        own = Valkey(Path("valkey-server"), socket.parent, socket.parent, socket).variables(first=2 * place + 2)
    else:
        own = {name: further(os.environ[name], 2 * place) for name in ("REDIS_URL", "CELERY_BROKER_URL")}
    os.environ.update(own | {"METRICS_DIR": f"{os.environ['METRICS_DIR']}-{worker}"})


def further(address: str, places: int) -> str:
    """The address of a Redis database so many places after the given one (the first where none is named).

    An address that says its number in another way than by the path stays as it is.
    """
    parts = urlsplit(address)
    number = parts.path.strip("/") or "0"
    if parts.scheme not in ("redis", "rediss") or not number.isdigit():
        return address
    return urlunsplit(parts._replace(path=f"/{int(number) + places}"))
