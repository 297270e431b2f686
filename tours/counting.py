"""How often tours are looked at: counted in Redis, gathered each minute into a row per tour and day.

Nothing is written to the database on a read. What Redis or a worker loses is a minute at most, and nothing is counted twice. One
person's views of a tour within half an hour are one; programs (search engines, previews of links, monitors) are not counted.
"""

import hashlib
import logging
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.utils.timezone import localdate
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from config.addresses import client_address
from config.tenancy import tenant_id_or_raise
from config.trips import trip

logger = logging.getLogger(__name__)

ONE_VIEW_IN = 30 * 60  # seconds
KEPT_DAYS = 7  # as long as nobody gathers them

# Cubot makes telephones.
PROGRAMS = re.compile(
    r"(?<!cu)bot(\b|_)|crawl|spider|slurp|preview|facebookexternalhit|whatsapp|telegram|monitor|uptime|pingdom|lighthouse|"
    r"headless|phantom|scrap|curl|wget|python|httpx|aiohttp|okhttp|java/|go-http|libwww|node-fetch|axios|feed|archiv|validator",
    re.IGNORECASE,
)


def is_person(request: Any) -> bool:
    """Whether a browser or an app of a person asks, and not ahead of them: programs call themselves by their names."""
    agent = request.META.get("HTTP_USER_AGENT", "")
    ahead = f"{request.META.get('HTTP_SEC_PURPOSE', '')} {request.META.get('HTTP_PURPOSE', '')}"
    return request.method == "GET" and bool(agent) and not PROGRAMS.search(agent) and "prefetch" not in ahead.lower()


def count_view(request: Any, tour_id: UUID) -> None:
    """Somebody sees the page of a tour. Never fails: with Redis away it is not counted."""
    if not is_person(request):
        return
    who = str(request.user.pk) if request.user.is_authenticated else client_address(request)
    digest = hashlib.blake2b(f"{who} {request.META['HTTP_USER_AGENT']}".encode(), digest_size=12).hexdigest()
    place = place_of(localdate())
    try:
        seen = f"tours:seen:{tenant_id_or_raise()}:{tour_id}:{digest}"
        (is_new,) = trip(("SET", seen, 1, "NX", "EX", ONE_VIEW_IN))
        if is_new:
            trip(("HINCRBY", place, str(tour_id), 1), ("EXPIRE", place, KEPT_DAYS * 24 * 3600))
    except RedisError:
        logger.warning("a view is not counted: redis does not answer")


def place_of(day: date) -> str:
    """Where the views of a day are counted in Redis, by tour."""
    return f"tours:views:{tenant_id_or_raise()}:{day:%Y-%m-%d}"


def taken_views() -> Iterator[tuple[date, dict[UUID, int]]]:
    """The tenant's views by day and tour, taken out of Redis: whoever gets them must keep them, or `put_back`."""
    client = get_redis_connection("default")
    for back in range(KEPT_DAYS + 1):
        day = localdate() - timedelta(days=back)
        with client.pipeline(transaction=True) as pipe:
            found, _gone = pipe.hgetall(place_of(day)).delete(place_of(day)).execute()
        if found:
            yield day, {UUID(tour_id.decode()): int(number) for tour_id, number in found.items()}


def put_back(day: date, views: dict[UUID, int]) -> None:
    """What was taken could not be kept: it waits for the next time."""
    with get_redis_connection("default").pipeline(transaction=True) as pipe:
        for tour_id, number in views.items():
            pipe.hincrby(place_of(day), str(tour_id), number)
        pipe.expire(place_of(day), KEPT_DAYS * 24 * 3600)
        pipe.execute()
