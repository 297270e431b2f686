"""Everything that writes payments, refunds and notices."""

from payments.services.attempts import start_payment
from payments.services.checks import check_payment, check_when_due, sweep_payments
from payments.services.inbox import process_notice, replay_notice, store_notice, sweep_inbox
from payments.services.refunds import carry_out_refund, refund_booking, request_refund, sweep_refunds
from payments.services.states import apply_remote_state, record_capture

__all__ = [
    "apply_remote_state",
    "carry_out_refund",
    "check_payment",
    "check_when_due",
    "process_notice",
    "record_capture",
    "refund_booking",
    "replay_notice",
    "request_refund",
    "start_payment",
    "store_notice",
    "sweep_inbox",
    "sweep_payments",
    "sweep_refunds",
]
