"""Celery doors of the catalogue."""

from celery import shared_task

from accounts.tenants import each_tenant
from tours import published
from tours.horizon import extend_horizon


@shared_task
def generate_departures() -> None:
    """Each night one more day of departures, for every operator."""
    extend_horizon()


@shared_task
def rebuild_catalogue() -> None:
    """Each night, for every operator: prices compare by the rates of the new day."""
    for _tenant in each_tenant():
        published.rebuild_catalogue()
