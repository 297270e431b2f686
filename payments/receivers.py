"""What payments does on facts: give back, end attempts, write to customers."""

from decimal import Decimal

from bookings.models import Booking
from notifications.outbox import Event, on
from payments.mails import write_balance, write_payment_failed, write_payment_link, write_refunded
from payments.models import Payment, Refund
from payments.services import refund_booking
from payments.services.checks import ask_soon


@on("booking.cancelled")
def refund_cancelled_booking(event: Event) -> None:
    _give_back(event, "cancellation")


@on("booking.pickup_changed")
def refund_cheaper_pickup(event: Event) -> None:
    """What was paid too much for where the party is fetched now."""
    _give_back(event, f"pickup:{event.data['event']}")


@on("booking.expired")
def refund_expired_booking(event: Event) -> None:
    """A part that was paid before the hold ended goes back."""
    _give_back(event, "expiry")


@on("booking.moved")
def refund_moved_booking(event: Event) -> None:
    """The new departure costs less than what was paid."""
    _give_back(event, f"move:{event.pk}")


@on("booking.cancelled", "booking.expired")
def end_open_attempts(event: Event) -> None:
    """Nobody shall pay for it any more."""
    ask_soon(booking_id=event.subject_id)


@on("booking.payment_link_asked")
def send_the_payment_link(event: Event) -> None:
    write_payment_link(Booking.objects.for_display().get(pk=event.subject_id), event.data["event"])


@on("booking.balance_reminder", "booking.balance_overdue")
def write_about_the_balance(event: Event) -> None:
    booking = Booking.objects.for_display().get(pk=event.subject_id)
    write_balance(booking, event.data["event"], is_overdue=event.type == "booking.balance_overdue")


@on("payment.failed")
def write_that_payment_failed(event: Event) -> None:
    write_payment_failed(Payment.objects.select_related("booking").get(pk=event.subject_id))


@on("refund.done")
def write_that_money_went_back(event: Event) -> None:
    write_refunded(Refund.objects.select_related("payment__booking").get(pk=event.subject_id))


def _give_back(event: Event, cause: str) -> None:
    amount = Decimal(event.data.get("refund", "0"))
    if amount > 0:
        refund_booking(booking_id=event.subject_id, amount=amount, cause=cause, only_excess=True)
