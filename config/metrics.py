"""What is counted, for Prometheus. Labels are bounded: routes, states, names of gateways and tasks; never ids or addresses.

Every process writes its own numbers into files of `METRICS_DIR`, so that `/metrics`, whichever worker answers it, shows the
sum over all processes of this machine: web, worker and beat. A count costs a microsecond or two and no lock of the database.
What is read at the moment of asking (queues, lags, pools) comes from `gauges` registered by the apps in `measures.py`.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import autodiscover_modules


def _is_shared(folder: Path) -> bool:
    """Whether processes can share their numbers there; where they cannot, each keeps its own, and nothing fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


SHARED = _is_shared(settings.METRICS_DIR)
if SHARED:  # the client library looks for this when it is imported
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest  # noqa: E402
from prometheus_client.core import GaugeMetricFamily  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead  # noqa: E402

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LONG_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

REQUESTS = Counter("rihla_requests", "Requests answered.", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "rihla_request_seconds", "How long answering took, from the first line of our code to the last.", ["route", "method"],
    buckets=SECONDS,
)  # fmt: skip
QUERIES = Counter("rihla_queries", "SQL statements that requests sent.", ["route"])
QUERY_SECONDS = Counter("rihla_query_seconds", "Time that requests waited for SQL statements.", ["route"])
SLOW_QUERIES = Counter("rihla_slow_queries", "SQL statements of requests that took SLOW_QUERY_MS or longer.", ["route"])
THROTTLED = Counter("rihla_throttled", "Calls refused because there were too many.", ["scope"])
UNAVAILABLE = Counter("rihla_unavailable", "Answers 503 because a part we stand on was away.", ["part"])

HOLDS = Counter("rihla_holds", "Holds made, and what became of them.", ["move"])
BOOKINGS = Counter(
    "rihla_booking_moves", "Bookings by the state they came from (NEW: made) and went to.", ["old", "new"]
)
PAYMENTS = Counter("rihla_payments", "Attempts to pay by the state they came to.", ["gateway", "status"])
REFUNDS = Counter("rihla_refunds", "Refunds by the state they came to (PENDING: asked for).", ["gateway", "status"])
NOTICES = Counter("rihla_notices", "Notices of gateways: stored, repeated, forged, malformed.", ["gateway", "outcome"])
GATEWAY_SECONDS = Histogram(
    "rihla_gateway_seconds", "How long gateways took to answer, by call and outcome.", ["gateway", "call", "outcome"],
    buckets=LONG_SECONDS,
)  # fmt: skip
FLAGS = Counter("rihla_payment_flags", "Payments marked for staff, by what is the matter.", ["flag"])
FORGOTTEN = Counter("rihla_forgotten_rows", "Rows removed or emptied because their time was over.", ["kind"])
MAILS = Counter("rihla_mails", "Tries to send a mail.", ["outcome"])

TASKS = Counter("rihla_tasks", "Tasks run.", ["task", "outcome"])
TASK_SECONDS = Histogram("rihla_task_seconds", "How long tasks ran.", ["task"], buckets=LONG_SECONDS)

POOL = Gauge(
    "rihla_pool",
    "Database connections of all processes: used, free, and threads waiting for one.",
    ["state"],
    multiprocess_mode="livesum",
)

Sample = tuple[str, dict[str, str], float]
Look = Callable[[], Iterable[Sample]]
_looks: dict[Look, dict[str, str]] = {}


def count(counter: Counter, *labels: str) -> None:
    """Count once what has just happened; inside a transaction, once it has committed."""
    transaction.on_commit(partial(_count, counter, labels))


def _count(counter: Counter, labels: tuple[str, ...]) -> None:
    (counter.labels(*labels) if labels else counter).inc()


def gauges(**names: str) -> Callable[[Look], Look]:
    """Register, in an app's `measures.py`, a function that is asked each time somebody looks.

    `names` are the gauges with their help texts; the function yields (name, labels, value).
    """

    def register(look: Look) -> Look:
        _looks[look] = names
        return look

    return register


class Looked:
    """The gauges that are read when somebody asks."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        autodiscover_modules("measures")
        for look, names in _looks.items():
            samples = list(look())
            for name, help_text in names.items():
                own = [(labels, value) for told, labels, value in samples if told == name]
                family = GaugeMetricFamily(name, help_text, labels=list(own[0][0]) if own else [])
                for labels, value in own:
                    family.add_metric(list(labels.values()), value)
                yield family


def everything() -> bytes:
    """All numbers of this machine in Prometheus' text form."""
    registry = CollectorRegistry()
    registry.register(Looked())
    if not SHARED:
        return generate_latest(REGISTRY) + generate_latest(registry)
    _bury_the_dead()
    MultiProcessCollector(registry, path=str(settings.METRICS_DIR))
    return generate_latest(registry)


def _bury_the_dead() -> None:
    """What a process held open goes with it; what it counted stays counted."""
    for file in Path(settings.METRICS_DIR).glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if not Path("/proc", pid).exists() and Path("/proc/self").exists():
            mark_process_dead(pid, path=str(settings.METRICS_DIR))
