"""What the public reads are remembered by, and what empties it.

A body stands in Redis under a key made of tenant, kind and the validated question, together with the versions it was
computed from. Whoever changes something raises a version with one INCR; bodies of an older version no longer count, and
nobody has to find and delete them. A read computed while a change was under way carries the old version and is not used.

With Redis away everything is answered from SQL. An INCR that gets lost then leaves old bodies for their short life at most.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from config.tenancy import tenant_id_or_raise
from config.trips import trip

logger = logging.getLogger(__name__)

LISTED_FOR = 300  # seconds
AVAILABLE_FOR = 60
NOT_REMEMBERED = 0

MOST_WAITING = 2.0  # seconds that a call waits for another one which computes the same
MAKING_FOR = 3000  # milliseconds after which that other one is taken for dead

Made = tuple[bytes, int]  # a body, and for how many seconds it may be remembered


def catalogue_version() -> str:
    """Where the version of everything that staff edit in the catalogue is counted."""
    return f"tours:catalogue:{tenant_id_or_raise()}"


def seats_version(tour_id: UUID | None = None) -> str:
    """Where changes of the places left are counted: those of one tour, or of any."""
    return f"tours:seats:{tenant_id_or_raise()}:{tour_id or 'any'}"


def seats_changed(tour_id: UUID) -> None:
    """Empty what is remembered of the places left on a tour. Call it with `on_commit` of whatever took or freed seats."""
    _raise_versions(seats_version(tour_id), seats_version())


def catalogue_changed() -> None:
    """Empty every remembered list and detail of the tenant. Call it with `on_commit` of the change."""
    _raise_versions(catalogue_version())


def _raise_versions(*keys: str) -> None:
    try:
        trip(*[("INCR", key) for key in keys])
    except RedisError:
        logger.warning("remembered answers live on until they end: redis does not answer")


def key_of(kind: str, *question: Any) -> str:
    """The key of a body. The question must be validated and in one fixed form, so that odd spellings share an entry."""
    digest = hashlib.blake2b(repr(question).encode(), digest_size=16).hexdigest()
    return f"tours:{kind}:{tenant_id_or_raise()}:{digest}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a body is remembered, and the versions that outdate it."""

    key: str
    versions: list[str]


def remembered(place: Place, make: Callable[[], Made], seen: Mapping[str, bytes | None] | None = None) -> bytes:
    """The body of the place if it is of the present versions, else a new one from `make`, remembered as long as that says.

    `seen` is what was read from Redis for this request already. Many calls at once on a cold key: one computes, the others
    wait for it up to two seconds. What `make` raises is raised and not remembered.
    """
    if not settings.REMEMBER_READS:
        return make()[0]
    key, versions = place.key, place.versions
    if seen and key in seen:
        body, stamp = _valid(seen[key], [seen[version] for version in versions])
        if body is not None:
            return body
    try:
        client = get_redis_connection("default")
        if not seen or key not in seen:
            body, stamp = _look(client, key, versions)
            if body is not None:
                return body
        if client.set(f"{key}:making", 1, nx=True, px=MAKING_FOR):
            body, stamp = _look(client, key, versions)  # another may just have finished
            if body is not None:
                client.delete(f"{key}:making")
        else:
            body = _wait_for_another(client, key, versions)
        if body is not None:
            return body
    except RedisError:
        logger.warning("answering from the database: redis does not answer")
        return make()[0]
    seconds = NOT_REMEMBERED
    try:
        body, seconds = make()
    finally:
        _keep(client, key, stamp, body, seconds)
    return body


def _look(client: Any, key: str, versions: list[str]) -> tuple[bytes | None, bytes]:
    stored, *counts = client.mget(key, *versions)
    return _valid(stored, counts)


def _valid(stored: bytes | None, counts: list[bytes | None]) -> tuple[bytes | None, bytes]:
    stamp = b".".join(count or b"0" for count in counts)
    found, _newline, body = (stored or b"").partition(b"\n")
    return (body if stored is not None and found == stamp else None), stamp


def _wait_for_another(client: Any, key: str, versions: list[str]) -> bytes | None:
    until = time.monotonic() + MOST_WAITING
    while time.monotonic() < until:
        time.sleep(0.02)
        still_making = client.exists(f"{key}:making")  # asked first: it lets go after it has stored
        body, _stamp = _look(client, key, versions)
        if body is not None or not still_making:
            return body
    return None


def _keep(client: Any, key: str, stamp: bytes, body: bytes | None, seconds: int) -> None:
    try:
        with client.pipeline(transaction=False) as pipe:
            if body is not None and seconds:
                pipe.set(key, stamp + b"\n" + body, ex=seconds)
            pipe.delete(f"{key}:making")
            pipe.execute()
    except RedisError:
        logger.warning("an answer is not remembered: redis does not answer")
