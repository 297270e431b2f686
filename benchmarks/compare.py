"""The hot calls against the reference service: in turn, on the same rows, in one run."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.calls import Calls
from benchmarks.client import Ask, each, visit
from benchmarks.figures import middle, milliseconds, percentile, processor_seconds, say, tell
from benchmarks.stack import Service, Stack

# What is compared, with how many times the reference's requests per second are wanted.
TARGETS = {
    "hold": 1.5,
    "hold on one departure": 1.5,
    "booking": 1.1,
    "list": 1.3,
    "detail": 1.3,
    "availability": 1.3,
    "list, remembered": 2.0,
    "detail, remembered": 2.0,
    "availability, remembered": 2.0,
}
HOLDS_A_SECOND = 4000  # more than any service books


@dataclass(frozen=True)
class Measured:
    rps: float
    p50: float
    p95: float
    cpu: float  # milliseconds of the service's processes for each request
    database: float  # the same of PostgreSQL and Valkey
    errors: int


def compare(*, clients: list[int], rounds: int, seconds: float, scale: float, only: list[str]) -> bool:
    """Measure and tell; returns whether every target was reached and nobody was refused."""
    chosen = {call: target for call, target in TARGETS.items() if not only or any(name in call for name in only)}
    with Stack(scale) as stack:
        remembering = stack.rihla("rihla")
        from_sql = stack.rihla("rihla-from-sql", REMEMBER_READS="false")
        reference = stack.reference()
        comparison = Comparison(stack, Calls(stack), remembering)
        tell(
            what="setting", rounds=rounds, seconds=seconds, tours=comparison.calls.total,
            departures=len(comparison.calls.departures),
        )  # fmt: skip
        for call in chosen:  # caches, prepared statements, pages of memory
            for service in (remembering, from_sql, reference):
                comparison.measure(service, call, 8, min(1.0, seconds))
        found: dict[tuple[str, int, str], list[Measured]] = defaultdict(list)
        for round_ in range(rounds):
            say(f"round {round_ + 1} of {rounds}")
            for call in chosen:
                ours = from_sql if call in ("list", "detail", "availability") else remembering
                for number in clients:
                    pair = [("reference", reference), ("rihla", ours)]
                    for name, service in pair if round_ % 2 else reversed(pair):
                        measured = comparison.measure(service, call, number, seconds)
                        found[call, number, name].append(measured)
                        tell(
                            what="measured", call=call, clients=number, service=name, round=round_ + 1, **vars(measured)
                        )
    return summary(chosen, clients, found)


def summary(chosen: dict[str, float], clients: list[int], found: dict[tuple[str, int, str], list[Measured]]) -> bool:
    """The medians and their ratios; returns whether all is well."""
    good = True
    for call, target in chosen.items():
        for number in clients:
            ours, theirs = found[call, number, "rihla"], found[call, number, "reference"]
            ratio = middle(one.rps for one in ours) / middle(one.rps for one in theirs)
            p95 = middle(one.p95 for one in ours), middle(one.p95 for one in theirs)
            errors = sum(one.errors for one in [*ours, *theirs])
            reached = ratio >= target and p95[0] <= p95[1] and not errors
            good = good and reached
            tell(
                what="compared", call=call, clients=number, ratio=round(ratio, 2), wanted=target, reached=reached,
                rps=middle(one.rps for one in ours), rps_of_reference=middle(one.rps for one in theirs),
                p95_ms=p95[0], p95_ms_of_reference=p95[1],
                cpu_ms=middle(one.cpu for one in ours), cpu_ms_of_reference=middle(one.cpu for one in theirs),
                database_ms=middle(one.database for one in ours),
                database_ms_of_reference=middle(one.database for one in theirs), errors=errors,
            )  # fmt: skip
    return good


class Comparison:
    def __init__(self, stack: Stack, calls: Calls, rihla: Service) -> None:
        self.stack, self.calls, self.rihla = stack, calls, rihla

    def measure(self, service: Service, call: str, clients: int, seconds: float) -> Measured:
        """So many clients for so many seconds."""
        asks = self.asks(call, seconds)
        before = processor_seconds([service.process.pid]), processor_seconds(self.stack.databases)
        tally = visit(service.url, [each(asks) for _client in range(clients)], seconds)
        after = processor_seconds([service.process.pid]), processor_seconds(self.stack.databases)
        if tally.refused:
            say(f"{service.name} refused {call}: {dict(tally.statuses)} {tally.refused}")
        latencies = [value for values in tally.latencies.values() for value in values]
        answered = max(tally.answered, 1)
        return Measured(
            rps=round(tally.answered / tally.seconds, 1),
            p50=milliseconds(percentile(latencies, 0.5)),
            p95=milliseconds(percentile(latencies, 0.95)),
            cpu=milliseconds((after[0] - before[0]) / answered),
            database=milliseconds((after[1] - before[1]) / answered),
            errors=tally.errors,
        )

    def asks(self, call: str, seconds: float) -> Iterator[Ask]:
        match call.split(",")[0]:
            case "hold":
                return self.calls.holds(100)
            case "hold on one departure":
                return self.calls.holds(1)
            case "booking":
                holds = self.calls.make_holds(self.rihla, int(HOLDS_A_SECOND * seconds))
                return self.calls.bookings(holds)
            case "list":
                return self.calls.lists()
            case "detail":
                return self.calls.details()
            case _:
                return self.calls.availabilities()
