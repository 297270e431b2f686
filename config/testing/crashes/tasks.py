"""`celery -A config.testing.crashes.tasks worker` (or `beat`): the jobs, hurried, dying where they are told to.

The sweeps run each second, but for those named in `CRASH_WITHOUT`.
"""

import os
from typing import Any

from celery.signals import beat_init, worker_init
from django.utils.module_loading import autodiscover_modules

from config.celery import app
from config.testing.crashes import hurry, watch_places

__all__ = ["app"]


def _hurried(schedule: dict[str, Any]) -> dict[str, Any]:
    left_out = os.environ.get("CRASH_WITHOUT", "").split()
    return {
        name: {**entry, "schedule": 1.0, "options": {"expires": 10}}
        for name, entry in schedule.items()
        if isinstance(entry["schedule"], int) and name not in left_out
    }


app.conf.beat_schedule = _hurried(app.conf.beat_schedule)


@beat_init.connect
@worker_init.connect
def prepare(**_: Any) -> None:
    app.loader.import_default_modules()
    autodiscover_modules("receivers")
    hurry()
    watch_places()
