"""How far the outbox is behind."""

from config.health import Facts, part
from notifications.measures import backlog

LATE_AFTER = 300  # seconds that the oldest undone delivery or mail may be due


@part("outbox")
def outbox() -> Facts:
    """What waits over all operators: how many, and since when the oldest is due."""
    rows = backlog()
    oldest = max((row.oldest_seconds for row in rows), default=0.0)
    return {
        "status": "late" if oldest > LATE_AFTER else "up",
        "waiting": sum(row.waiting for row in rows),
        "oldest_seconds": round(oldest),
    }
