"""What each request asks of Redis, in one trip: who asks and how often, and whatever its view wants to know besides.

Commands go over a connection that each thread keeps for itself. A pipeline of redis-py does the same through a pool, callbacks
and retries, and costs as much again as the trip.
"""

import os
import threading
from collections.abc import Iterable
from typing import Any

from django_redis import get_redis_connection
from redis.exceptions import ConnectionError as ConnectionLost

Command = tuple[str | int | bytes, ...]

_own = threading.local()


def trip(*commands: Command) -> list[Any]:
    """Send the commands together; their answers in order. Raises `RedisError`.

    A connection that broke while nobody looked (Redis was started anew) is replaced and the commands are sent once more:
    only for those that may be done twice.
    """
    line = _own.line if getattr(_own, "process", None) == os.getpid() else None
    if line is not None:
        try:
            return _ask(line, commands)
        except ConnectionLost:
            pass
    pool = get_redis_connection("default").connection_pool
    _own.line, _own.process = pool.connection_class(**pool.connection_kwargs), os.getpid()
    return _ask(_own.line, commands)


def _ask(line: Any, commands: Iterable[Command]) -> list[Any]:
    try:
        line.send_packed_command(line.pack_commands(commands))
        return [line.read_response() for _command in commands]
    except BaseException:
        line.disconnect()  # answers that nobody has read must not be taken for those of the next trip
        raise


def wanted_keys(request: Any) -> list[str]:
    """What the view of a request wants to know from Redis: its `remembered_keys`, where it has any."""
    ask = getattr(request.parser_context.get("view"), "remembered_keys", None)
    return list(ask(request)) if ask else []


def bring(request: Any, keys: list[str], values: Iterable[bytes | None]) -> None:
    """Lay what was brought along where `brought` finds it."""
    request._request.brought = dict(zip(keys, values, strict=True))


def brought(request: Any) -> dict[str, bytes | None]:
    """What the request's trip brought along; empty where Redis is away, or was not asked."""
    return getattr(request._request, "brought", {})
