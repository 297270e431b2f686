"""Rate limits, counted in Redis for all processes together, told in the standard headers.

Headers as in draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy: "default";q=100;w=60`, `RateLimit: "default";r=99;t=42`.
"""

import logging
import time
from typing import Any

from django.conf import settings
from django_redis import get_redis_connection
from redis.exceptions import RedisError
from rest_framework.throttling import BaseThrottle

from config.addresses import client_address

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


def parse_rate(rate: str) -> tuple[int, int]:
    """`"5/min"` → (5, 60): how many calls in how many seconds. Raises `ValueError` on anything else."""
    count, _, period = rate.partition("/")
    if not count.isdigit() or int(count) < 1 or period not in PERIODS:
        raise ValueError(f"{rate!r} is no rate; write for example 100/min")
    return int(count), PERIODS[period]


def window_key(scope: str, who: str, seconds: int) -> str:
    """Where the calls of one caller in the running window are counted."""
    return f"calls:{scope}:{who}:{int(time.time()) // seconds}"


def count_call(scope: str, who: str, seconds: int) -> int:
    """Count this call and return how many there were in the running window; 0 when Redis is away (we serve on)."""
    key = window_key(scope, who, seconds)
    try:
        with get_redis_connection("default").pipeline(transaction=False) as pipe:
            return int(pipe.incr(key).expire(key, seconds * 2).execute()[0])
    except RedisError:
        logger.warning("rate limits are off: redis does not answer")
        return 0


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
        return calls <= most

    def calls(self, request: Any, seconds: int) -> int:
        counted = getattr(request.user, "calls", None)
        if counted is not None:
            return int(counted)
        return count_call(self.scope, f"address:{client_address(request._request)}", seconds)

    def wait(self) -> float:
        return self.left_in_window


class SignInAttempts(CallsPerMinute):
    """`THROTTLE_AUTH` per address, for log-in, registration and resets together."""

    scope = "auth"

    def rate(self) -> tuple[int, int]:
        return parse_rate(settings.THROTTLE_AUTH)

    def calls(self, request: Any, seconds: int) -> int:
        return count_call(self.scope, f"address:{client_address(request._request)}", seconds)
