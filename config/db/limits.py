"""How long the statements of a process may take: short where somebody waits for an answer, unbound where a job runs.

Told to each new connection by a statement, not in its address: a PgBouncer in between would not take it there.
"""

from collections.abc import Mapping
from typing import Any

_limits: dict[str, str] = {}


def limit_connections(seconds: Mapping[str, float]) -> None:
    """From now on each connection that this process opens is bound: settings of PostgreSQL, in seconds, 0 for no bound.

    Called by the web's door before its first connection.
    """
    _limits.clear()
    _limits.update({name: f"{int(limit * 1000)}ms" for name, limit in seconds.items()})


def bind(connection: Any) -> None:
    """Tell a connection that was just opened what this process is bound by. It keeps it until it is closed."""
    if _limits:
        values = [part for pair in _limits.items() for part in pair]
        connection.execute(f"SELECT {', '.join(['set_config(%s, %s, false)'] * len(_limits))}", values)
