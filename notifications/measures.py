"""Gauges of the outbox: what waits, since when, and what was given up, by operator."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Min
from django.utils.timezone import now

from config.metrics import Sample, gauges
from config.tenancy import each_tenant
from notifications.models import Delivery, DeliveryStatus, Message, MessageStatus

KINDS = (
    ("delivery", Delivery, DeliveryStatus.WAITING, DeliveryStatus.FAILED),
    ("mail", Message, MessageStatus.QUEUED, MessageStatus.FAILED),
)


@dataclass(frozen=True)
class Backlog:
    """Of one operator: deliveries or mails that wait, how long the oldest has been due, and how many were given up."""

    tenant: str
    kind: str
    waiting: int
    oldest_seconds: float
    given_up: int


def backlog() -> list[Backlog]:
    """Of every operator. What is tried again later counts from when its next try was due."""
    moment, found = now(), []
    for tenant in each_tenant():
        for kind, model, waits, failed in KINDS:
            sums = model.objects.filter(status=waits).aggregate(waiting=Count("pk"), oldest=Min("next_try_at"))
            late = max((moment - sums["oldest"]).total_seconds(), 0.0) if sums["oldest"] else 0.0
            given_up = model.objects.filter(status=failed).count()
            found.append(Backlog(tenant.slug, kind, sums["waiting"], late, given_up))
    return found


@gauges(
    rihla_outbox_waiting="Deliveries and mails that wait, by operator.",
    rihla_outbox_oldest_seconds="Since when the oldest delivery or mail that waits has been due, by operator.",
    rihla_outbox_given_up="Deliveries and mails that were given up and wait for staff, by operator.",
)
def outbox() -> Iterator[Sample]:
    for row in backlog():
        labels = {"tenant": row.tenant, "kind": row.kind}
        yield "rihla_outbox_waiting", labels, float(row.waiting)
        yield "rihla_outbox_oldest_seconds", labels, row.oldest_seconds
        yield "rihla_outbox_given_up", labels, float(row.given_up)
