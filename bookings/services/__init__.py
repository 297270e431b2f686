"""Everything that writes holds and bookings."""

from bookings.services.allotments import arrange_allotments, release_allotments
from bookings.services.arrivals import check_in, mark_absent, take_over_check_ins, undo_check_in
from bookings.services.balances import cancel_unpaid, overdue_for_good, remind_of_balances
from bookings.services.bookings import (
    book_at_once,
    create_booking,
    note,
    resend_voucher,
    send_link,
    update_booking,
    write_staff_note,
)
from bookings.services.cancellation import (
    cancel_booking,
    cancel_for_the_operator,
    cancellation_terms,
    refuse_unless_cancellable,
)
from bookings.services.expiry import expire_holds, let_go_overdue, warn_of_ending_holds
from bookings.services.holds import extend_hold, find_hold, hold_seats, hold_seats_swiftly, release_hold
from bookings.services.keys import ClientKey, KeyTaken
from bookings.services.locks import lock_booking, lock_departure
from bookings.services.messages import bookings_to_write_to, write_to_guests
from bookings.services.moving import MoveTerms, move_booking, move_for_the_operator, move_terms, refuse_unless_movable
from bookings.services.offers import (
    Answer,
    answer_offer,
    lapse_offers,
    offer_choices,
    withdraw_moot_offers,
    withdraw_offer,
)
from bookings.services.pickups import change_pickup, pickup_change
from bookings.services.progress import mark_no_show, progress_bookings
from bookings.services.replanning import Decision, How, apply_planned_change, decide_for_guests, withdraw_offers_of
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
    "Answer",
    "ClientKey",
    "Decision",
    "How",
    "KeyTaken",
    "MoveTerms",
    "Settlement",
    "answer_offer",
    "apply_planned_change",
    "arrange_allotments",
    "book_at_once",
    "book_swiftly",
    "bookings_to_write_to",
    "cancel_booking",
    "cancel_for_the_operator",
    "cancel_unpaid",
    "cancellation_terms",
    "change_pickup",
    "check_in",
    "confirm_booking",
    "create_booking",
    "decide_for_guests",
    "expire_holds",
    "extend_hold",
    "find_hold",
    "hold_beyond_capacity",
    "hold_instead",
    "hold_seats",
    "hold_seats_swiftly",
    "lapse_offers",
    "let_go_overdue",
    "lock_booking",
    "lock_departure",
    "mark_absent",
    "mark_no_show",
    "move_booking",
    "move_for_the_operator",
    "move_terms",
    "name_travellers",
    "note",
    "offer_choices",
    "overdue_for_good",
    "pickup_change",
    "progress_bookings",
    "record_failed_attempt",
    "record_payment",
    "refuse_unless_cancellable",
    "refuse_unless_movable",
    "release_allotments",
    "release_hold",
    "remind_of_balances",
    "resend_voucher",
    "send_link",
    "take_over_check_ins",
    "undo_check_in",
    "update_booking",
    "warn_of_ending_holds",
    "withdraw_moot_offers",
    "withdraw_offer",
    "withdraw_offers_of",
    "write_staff_note",
    "write_to_guests",
]
