"""What has done its service goes, after a time that is given: each app registers in `retention.py` what it lets go of.

One job runs it all, in small transactions: nothing that serves waits for it, a run that breaks off is gone on with by the next
one, and two at once share the work. What is still needed stays, however old it is (`needed_for`).
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import autodiscover_modules
from django.utils.timezone import now

from config import metrics
from config.tenancy import each_tenant

logger = logging.getLogger(__name__)

BATCH = 1000  # rows that one transaction lets go of
MOST_AT_ONCE = 200_000  # rows of a kind that a run lets go of, for each operator
LONGEST_RUN = timedelta(minutes=5)  # a task is stopped after nine

# Lets go of up to so many rows that are older than a moment, in one transaction; how many they were.
Rule = Callable[[datetime, int], int]
Age = Callable[[], timedelta | None]
Needed = Callable[[], Iterable[UUID]]


@dataclass(frozen=True)
class Kind:
    """What a rule lets go of: its name in log and metrics, and how long it is kept (None: for ever)."""

    name: str
    kept: Age
    let_go: Rule


_of_tenants: dict[str, Kind] = {}
_of_nobody: dict[str, Kind] = {}
_needed: list[Needed] = []


def kept_days(name: str) -> Age:
    """As long as `KEEP_DAYS` says; 0 days are for ever."""
    return lambda: timedelta(days=settings.KEEP_DAYS[name]) if settings.KEEP_DAYS[name] else None


def let_go(name: str, kept: Age, *, of_tenants: bool = True) -> Callable[[Rule], Rule]:
    """Register a rule for rows of a kind; `of_tenants` says that they are an operator's, and runs it for each."""

    def register(rule: Rule) -> Rule:
        (_of_tenants if of_tenants else _of_nobody)[name] = Kind(name, kept, rule)
        return rule

    return register


def needed_for(find: Needed) -> Needed:
    """Register who names subjects (ids of bookings, payments …) of the current tenant about which nothing may go yet."""
    _needed.append(find)
    return find


def still_needed() -> set[UUID]:
    """Subjects of the current tenant about which nothing may go yet: what is said of them is proof in a dispute."""
    autodiscover_modules("retention")
    return {subject for find in _needed for subject in find()}


def forget_old() -> dict[str, int]:
    """Let go of everything whose time is over, for all operators; how many rows of each kind went. Safe to repeat and to kill."""
    autodiscover_modules("retention")
    end, gone = time.monotonic() + LONGEST_RUN.total_seconds(), dict.fromkeys([*_of_nobody, *_of_tenants], 0)
    for kind in _of_nobody.values():
        gone[kind.name] += _run(kind, end)
    for _tenant in each_tenant():
        for kind in _of_tenants.values():
            gone[kind.name] += _run(kind, end)
    if any(gone.values()):
        logger.info("let go of what was old", extra={f"rows_{name}": rows for name, rows in gone.items() if rows})
    return gone


def _run(kind: Kind, end: float) -> int:
    """Batch after batch of one kind; a fault in one kind leaves the others their turn."""
    age = kind.kept()
    if age is None:
        return 0
    before, gone = now() - age, 0
    try:
        for rows in _batches(kind, before, end):
            gone += rows
            metrics.FORGOTTEN.labels(kind.name).inc(rows)
    except Exception:  # the outermost edge of a rule: the next run tries again
        logger.exception("old %s could not be let go of", kind.name)
    return gone


def _batches(kind: Kind, before: datetime, end: float) -> Iterator[int]:
    for _batch in range(MOST_AT_ONCE // BATCH):
        if time.monotonic() > end:
            return
        rows = kind.let_go(before, BATCH)
        yield rows
        if rows < BATCH:
            return
