"""Everything that writes holds and bookings."""

from bookings.services.bookings import (
    book_at_once,
    create_booking,
    note,
    resend_voucher,
    send_link,
    update_booking,
    write_staff_note,
)
from bookings.services.cancellation import cancel_booking, cancellation_terms, refuse_unless_cancellable
from bookings.services.expiry import expire_holds, let_go_overdue, warn_of_ending_holds
from bookings.services.holds import ClientKey, KeyTaken, extend_hold, find_hold, hold_seats, release_hold
from bookings.services.locks import lock_booking, lock_departure
from bookings.services.progress import mark_no_show, progress_bookings
from bookings.services.settlement import (
    Settlement,
    confirm_booking,
    record_failed_attempt,
    record_payment,
)

__all__ = [
    "ClientKey",
    "KeyTaken",
    "Settlement",
    "book_at_once",
    "cancel_booking",
    "cancellation_terms",
    "confirm_booking",
    "create_booking",
    "expire_holds",
    "extend_hold",
    "find_hold",
    "hold_seats",
    "let_go_overdue",
    "lock_booking",
    "lock_departure",
    "mark_no_show",
    "note",
    "progress_bookings",
    "record_failed_attempt",
    "record_payment",
    "refuse_unless_cancellable",
    "release_hold",
    "resend_voucher",
    "send_link",
    "update_booking",
    "warn_of_ending_holds",
    "write_staff_note",
]
