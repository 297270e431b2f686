"""The way to a gateway: one connection pool per process and gateway, time limits, and faults told apart.

Only what may be repeated is repeated: reads, and writes that carry an idempotency key.
"""

import logging
import random
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings

from payments.gateways.interface import GatewayUnavailable, GatewayUncertain

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5
RETRIES = 2
HIDDEN = {"authorization", "client_secret", "card", "key", "token"}


@lru_cache(maxsize=16)
def _client(base_url: str, read_seconds: float) -> httpx.Client:
    return httpx.Client(
        base_url=base_url,
        timeout=httpx.Timeout(read_seconds, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
        limits=httpx.Limits(max_connections=32, max_keepalive_connections=8, keepalive_expiry=20),
    )


def send(
    base_url: str, method: str, path: str, *, headers: Mapping[str, str], may_repeat: bool, **content: Any
) -> httpx.Response:
    """The answer, unless it is 429 or 5xx: those and a disturbed way raise `GatewayUnavailable` or `GatewayUncertain`.

    What `may_repeat` (reads, and writes with an idempotency key) is tried up to three times; anything else is sent once.
    `content` is what httpx takes: `json`, `data`, `content`, `params`, `auth`.
    """
    fault: GatewayUncertain | GatewayUnavailable | None = None
    for attempt in range(1 + RETRIES if may_repeat else 1):
        if attempt:
            time.sleep(random.uniform(0.05, 0.15) * 2**attempt)
        try:
            response = _client(base_url, settings.GATEWAY_READ_SECONDS).request(
                method, path, headers=dict(headers), **content
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as raised:
            fault = _worse(fault, GatewayUnavailable(f"{method} {path}: {raised}"))
            continue
        except httpx.TimeoutException as raised:
            fault = GatewayUncertain(f"{method} {path}: no answer in time ({type(raised).__name__})")
            break  # it had its time; trying again would keep the payer waiting as long again
        except httpx.TransportError as raised:
            fault = GatewayUncertain(f"{method} {path}: {type(raised).__name__}")
            continue
        if response.status_code in {429, 503}:
            fault = _worse(fault, GatewayUnavailable(f"{method} {path}: {response.status_code}"))
            continue
        if response.status_code >= 500:
            fault = GatewayUncertain(f"{method} {path}: {response.status_code}")
            continue
        return response
    assert fault is not None
    logger.warning("gateway trouble: %s", fault)
    raise fault


def _worse(
    before: GatewayUncertain | GatewayUnavailable | None, now: GatewayUnavailable
) -> GatewayUncertain | GatewayUnavailable:
    """Once a try may have done something, a later clear failure does not make it undone."""
    return before if isinstance(before, GatewayUncertain) else now


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The body of an answer; empty where it is no JSON object."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def understood(response: httpx.Response) -> dict[str, Any]:
    """The body of a 2xx answer. Raises `GatewayUncertain` where it cannot be read: something was done."""
    body = json_object(response)
    if not body:
        request = response.request
        raise GatewayUncertain(f"{request.method} {request.url.path}: {response.status_code} without a JSON object")
    return body


def redacted(raw: Any) -> Any:
    """The same structure with secrets masked, fit for logs and for the back-office."""
    if isinstance(raw, dict):
        return {
            name: "***" if any(hidden in name.lower() for hidden in HIDDEN) else redacted(value)
            for name, value in raw.items()
        }
    if isinstance(raw, list):
        return [redacted(value) for value in raw]
    return raw
