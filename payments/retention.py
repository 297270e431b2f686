"""What gateways told us: how long it is kept as it came."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from config.retention import kept_days, let_go, needed_for
from payments.models import Notice, Payment


@needed_for
def flagged() -> Iterator[UUID]:
    """Payments that staff have to look at, and their bookings: what was said of them is our proof, in a dispute above all.

    Any flag counts: a payment has one, and what happens in a dispute (money given back at the gateway) raises others over it.
    """
    for payment_id, booking_id in Payment.objects.exclude(flag="").values_list("pk", "booking_id"):
        yield payment_id
        yield booking_id


@let_go("notices", kept_days("notices"))
def old_notices(before: datetime, most: int) -> int:
    """Body, headers and sender of notices that are done with. The row stays: the same event told again is still known.

    What waits stays whole, and so does what belongs to a payment that staff have to look at.
    """
    nothing_open = Q(payment=None) | Q(payment__flag="")
    done = Notice.objects.filter(nothing_open, done_at__lt=before).exclude(body=b"")
    with transaction.atomic():
        locked = done.select_for_update(skip_locked=True, of=("self",)).order_by("done_at")
        ids = list(locked.values_list("pk", flat=True)[:most])
        Notice.objects.filter(pk__in=ids).update(body=b"", headers={}, address=None)
    return len(ids)
