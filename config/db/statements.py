"""Each SQL statement is counted for the request or task that sent it, and logged when it is slow."""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

LONGEST_SHOWN = 1000  # characters of a statement


class Statements:
    """The SQL statements of one request or task: how many, how long together, how many slow ones."""

    __slots__ = ("number", "seconds", "slow")

    def __init__(self) -> None:
        self.number, self.seconds, self.slow = 0, 0.0, 0


statements: ContextVar[Statements | None] = ContextVar("statements", default=None)


def watch_statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Around each SQL statement: count it, and log it when it is slow – its text with placeholders, never the values."""
    began = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        seconds = time.perf_counter() - began
        is_slow = seconds * 1000 >= settings.SLOW_QUERY_MS
        seen = statements.get()
        if seen is not None:
            seen.number += 1
            seen.seconds += seconds
            if is_slow:
                seen.slow += 1
        if is_slow:
            shown = " ".join(str(sql).split())[:LONGEST_SHOWN]
            logger.warning("slow SQL statement", extra={"milliseconds": int(seconds * 1000), "statement": shown})
