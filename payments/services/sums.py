"""Sums are computed from the rows each time, never added to."""

from decimal import Decimal
from typing import Any

from django.db.models import Sum

from bookings.models import Booking
from bookings.services import Settlement, record_payment
from payments.models import Payment, Refund, RefundStatus


def tell_booking(booking: Booking, *, actor: Any = None) -> Settlement:
    """Hand the booking the sums of its payments; a second success does not count. The caller has locked the booking."""
    paid = Payment.objects.successes().filter(booking_id=booking.pk).aggregate(sum=Sum("amount"))["sum"]
    refunded = Refund.objects.filter(
        payment__booking_id=booking.pk, payment__is_duplicate=False, status=RefundStatus.SUCCEEDED
    ).aggregate(sum=Sum("amount"))["sum"]
    return record_payment(booking_id=booking.pk, paid=paid or Decimal(0), refunded=refunded or Decimal(0), actor=actor)


def refunded_of(payment: Payment) -> Decimal:
    """What has gone back of the payment, in major units: refunds that succeeded."""
    done = payment.refunds.filter(status=RefundStatus.SUCCEEDED).aggregate(sum=Sum("amount"))["sum"]
    return done or Decimal(0)
