"""Health: `/health` for people, `/health/live` and `/health/ready` for machines. Never throttled, never with a tenant."""

import time
from collections.abc import Callable
from typing import Any

from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django_redis import get_redis_connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from config.celery import app

STARTED = time.time()


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache() -> None:
    get_redis_connection("default").ping()


def _broker() -> None:
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=2)


def _storage() -> None:
    default_storage.exists("health")


PARTS: dict[str, Callable[[], None]] = {"database": _database, "cache": _cache, "broker": _broker, "storage": _storage}


def look_at_parts() -> dict[str, str]:
    """Each part that we stand on, `up` or `down`."""
    found = {}
    for name, look in PARTS.items():
        try:
            look()
            found[name] = "up"
        except (DatabaseError, RedisError, OperationalError, OSError):
            found[name] = "down"
    return found


def _answer(parts: dict[str, str], **more: Any) -> JsonResponse:
    healthy = all(state == "up" for state in parts.values())
    body = {"status": "healthy" if healthy else "unhealthy", "checks": parts, **more}
    return JsonResponse(body, status=200 if healthy else 503)


def health(request: HttpRequest) -> JsonResponse:
    return _answer(look_at_parts(), uptime_seconds=int(time.time() - STARTED))


def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> JsonResponse:
    return _answer(look_at_parts())
