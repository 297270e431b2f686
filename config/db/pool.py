"""How connections behave while PostgreSQL restarts or is away: dead ones are noticed without a query, and a caller waits as
long as a restart takes, but not again and again for a server that is gone.
"""

import select
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

PATIENCE = 3.0  # seconds: a restarted server is back within them
WHILE_AWAY = (
    0.25  # seconds, once an attempt to connect has failed for good; so other threads stay free for what can go on
)
GIVE_UP_CONNECTING_AFTER = (
    0.5  # seconds; the next caller tries anew at once, where the library would pause longer and longer
)


def refuse_dead(connection: psycopg.Connection[Any]) -> None:
    """Raise for a pooled connection whose server has gone. An idle socket with something to read is asked; others are not."""
    watch = select.poll()
    watch.register(connection.pgconn.socket, select.POLLIN)
    if watch.poll(0):
        ConnectionPool.check_connection(connection)


class Pool(ConnectionPool[Any]):
    """A pool that is patient with a server that restarts and short with one that is away."""

    is_away = False

    def __init__(self, **options: Any) -> None:
        super().__init__(
            check=refuse_dead,
            reconnect_timeout=GIVE_UP_CONNECTING_AFTER,
            reconnect_failed=note_that_it_is_away,
            **{"timeout": PATIENCE, **options},
        )

    def getconn(self, timeout: float | None = None) -> Any:
        if timeout is None and self.is_away:
            timeout = WHILE_AWAY
        found = super().getconn(timeout)
        self.is_away = False
        return found


def note_that_it_is_away(pool: ConnectionPool[Any]) -> None:
    pool.is_away = True  # type: ignore[attr-defined]
