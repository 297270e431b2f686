"""Celery doors of the outbox."""

from celery import shared_task

from notifications import outbox


@shared_task
def deliver(delivery_id: str) -> None:
    outbox.deliver(delivery_id)
