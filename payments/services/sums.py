"""Sums are computed from the rows each time, never added to."""

from decimal import Decimal
from typing import Any

from django.db.models import Sum

from bookings.models import Booking, BookingStatus
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


def excess_of(booking: Booking, *, apart_from: str = "") -> Decimal:
    """What was paid beyond what the booking costs by now, without what is on its way back; below zero where money is missing.

    Refunds whose cause is `apart_from` do not count. The caller has locked the booking.
    """
    claimed = Refund.objects.filter(payment__booking_id=booking.pk, payment__is_duplicate=False)
    claimed = claimed.exclude(status=RefundStatus.FAILED)
    if apart_from:
        claimed = claimed.exclude(cause__startswith=f"{apart_from}:{booking.pk}:")
    on_its_way = claimed.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
    return booking.amount_paid - on_its_way - _costs(booking)


def _costs(booking: Booking) -> Decimal:
    """What of a booking's price is ours: all of it, once cancelled the fee, and nothing of what never was."""
    match booking.status:
        case BookingStatus.CANCELLED:
            return Decimal((booking.cancellation or {}).get("fee", 0))
        case BookingStatus.EXPIRED | BookingStatus.REFUNDED:
            return Decimal(0)
        case _:
            return booking.total
