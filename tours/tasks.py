"""Celery doors of the catalogue."""

from celery import shared_task

from tours.horizon import extend_horizon


@shared_task
def generate_departures() -> None:
    """Each night one more day of departures, for every operator."""
    extend_horizon()
