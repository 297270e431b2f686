"""Celery: the tenant travels with each task, beat runs the jobs that a crash or a lost message would leave undone."""

import os
from typing import Any

from celery import Celery, Task
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class TenantTask(Task):
    """A task runs for the tenant in whose context it was sent; sent from none, it runs in none.

    Every task is idempotent, so it is acknowledged late and given back when a worker dies.
    """

    acks_late = True
    reject_on_worker_lost = True

    def apply_async(self, args=None, kwargs=None, **options):
        headers = _running().headers_to_send(dict(options.pop("headers", None) or {}))
        return super().apply_async(args, kwargs, headers=headers, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with _running().running(self):
            return super().__call__(*args, **kwargs)


def _running() -> Any:
    from config import running  # needs configured apps; this module is imported before them

    return running


app = Celery("rihla", task_cls=TenantTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery would replace the root logger; Django's LOGGING stays in force instead."""
