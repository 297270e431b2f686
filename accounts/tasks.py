"""Celery doors of accounts."""

from celery import shared_task

from accounts.reports import check_every_tenant


@shared_task
def check_invariants() -> None:
    for _tenant, _findings in check_every_tenant():
        pass  # each run leaves its report
