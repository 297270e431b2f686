"""Everything that writes holds and bookings."""

from bookings.services.arrivals import check_in, mark_absent, take_over_check_ins, undo_check_in
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
from bookings.services.holds import extend_hold, find_hold, hold_seats, hold_seats_swiftly, release_hold
from bookings.services.keys import ClientKey, KeyTaken
from bookings.services.locks import lock_booking, lock_departure
from bookings.services.progress import mark_no_show, progress_bookings
from bookings.services.settlement import (
    Settlement,
    confirm_booking,
    record_failed_attempt,
    record_payment,
)
from bookings.services.swift import book as book_swiftly
from bookings.services.talking import hold_beyond_capacity, hold_instead
from bookings.services.travellers import name_travellers

__all__ = [
    "ClientKey",
    "KeyTaken",
    "Settlement",
    "book_at_once",
    "book_swiftly",
    "cancel_booking",
    "cancellation_terms",
    "check_in",
    "confirm_booking",
    "create_booking",
    "expire_holds",
    "extend_hold",
    "find_hold",
    "hold_beyond_capacity",
    "hold_instead",
    "hold_seats",
    "hold_seats_swiftly",
    "let_go_overdue",
    "lock_booking",
    "lock_departure",
    "mark_absent",
    "mark_no_show",
    "name_travellers",
    "note",
    "progress_bookings",
    "record_failed_attempt",
    "record_payment",
    "refuse_unless_cancellable",
    "release_hold",
    "resend_voucher",
    "send_link",
    "take_over_check_ins",
    "undo_check_in",
    "update_booking",
    "warn_of_ending_holds",
    "write_staff_note",
]
