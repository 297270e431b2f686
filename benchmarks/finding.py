"""The list with each filter, each order and facets, of ten thousand tours and a million departures, made from SQL each time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle

from benchmarks.calls import Calls
from benchmarks.catalogue import make_catalogue
from benchmarks.client import Ask, each, visit
from benchmarks.figures import milliseconds, percentile, processor_seconds, say, tell
from benchmarks.stack import Service, Stack

P95_WANTED = 100.0  # milliseconds, asked by one client


def day(ahead: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=ahead):%Y-%m-%d}"


def questions() -> dict[str, list[str]]:
    """What is measured, and the queries that take turns in it."""
    week, month = f"date_from={day(7)}&date_to={day(13)}", f"date_from={day(30)}&date_to={day(60)}"
    orders = ("title", "price", "rating", "created_at", "popularity", "duration")
    return {
        "all": ["", "page=2", "page=300"],
        **{f"by {order}": [f"sort_by={order}", f"sort_by={order}&sort_order=asc&page=7"] for order in orders},
        "destination": ["destination=luxor", "destination=EG", "destination=القاهرة"],
        "city": ["city=Cairo", "city=الأقصر"],
        "kind": ["kind=TOUR", "kind=PACKAGE,ACTIVITY"],
        "category": ["category=cultural", "category=adventure,nature"],
        "difficulty": ["difficulty=easy", "difficulty=moderate,extreme"],
        "tags": ["tags=tag-3", "tags=tag-3,tag-9", "tags=rare-50"],
        "price": ["max_price=50", "min_price=100&max_price=200"],
        "duration": ["max_duration=200", "min_duration=2880"],
        "rating": ["min_rating=4.5"],
        "featured": ["featured=true"],
        "deals": ["deals=true"],
        "one day": [f"date_from={day(n)}&date_to={day(n)}" for n in (3, 10, 100)],
        "a week": [week],
        "a month for 4": [f"{month}&guests=4"],
        "from a day on": [f"date_from={day(14)}"],
        "2 guests": ["guests=2"],
        "15 guests": ["guests=15"],
        "a week, by price": [f"{week}&sort_by=price"],
        "a week, filtered": [f"{week}&guests=2&category=cultural&max_price=100"],
        "near": ["near=30.04,31.24", "near=25.7,32.6&page=20"],
        "near, 100 km": ["near=30.04,31.24&radius_km=100"],
        "words": ["q=sunrise", "q=temple garden", "q=nile", "q=الأهرامات"],
        "a slip": ["q=piramids", "q=sunrize"],
        "words in a week": [f"q=pyramids&{week}"],
        "facets": ["facets=true"],
        "facets, filtered": ["facets=true&category=cultural&max_price=100&min_rating=3.5"],
        "facets, words": ["facets=true&q=pyramids"],
        "facets, a week for 2": [f"facets=true&{week}&guests=2"],
        "everything at once": [
            f"facets=true&{week}&guests=2&category=cultural,nature&max_price=500&min_rating=3&near=30,31&radius_km=900&sort_by=price"
        ],
        "Arabic": ["sort_by=title"],
        "similar": [],
    }


def finding(*, tours: int, departures: int, clients: list[int], seconds: float, only: list[str], plans: bool) -> bool:
    """Measure every question; returns whether 95 of 100 answers to one client came soon enough."""
    good = True
    with Stack(1) as stack:
        make_catalogue(stack, tours=tours, departures=departures)
        service = stack.rihla(REMEMBER_READS="false")
        calls = Calls(stack)
        asked = {name: queries for name, queries in questions().items() if not only or name in only}
        for name, queries in asked.items():
            for number in clients:
                good = measure(stack, calls, service, name, queries, number, seconds) and good
        if plans:
            say(stack.manage("shell", "-v", "0", "-c", "from benchmarks.plans import show; show()"))
    return good


def measure(
    stack: Stack, calls: Calls, service: Service, name: str, queries: list[str], clients: int, seconds: float
) -> bool:
    asks = requests(calls, name, queries)
    visit(service.url, [each(asks) for _client in range(clients)], min(seconds, 0.4))  # plans are made, pages are read
    before = [processor_seconds(which) for which in ([service.process.pid], stack.databases)]
    tally = visit(service.url, [each(asks) for _client in range(clients)], seconds)
    after = [processor_seconds(which) for which in ([service.process.pid], stack.databases)]
    if tally.errors:
        raise RuntimeError(f"{name} was refused: {tally.refused}")
    times = [value for values in tally.latencies.values() for value in values]
    p95 = milliseconds(percentile(times, 0.95))
    cpu, database = (
        milliseconds((late - early) / max(len(times), 1)) for early, late in zip(before, after, strict=True)
    )
    reached = p95 < P95_WANTED
    tell(
        what="finding", question=name, clients=clients, answered=len(times), p50_ms=milliseconds(percentile(times, 0.5)),
        p95_ms=p95, slowest_ms=milliseconds(max(times)), cpu_ms=cpu, database_ms=database,
        **({"wanted_p95_ms": P95_WANTED, "reached": reached} if clients == 1 else {}),
    )  # fmt: skip
    return reached or clients > 1


def requests(calls: Calls, name: str, queries: list[str]) -> Iterator[Ask]:
    customer = calls.customers[0]
    if name == "similar":
        paths = [f"/api/v1/tours/{tour}/similar" for tour in calls.tours]
    else:
        paths = [f"/api/v1/tours?{query}&size=20".replace("?&", "?") for query in queries]
    if name == "Arabic":
        customer = type(customer)(customer.id, customer.headers | {"Accept-Language": "ar"})
    asks = [Ask(name, calls.get(customer, path.replace(" ", "%20"))) for path in paths]
    return cycle(asks)
