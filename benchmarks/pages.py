"""Every page of the back-office over the demo data: statements and time (`benchmarks/walk.py` does the walking)."""

import orjson

from benchmarks.figures import tell
from benchmarks.stack import Stack

MOST_STATEMENTS = 20
MOST_MILLISECONDS = 300


def pages(*, scale: float, rounds: int) -> bool:
    """Walk the back-office over the demo data; returns whether every page kept both bounds."""
    with Stack(scale) as stack:
        told = stack.manage("shell", "-v", "0", "-c", f"from benchmarks.walk import walk; walk({rounds})")
    found = [orjson.loads(line) for line in told.splitlines() if line.startswith('{"what"')]
    for line in sorted(found, key=lambda one: -one["p50_ms"]):
        tell(**line)
    missed = [one["page"] for one in found if not one["reached"]]
    tell(
        what="pages", scale=scale, pages=len(found), missed=missed,
        wanted_statements=MOST_STATEMENTS, wanted_ms=MOST_MILLISECONDS,
        most_statements=max(one["statements"] for one in found), most_ms=max(one["p50_ms"] for one in found),
    )  # fmt: skip
    return not missed
