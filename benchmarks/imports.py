"""A hundred thousand rows of a table brought in: how long the dry run and the writing take, and how much memory."""

import json
import subprocess
import sys

from benchmarks.figures import say, tell
from benchmarks.stack import ROOT, Stack

KINDS = ("departures", "prices")


def imports(*, rows: int, scale: float) -> bool:
    """Measure each kind in a process of its own, with three bad rows; returns whether all of it came out as it should."""
    good = True
    with Stack(scale) as stack:
        for kind in KINDS:
            for count in (rows // 10, rows):
                say(f"{kind}: {count} rows")
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.imports_worker", kind, str(count)],
                    env=stack.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
                )  # fmt: skip
                found = json.loads(done.stdout.splitlines()[-1])
                good = good and found["as_expected"]
                tell(what="import", kind=kind, **found)
    return good
