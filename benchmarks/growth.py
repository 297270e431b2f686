"""The same requests where there is little data and where there is much."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import repeat

from benchmarks.calls import Calls
from benchmarks.client import Ask, each, visit
from benchmarks.figures import middle, milliseconds, percentile, say, tell
from benchmarks.stack import Service, Stack

MOST_GROWTH = 1.5


def growth(*, scales: list[float], rounds: int, seconds: float) -> bool:
    """Measure every call at each scale in turn, one client at a time; returns whether none grew too much.

    The public reads are made from SQL each time: what is remembered does not grow.
    """
    with ExitStack() as open_stacks:
        sizes = [Size(open_stacks.enter_context(Stack(scale))) for scale in scales]
        found: dict[tuple[str, float], list[float]] = defaultdict(list)
        for round_ in range(rounds + 1):
            say(f"round {round_} of {rounds}" if round_ else "warming up")
            for call in CALLS:
                for size in sizes:
                    median = size.measure(call, seconds)
                    if round_:
                        found[call, size.stack.scale].append(median)
    good = True
    for call in CALLS:
        small, large = (middle(found[call, scale]) for scale in (scales[0], scales[-1]))
        good = good and large < small * MOST_GROWTH
        tell(
            what="growth", call=call, scales=scales, p50_ms=[middle(found[call, scale]) for scale in scales],
            ratio=round(large / small, 2), wanted_below=MOST_GROWTH, reached=large < small * MOST_GROWTH,
        )  # fmt: skip
    return good


class Size:
    """A stack of one scale, and its service."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.service: Service = stack.rihla(REMEMBER_READS="false")
        self.calls = Calls(stack)
        with stack.owner() as owner:
            counted = owner.execute(
                "SELECT (SELECT count(*) FROM tours_tour), (SELECT count(*) FROM tours_departure),"
                " (SELECT count(*) FROM accounts_user), (SELECT count(*) FROM bookings_booking)"
            ).fetchall()[0]
        names = ("tours", "departures", "people", "bookings")
        tell(what="size", scale=stack.scale, **dict(zip(names, counted, strict=True)))

    def measure(self, call: str, seconds: float) -> float:
        """The median time of one client's requests, in milliseconds."""
        asks = self.asks(call, seconds)
        tally = visit(self.service.url, [each(asks)], seconds)
        if tally.errors:
            raise RuntimeError(f"{call} was refused: {tally.refused}")
        return milliseconds(percentile([value for values in tally.latencies.values() for value in values], 0.5))

    def asks(self, call: str, seconds: float) -> Iterator[Ask]:
        calls = self.calls
        match call:
            case "hold":
                return calls.holds(100)
            case "booking":
                return calls.bookings(calls.make_holds(self.service, int(1000 * seconds)))
            case "detail":
                return calls.details()
            case "availability":
                return calls.availabilities()
            case _:
                customer = calls.customers[0]
                return repeat(Ask(call, calls.get(customer, CALLS[call])))


# What is asked; those with a path ask it again and again.
CALLS = {
    "hold": "",
    "booking": "",
    "detail": "",
    "availability": "",
    "list": "/api/v1/tours?size=50",
    "list, second page by price": "/api/v1/tours?size=50&page=2&sort_by=price",
    "list, filtered": "/api/v1/tours?difficulty=easy&max_price=500",
    "list, dated": "/api/v1/tours?guests=2",
    "search": "/api/v1/tours?q=pyramids",
    "search in Arabic": "/api/v1/tours?q=%D8%A7%D9%84%D8%A3%D9%87%D8%B1%D8%A7%D9%85%D8%A7%D8%AA",
    "own bookings": "/api/v1/bookings",
}
