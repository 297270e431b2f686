"""Rate limits, counted in Redis for all processes together, told in the standard headers.

Headers as in draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy: "default";q=100;w=60`, `RateLimit: "default";r=99;t=42`.
"""

import logging
import time
from functools import cache
from typing import Any

from django.conf import settings
from redis.exceptions import RedisError
from rest_framework.throttling import BaseThrottle

from config import metrics
from config.addresses import client_address
from config.tenancy import tenant_id_or_raise
from config.trips import bring, trip, wanted_keys

logger = logging.getLogger(__name__)

PERIODS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
}


@cache
def parse_rate(rate: str) -> tuple[int, int]:
    """`"5/min"` → (5, 60): how many calls in how many seconds. Raises `ValueError` on anything else."""
    count, _, period = rate.partition("/")
    if not count.isdigit() or int(count) < 1 or period not in PERIODS:
        raise ValueError(f"{rate!r} is no rate; write for example 100/min")
    return int(count), PERIODS[period]


def window_key(scope: str, who: str, seconds: int) -> str:
    """Where the calls of one caller in the running window are counted."""
    return f"calls:{scope}:{who}:{int(time.time()) // seconds}"


def count_call(scope: str, who: str, seconds: int, request: Any = None) -> int:
    """Count this call and return how many there were in the running window; 0 when Redis is away (we serve on).

    The same trip brings what the view of `request` wants.
    """
    key = window_key(scope, who, seconds)
    wanted = wanted_keys(request) if request is not None else []
    try:
        calls, _done, *values = trip(
            ("INCR", key), ("EXPIRE", key, seconds * 2), *([("MGET", *wanted)] if wanted else [])
        )
    except RedisError:
        logger.warning("rate limits are off: redis does not answer")
        return 0
    if wanted:
        bring(request, wanted, values[0])
    return int(calls)


def give_back_call(scope: str, who: str, seconds: int) -> None:
    """Have a call that was counted count no more."""
    key = window_key(scope, who, seconds)
    try:
        trip(("DECR", key), ("EXPIRE", key, seconds * 2))
    except RedisError:
        logger.warning("rate limits are off: redis does not answer")


class CallsPerMinute(BaseThrottle):
    """`THROTTLE_DEFAULT` per user, or per address for strangers. `Bearer` has often counted the call already."""

    scope = "default"

    def rate(self) -> tuple[int, int]:
        return parse_rate(settings.THROTTLE_DEFAULT)

    def allow_request(self, request: Any, view: Any) -> bool:
        most, seconds = self.rate()
        calls = self.calls(request, seconds)
        self.left_in_window = seconds - int(time.time()) % seconds
        request._request.rate_headers = {
            "RateLimit-Policy": f'"{self.scope}";q={most};w={seconds}',
            "RateLimit": f'"{self.scope}";r={max(0, most - calls)};t={self.left_in_window}',
        }
        if calls > most:
            metrics.THROTTLED.labels(self.scope).inc()
            return False
        return self.within_share_of_tenant()

    def within_share_of_tenant(self) -> bool:
        """`THROTTLE_TENANT`: no operator's visitors take so much that another's find nothing left. Off without a rate."""
        if not settings.THROTTLE_TENANT:
            return True
        most, seconds = parse_rate(settings.THROTTLE_TENANT)
        if count_call("tenant", f"tenant:{tenant_id_or_raise()}", seconds) <= most:
            return True
        self.left_in_window = seconds - int(time.time()) % seconds
        metrics.THROTTLED.labels("tenant").inc()
        return False

    def calls(self, request: Any, seconds: int) -> int:
        counted = getattr(request.user, "calls", None)
        if counted is not None:
            return int(counted)
        return count_call(self.scope, f"address:{client_address(request._request)}", seconds, request)

    def wait(self) -> float:
        return self.left_in_window


class SignInAttempts(CallsPerMinute):
    """`THROTTLE_AUTH` per address, for log-in, registration and resets together."""

    scope = "auth"

    def rate(self) -> tuple[int, int]:
        return parse_rate(settings.THROTTLE_AUTH)

    def calls(self, request: Any, seconds: int) -> int:
        return count_call(self.scope, f"address:{client_address(request._request)}", seconds)
