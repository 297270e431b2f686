"""Everything that writes payments, refunds and notices."""

from payments.services.attempts import finish_payment, start_payment
from payments.services.balances import cancel_overdue
from payments.services.cash import pay_out, take_cash
from payments.services.checks import check_payment, check_when_due, sweep_payments
from payments.services.desk import Settling, book_by_phone, settle
from payments.services.inbox import process_notice, replay_notice, store_notice, sweep_inbox
from payments.services.links import send_payment_link
from payments.services.mismatches import give_mismatch_back, keep_mismatch
from payments.services.refunds import carry_out_refund, refund_booking, request_refund, sweep_refunds
from payments.services.states import apply_remote_state, record_capture

__all__ = [
    "Settling",
    "apply_remote_state",
    "book_by_phone",
    "cancel_overdue",
    "carry_out_refund",
    "check_payment",
    "check_when_due",
    "finish_payment",
    "give_mismatch_back",
    "keep_mismatch",
    "pay_out",
    "process_notice",
    "record_capture",
    "refund_booking",
    "replay_notice",
    "request_refund",
    "send_payment_link",
    "settle",
    "start_payment",
    "store_notice",
    "sweep_inbox",
    "sweep_payments",
    "sweep_refunds",
    "take_cash",
]
