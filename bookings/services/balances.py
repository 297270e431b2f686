"""The balance of confirmed bookings: reminders, and the end of those who do not pay where their deposit's rule says so.

`payments` writes the mails, because they carry its link, and says which unpaid bookings may end (`booking.balance_reminder`,
`booking.balance_overdue`).
"""

from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from bookings.models import Booking, BookingStatus
from bookings.services.bookings import note
from bookings.services.cancellation import cancel_booking
from bookings.services.locks import lock_booking
from notifications.outbox import announce

BATCH = 200


@transaction.atomic
def remind_of_balances() -> int:
    """Announce, once before the day and once when it has come, that a balance is to be paid; returns how many.

    What is paid in full by then, or was given back, is left in peace.
    """
    due = Booking.objects.select_for_update(of=("self",), no_key=True, skip_locked=True).filter(
        status=BookingStatus.CONFIRMED, balance_remind_at__lte=now()
    )
    told = 0
    for booking in due.not_begun().order_by("balance_remind_at")[:BATCH]:
        is_overdue = booking.is_balance_overdue
        asks = booking.amount_due > 0
        booking.balance_remind_at = booking.balance_due_at if asks and not is_overdue else None
        booking.save(update_fields=["balance_remind_at"])
        if asks:
            line = note(booking_id=booking.pk, action="balance_reminded")
            announce(
                "booking.balance_overdue" if is_overdue else "booking.balance_reminder", booking, event=str(line.pk)
            )
            told += 1
    return told


def overdue_for_good() -> list[UUID]:
    """Bookings whose balance is unpaid after the grace that their deposit rule gives, and that it says to cancel."""
    over = (
        Booking.objects.balance_overdue()
        .filter(status=BookingStatus.CONFIRMED, balance_cancel_at__lte=now())
        .not_begun()
    )
    return list(over.order_by("balance_cancel_at").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def cancel_unpaid(*, booking_id: UUID) -> bool:
    """End a booking by its policy because the balance did not come; False where it has come after all, or it has ended."""
    booking = lock_booking(booking_id)
    is_over = booking.balance_cancel_at is not None and booking.balance_cancel_at <= now() < booking.begins_by
    if booking.status != BookingStatus.CONFIRMED or not is_over or not booking.is_balance_overdue:
        return False
    cancel_booking(booking_id=booking_id, actor=None, reason="balance_overdue")
    return True
