"""The order of locks: departures, booking, payment, refund, ledger accounts. Never held while a gateway answers."""

from uuid import UUID

from bookings.services import lock_booking
from config.ids import short_reference
from payments.errors import PaymentNotFound
from payments.models import Payment, Refund


def lock_payment(payment_id: UUID) -> Payment:
    """The payment, locked after its booking (`payment.booking`, as read under the lock). Raises `PaymentNotFound`."""
    booking_id = Payment.objects.filter(pk=payment_id).values_list("booking_id", flat=True).first()
    if booking_id is None:
        raise PaymentNotFound
    booking = lock_booking(booking_id)
    payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)
    payment.booking = booking
    return payment


def free_number(model: type[Payment] | type[Refund], prefix: str) -> str:
    """A number that no row of the model has; among 10^11 of them the constraint need hardly ever speak."""
    while True:
        number = short_reference(prefix, 8)
        if not model.objects.filter(number=number).exists():
            return number
