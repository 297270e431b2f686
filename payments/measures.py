"""Gauges of payments: what is unclear for too long, by operator."""

from collections.abc import Iterator

from django.utils.timezone import now

from config.metrics import Sample, gauges
from config.tenancy import each_tenant
from payments.models import Notice, NoticeStatus, Payment, Refund, RefundStatus


@gauges(rihla_payments_overdue="Attempts, notices and refunds whose next look is due and was not taken, by operator.")
def overdue() -> Iterator[Sample]:
    moment = now()
    for tenant in each_tenant():
        waiting = [NoticeStatus.NEW, NoticeStatus.FAILED]
        late = {
            "attempt": Payment.objects.filter(check_at__lte=moment),
            "notice": Notice.objects.filter(status__in=waiting, next_try_at__lte=moment),
            "refund": Refund.objects.filter(status=RefundStatus.PENDING, next_try_at__lte=moment),
        }
        for kind, rows in late.items():
            yield "rihla_payments_overdue", {"tenant": tenant.slug, "kind": kind}, float(rows.count())
