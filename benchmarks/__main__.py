"""`python -m benchmarks compare | load | growth | finding | imports | pages`: see `docs/performance.md`."""

import argparse
import sys
from collections.abc import Callable

from benchmarks.compare import compare
from benchmarks.finding import finding
from benchmarks.growth import growth
from benchmarks.imports import imports
from benchmarks.load import load
from benchmarks.pages import pages


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def scales(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("compare", help="the hot calls against a minimal FastAPI service")
    one.add_argument("--clients", type=numbers, default=[1, 8, 32])
    one.add_argument("--rounds", type=int, default=3)
    one.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    one.add_argument("--scale", type=float, default=20, help="of the demo data; 20 is some 1,000 tours")
    one.add_argument("--only", type=words, default=[], help="calls, by parts of their names: hold,booking")
    two = commands.add_parser("load", help="a thousand people who browse and book")
    two.add_argument("--clients", type=int, default=1000)
    two.add_argument("--seconds", type=float, default=30)
    two.add_argument("--think", type=float, default=2.0, help="seconds between two requests of a person, on average")
    two.add_argument("--scale", type=float, default=1)
    three = commands.add_parser("growth", help="the same requests with little and with much data")
    three.add_argument("--scales", type=scales, default=[1, 100])
    three.add_argument("--rounds", type=int, default=5)
    three.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    four = commands.add_parser("finding", help="the list of 10,000 tours and 1,000,000 departures, with each filter")
    four.add_argument("--tours", type=int, default=10_000)
    four.add_argument("--departures", type=int, default=1_000_000)
    four.add_argument("--clients", type=numbers, default=[1, 8])
    four.add_argument("--seconds", type=float, default=1.5, help="of each measurement")
    four.add_argument("--only", type=words, default=[], help="questions, by their names: a week,facets")
    four.add_argument("--plans", action="store_true", help="show PostgreSQL's plans besides")
    five = commands.add_parser("imports", help="a long table brought in: time and memory")
    five.add_argument("--rows", type=int, default=100_000)
    five.add_argument("--scale", type=float, default=1)
    six = commands.add_parser("pages", help="every page of the back-office: statements and time")
    six.add_argument("--rounds", type=int, default=3)
    six.add_argument("--scale", type=float, default=20)
    chosen = vars(parser.parse_args())
    known: dict[str, Callable[..., bool]] = {
        "compare": compare,
        "load": load,
        "growth": growth,
        "finding": finding,
        "imports": imports,
        "pages": pages,
    }
    return 0 if known[chosen.pop("command")](**chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
