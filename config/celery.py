"""Celery: the tenant travels with each task, beat runs the jobs that a crash or a lost message would leave undone."""

import os
from typing import Any
from uuid import UUID

from celery import Celery, Task
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TENANT_HEADER = "rihla_tenant"


class TenantTask(Task):
    """A task runs for the tenant in whose context it was sent; sent from none, it runs in none.

    Every task is idempotent, so it is acknowledged late and given back when a worker dies.
    """

    acks_late = True
    reject_on_worker_lost = True

    def apply_async(self, args=None, kwargs=None, **options):
        tenancy = _tenancy()
        tenant = tenancy.current_tenant.get()
        headers = dict(options.pop("headers", None) or {})
        if tenant is not None:
            headers.setdefault(TENANT_HEADER, str(tenant))
        return super().apply_async(args, kwargs, headers=headers, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tenancy = _tenancy()
        sent_for = (self.request.headers or {}).get(TENANT_HEADER) or getattr(self.request, TENANT_HEADER, None)
        if sent_for is None:
            return super().__call__(*args, **kwargs)
        with tenancy.tenant_context(UUID(sent_for)):
            return super().__call__(*args, **kwargs)


def _tenancy() -> Any:
    from config import tenancy  # needs configured apps; this module is imported before them

    return tenancy


app = Celery("rihla", task_cls=TenantTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery would replace the root logger; Django's LOGGING stays in force instead."""
