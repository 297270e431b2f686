"""A thousand people at once: everybody browses, some book, the worker sends their mails meanwhile."""

from collections.abc import Generator
from random import Random

import orjson

from benchmarks.calls import Calls, Customer, booking_request, hold_request
from benchmarks.client import Answer, Ask, visit
from benchmarks.figures import milliseconds, percentile, processor_seconds, say, tell
from benchmarks.stack import Stack

P95_WANTED = 500.0  # milliseconds
BOOK = 0.25  # of those who looked at a tour
WORDS = ["pyramids", "nile", "desert", "sea", "museum", "الأهرامات"]


def load(*, clients: int, seconds: float, think: float, scale: float) -> bool:
    """Let so many people come for so many seconds; returns whether all were served, and soon enough."""
    with Stack(scale) as stack:
        service = stack.rihla()
        stack.worker()
        calls = Calls(stack)
        chance = Random(7)
        for warming in (True, False):
            people = [person(calls, calls.customers[n % len(calls.customers)], chance, think) for n in range(clients)]
            lasts = min(seconds, 5.0) if warming else seconds
            say(f"{clients} people for {lasts:g} s" + (" to warm up" if warming else ""))
            before = processor_seconds([service.process.pid])
            tally = visit(service.url, people, lasts)
            computed = processor_seconds([service.process.pid]) - before
        every = [value for values in tally.latencies.values() for value in values]
        for name, values in sorted(tally.latencies.items()):
            tell(
                what="call", call=name, answered=len(values), p50_ms=milliseconds(percentile(values, 0.5)),
                p95_ms=milliseconds(percentile(values, 0.95)), slowest_ms=milliseconds(max(values)),
            )  # fmt: skip
        faults = stack.manage("check_invariants").strip().splitlines()[-1]
        p95 = milliseconds(percentile(every, 0.95))
        reached = p95 < P95_WANTED and not tally.errors
        tell(
            what="load", clients=clients, think_s=think, seconds=round(tally.seconds, 1), answered=len(every),
            rps=round(len(every) / tally.seconds, 1), p50_ms=milliseconds(percentile(every, 0.5)), p95_ms=p95,
            p99_ms=milliseconds(percentile(every, 0.99)), wanted_p95_ms=P95_WANTED, errors=tally.errors,
            statuses={str(status): number for status, number in sorted(tally.statuses.items())},
            cpu_ms=milliseconds(computed / max(len(every), 1)), invariants=faults, reached=reached,
        )  # fmt: skip
        for status, body in tally.refused.items():
            say(f"{status}: {body[:500]!r}")
        return reached


def person(calls: Calls, customer: Customer, chance: Random, think: float) -> Generator[Ask, Answer, None]:
    """Looks at the list, searches, opens a tour and its days; perhaps holds two places and books them; begins anew.

    Enters at any of these steps: a thousand who all begin with the list would all book in the same second.
    """

    def get(name: str, path: str) -> Ask:
        return Ask(name, calls.get(customer, path), chance.uniform(0.5, 1.5) * think)

    done = chance.randrange(4)
    while True:
        tour = chance.choice(calls.tours)
        looks = [
            ("list", f"/api/v1/tours?size=20&page={chance.randint(1, 2)}"),
            ("search", f"/api/v1/tours?q={chance.choice(WORDS)}"),
            ("detail", f"/api/v1/tours/{tour}"),
            ("availability", f"/api/v1/tours/{tour}/availability"),
        ]
        for name, path in looks[done:]:
            yield get(name, path)
        done = 0
        if chance.random() < BOOK:
            pauses = [chance.uniform(0.5, 1.5) * think for _ in range(2)]
            held = yield Ask("hold", hold_request(customer, chance.choice(calls.departures)), pauses[0])
            if held.status == 201:
                yield Ask("booking", booking_request(customer, orjson.loads(held.body)["id"]), pauses[1])
