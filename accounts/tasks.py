"""Celery doors of accounts."""

from celery import shared_task

from accounts.reports import check_every_tenant
from accounts.services import housekeeping
from accounts.tenants import each_tenant


@shared_task
def check_invariants() -> None:
    for _tenant, _findings in check_every_tenant():
        pass  # each run leaves its report


@shared_task
def forget_old_keys() -> None:
    housekeeping.forget_old_sessions()
    for _tenant in each_tenant():
        housekeeping.forget_old_keys()
