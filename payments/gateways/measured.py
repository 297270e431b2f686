"""Every gateway is measured in the same way: how long each call took and how it ended."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from config import metrics
from payments.gateways.interface import Gateway, GatewayError

CALLS = frozenset({"create", "fetch", "capture", "cancel", "refund", "fetch_refund"})


class Measured:
    """An adapter whose calls to the gateway are counted and timed; all else is the adapter's own."""

    def __init__(self, adapter: Gateway) -> None:
        self.adapter = adapter

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.adapter, name)
        return self._measured(name, value) if name in CALLS else value

    def _measured(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def measured(*args: Any, **kwargs: Any) -> Any:
            began, outcome = time.perf_counter(), "done"
            try:
                return call(*args, **kwargs)
            except GatewayError as fault:
                outcome = type(fault).__name__.removeprefix("Gateway").lower()
                raise
            finally:
                seconds = time.perf_counter() - began
                metrics.GATEWAY_SECONDS.labels(self.adapter.code, name, outcome).observe(seconds)

        return measured


def measured(adapter: Gateway) -> Gateway:
    """The adapter, measured."""
    return cast(Gateway, Measured(adapter))
