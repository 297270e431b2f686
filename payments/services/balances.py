"""What becomes of bookings whose balance was not paid."""

from bookings.services import cancel_unpaid, overdue_for_good
from payments.models import OPEN, Payment


def cancel_overdue() -> int:
    """Cancel the bookings of the current tenant whose rule says so; returns how many.

    One with an attempt under way is left until its end is known: the money may be on its way.
    """
    overdue = overdue_for_good()
    under_way = Payment.objects.filter(booking_id__in=overdue, status__in=OPEN)
    busy = set(under_way.values_list("booking_id", flat=True))
    return sum(cancel_unpaid(booking_id=booking_id) for booking_id in overdue if booking_id not in busy)
