"""Health: `/health` for people, `/health/live` and `/health/ready` for machines. Never throttled, never with a tenant.

Each part that we stand on is looked at: `up`, `late` (it works, but behind) or `down`, and how long the look took. Without
the parts named in `READY_NEEDS` we cannot serve: `unhealthy`, 503. Without another we go on, if with less: `degraded`, 200.
Nobody learns addresses, names or faults here; those are in the log.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.utils.module_loading import autodiscover_modules
from django_redis import get_redis_connection

from config.celery import app

logger = logging.getLogger(__name__)

STARTED = time.time()
REMEMBERED_FOR = 2.0  # seconds: whoever asks more often does not make us ask everybody more often
BEAT_KEY = "beat-tick"
BEAT_IS_LATE_AFTER = 90  # seconds; it ticks each 15

Facts = dict[str, Any]
Look = Callable[[], Facts | None]


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache() -> None:
    get_redis_connection("default").ping()


def _broker() -> Facts:
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=2)
        return {"waiting": broker.default_channel.client.llen(app.conf.task_default_queue)}


def _storage() -> None:
    """Written and removed, because a full or read-only disk still reads."""
    name = default_storage.save(f"health/{os.getpid()}-{threading.get_ident()}", ContentFile(b"."))
    default_storage.delete(name)


def _beat() -> Facts:
    """When its last tick went all the way through the broker to a worker."""
    kept = get_redis_connection("default").get(BEAT_KEY)
    if kept is None:
        return {"status": "late", "last_tick": None}
    ticked = float(kept)
    is_late = time.time() - ticked > BEAT_IS_LATE_AFTER
    shown = datetime.fromtimestamp(ticked, UTC).isoformat(timespec="seconds")
    return {"status": "late" if is_late else "up", "last_tick": shown}


def tick() -> None:
    """Beat is alive, and so are the broker and a worker: noted in the cache."""
    get_redis_connection("default").set(BEAT_KEY, time.time())


PARTS: dict[str, Look] = {
    "database": _database,
    "cache": _cache,
    "broker": _broker,
    "storage": _storage,
    "beat": _beat,
}


def part(name: str) -> Callable[[Look], Look]:
    """Register a look at a part, in an app's `health.py`. It raises when the part is down, or returns facts about it."""

    def register(look: Look) -> Look:
        if PARTS.setdefault(name, look) is not look:
            raise ValueError(f"two parts are called {name}")
        return look

    return register


class Memory:
    """What was found a moment ago. Many callers at once: one looks, the others wait for what it finds."""

    def __init__(self) -> None:
        self.lock, self.at, self.found = threading.Lock(), -REMEMBERED_FOR, dict[str, Facts]()

    def look(self) -> dict[str, Facts]:
        with self.lock:
            if time.monotonic() - self.at >= REMEMBERED_FOR:
                self.found, self.at = look_at_parts(), time.monotonic()
            return self.found


def look_at_parts() -> dict[str, Facts]:
    """Each part that we stand on: `status` (up, late, down), `milliseconds`, and what else it tells."""
    autodiscover_modules("health")
    return {name: _look_at(name, look) for name, look in PARTS.items()}


def _look_at(name: str, look: Look) -> Facts:
    began = time.perf_counter()
    try:
        found = {"status": "up", **(look() or {})}
    except Exception:  # the outermost edge of a look: whatever it is, the part is down
        logger.warning("%s is down", name, exc_info=True)
        found = {"status": "down"}
    return {**found, "milliseconds": round((time.perf_counter() - began) * 1000, 1)}


_memory = Memory()


def remembered() -> dict[str, Facts]:
    """Each part as it was found within the last two seconds."""
    return _memory.look()


def _answer(**more: Any) -> JsonResponse:
    parts = _memory.look()
    if any(parts[name]["status"] == "down" for name in settings.READY_NEEDS):
        status = "unhealthy"
    elif any(facts["status"] != "up" for facts in parts.values()):
        status = "degraded"
    else:
        status = "healthy"
    response = JsonResponse(
        {"status": status, "checks": parts, **more}, status=503 if status == "unhealthy" else 200
    )  # fmt: skip
    response["Cache-Control"] = "no-store"
    return response


def health(request: HttpRequest) -> JsonResponse:
    return _answer(uptime_seconds=int(time.time() - STARTED))


def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> JsonResponse:
    return _answer()
