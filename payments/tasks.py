"""Celery doors of payments. Each may run twice; none carries anything but ids."""

from uuid import UUID

from celery import shared_task

from accounts.tenants import each_tenant
from payments import services


@shared_task
def process_notice(notice_id: str) -> None:
    services.process_notice(notice_id=UUID(notice_id))


@shared_task
def check_payment(payment_id: str) -> None:
    services.check_when_due(payment_id=UUID(payment_id))


@shared_task
def carry_out_refund(refund_id: str) -> None:
    services.carry_out_refund(refund_id=UUID(refund_id))


@shared_task
def sweep_inbox() -> None:
    for _tenant in each_tenant():
        services.sweep_inbox()


@shared_task
def sweep_payments() -> None:
    for _tenant in each_tenant():
        services.sweep_payments()


@shared_task
def sweep_refunds() -> None:
    for _tenant in each_tenant():
        services.sweep_refunds()


@shared_task
def cancel_overdue() -> int:
    return sum(services.cancel_overdue() for _tenant in each_tenant())
