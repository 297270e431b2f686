"""Gauges of what belongs to no app: which parts are up, how old beat's last tick is, how many tasks wait."""

from collections.abc import Iterator
from datetime import UTC, datetime

from config import health
from config.metrics import Sample, gauges


@gauges(
    rihla_part_up="Parts we stand on: 1 up, 0.5 late, 0 down.",
    rihla_beat_age_seconds="Since beat's last tick went through broker and worker; absent while that is not known.",
    rihla_queue_length="Tasks that wait in the broker for a worker; absent while that is not known.",
)
def parts() -> Iterator[Sample]:
    found = health.remembered()
    for name, facts in found.items():
        yield "rihla_part_up", {"part": name}, {"up": 1.0, "late": 0.5}.get(facts["status"], 0.0)
    ticked = found["beat"].get("last_tick")
    if ticked is not None:
        yield "rihla_beat_age_seconds", {}, (datetime.now(UTC) - datetime.fromisoformat(ticked)).total_seconds()
    if "waiting" in found["broker"]:
        yield "rihla_queue_length", {}, float(found["broker"]["waiting"])
