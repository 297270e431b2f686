"""By when what a confirmed booking owes is to be paid: nobody owes money without a day, so that it is reminded and seen.

Where a deposit was agreed the quote says it. What a booking comes to owe beside that - it moved or its pickup changed to a
dearer price, or staff confirmed it unpaid - has a day by the rules here, and no day on which it ends: staff decide.
"""

from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from bookings.models import Booking
from bookings.models.booking import OWING
from bookings.services.drafts import deposit_columns

DIFFERENCE_WITHIN = timedelta(days=7)
BEFORE_THE_TRIP = timedelta(days=1)
REMINDED_BEFORE = timedelta(days=2)


def due_columns(booking: Booking, *, was_covered: bool = False, on_the_day: bool = False) -> dict[str, Any]:
    """The columns that say when the balance of a booking is due, by its quote and sums as they are by now (not saved).

    The day that was agreed counts, unless it is over for what was paid in full (`was_covered`) and costs more only now. A
    difference is due within a week, at the latest a day before the trip, and at once where that is over; with `on_the_day`,
    what was to be paid there stays so.
    """
    agreed, present = deposit_columns(booking.quote), now()
    agreed_day = agreed["balance_due_at"]
    is_agreed = agreed_day is not None and not (was_covered and agreed_day <= present)
    if is_agreed or booking.status not in OWING or not booking.amount_due:
        return agreed
    if on_the_day:
        return agreed | {"balance_due_at": booking.begins_by}
    due_at = max(min(present + DIFFERENCE_WITHIN, booking.begins_by - BEFORE_THE_TRIP), present)
    remind_at = due_at - REMINDED_BEFORE
    return agreed | {
        "balance_due_at": due_at,
        "balance_remind_at": remind_at if remind_at > present else due_at,
        "balance_cancel_at": None,
    }


def is_due_on_the_day(booking: Booking) -> bool:
    """Whether it was confirmed unpaid and is to be paid when the trip begins."""
    return booking.deposit_amount is None and booking.balance_due_at == booking.begins_by


def write_due(booking: Booking, *, was_covered: bool = False, on_the_day: bool = False) -> list[str]:
    """Set these columns; returns their names, to be saved."""
    columns = due_columns(booking, was_covered=was_covered, on_the_day=on_the_day)
    for name, value in columns.items():
        setattr(booking, name, value)
    return list(columns)
