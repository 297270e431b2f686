"""Troubles that a test can order: the next calls fail the way real gateways do."""

import threading
from dataclasses import dataclass

CALLS = ("create", "fetch", "refund", "cancel", "page")
KINDS = (
    "500",  # an answer that says nothing about what was done (nothing was)
    "timeout_before",  # no answer, nothing done
    "timeout_after",  # no answer, but done
    "refuse",  # a clear no
    "pending",  # refunds only: done, but later
)


@dataclass
class Fault:
    kind: str
    times: int
    seconds: float  # how long an answer is withheld, or how long a refund stays pending


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: dict[str, Fault] = {}

    def order(self, on: str, kind: str, times: int, seconds: float) -> None:
        with self._lock:
            self._ordered[on] = Fault(kind, times, seconds)

    def clear(self) -> None:
        with self._lock:
            self._ordered.clear()

    def take(self, on: str) -> Fault | None:
        """The trouble that this call shall meet, if any is left."""
        with self._lock:
            fault = self._ordered.get(on)
            if fault is None or fault.times <= 0:
                return None
            fault.times -= 1
            return fault
