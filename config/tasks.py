"""Celery doors of what belongs to no app."""

from celery import shared_task

from config import health


@shared_task
def tick() -> None:
    """Sent by beat; that it runs shows that beat, broker and worker do."""
    health.tick()
