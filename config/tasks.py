"""Celery doors of what belongs to no app."""

from celery import shared_task

from config import health, retention


@shared_task
def tick() -> None:
    """Sent by beat; that it runs shows that beat, broker and worker do."""
    health.tick()


@shared_task
def forget_old() -> None:
    retention.forget_old()
