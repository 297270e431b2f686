"""Throw-away servers, durability off, for tests and for tools that only need the settings to load."""

import os
import secrets
import tempfile
from pathlib import Path

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
            "SANDBOX_STATE": str(self.folder / "sandbox.sqlite3"),
            "CELERY_BROKER_URL": os.environ["REDIS_URL"],
        }.items():
            os.environ.setdefault(name, value)

    def stop(self) -> None:
        for server in reversed(self.started):
            server.stop()
        self.guard.close()


def use_own_databases(worker: str) -> None:
    """Each worker of pytest-xdist has its own cache and broker: one may empty them under no other's feet."""
    if SOCKET in os.environ:
        first = 2 * int(worker.removeprefix("gw")) + 2
        socket = Path(os.environ[SOCKET])
        os.environ.update(Valkey(Path("valkey-server"), socket.parent, socket.parent, socket).variables(first=first))
