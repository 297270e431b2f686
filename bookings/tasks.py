"""Celery doors of the jobs. Each goes through the tenants one by one; running twice is harmless."""

from celery import shared_task

from accounts.tenants import each_tenant
from bookings import services


@shared_task
def expire_holds() -> int:
    return sum(services.expire_holds() for _tenant in each_tenant())


@shared_task
def warn_of_ending_holds() -> int:
    return sum(services.warn_of_ending_holds() for _tenant in each_tenant())


@shared_task
def lapse_offers() -> int:
    return sum(services.lapse_offers() for _tenant in each_tenant())


@shared_task
def progress_bookings() -> int:
    return sum(services.progress_bookings() for _tenant in each_tenant())


@shared_task
def remind_of_balances() -> int:
    return sum(services.remind_of_balances() for _tenant in each_tenant())
