"""Celery doors of the outbox and of mail. The sweeps are run by beat for every tenant in turn."""

from celery import shared_task

from config.tenancy import each_tenant
from notifications import mail, outbox


@shared_task
def deliver(delivery_id: str) -> None:
    outbox.deliver(delivery_id)


@shared_task
def deliver_all(delivery_ids: list[str]) -> None:
    for delivery_id in delivery_ids:
        outbox.deliver(delivery_id)


@shared_task
def send_message(message_id: str) -> None:
    mail.send_message(message_id)


@shared_task
def sweep_deliveries() -> None:
    """Finish what a crash, a lost task or a fault left undone. Two sweeps at once share the work."""
    for _tenant in each_tenant():
        outbox.give_up_lost_deliveries()
        for delivery_id in outbox.waiting_deliveries():
            outbox.deliver(delivery_id)


@shared_task
def sweep_messages() -> None:
    """Send what is due. Two sweeps at once share the work: each message is claimed before it is sent."""
    for _tenant in each_tenant():
        mail.give_up_lost_messages()
        for message_id in mail.queued_messages():
            mail.send_message(message_id)
