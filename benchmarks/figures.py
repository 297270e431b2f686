"""Percentiles, processor time, and lines of JSON."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import orjson

TICKS = os.sysconf("SC_CLK_TCK")


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them (0 to 1) does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def middle(values: Iterable[float]) -> float:
    return round(median(values), 3)


def tell(**line: Any) -> None:
    """One line of the result."""
    sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """What goes on, for who looks on; not part of the result."""
    sys.stderr.write(f"benchmarks: {text}\n")


def processor_seconds(roots: Iterable[int]) -> float:
    """How long these processes and all that descend from them have computed so far."""
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            _state, parent, *rest = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(place.parent.name)
        parents[pid] = int(parent)
        spent[pid] = (int(rest[9]) + int(rest[10])) / TICKS
    family = set(roots)
    grows = True
    while grows:
        born = {pid for pid, parent in parents.items() if parent in family} - family
        family |= born
        grows = bool(born)
    return sum(spent.get(pid, 0.0) for pid in family)
