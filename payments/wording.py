"""Histories and causes in words: rows keep codes, people read their language."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments.models import PaymentEvent, PaymentFlag, Refund

EVENTS: dict[str, Any] = {
    "begun": gettext_lazy("The payer began to pay"),
    "paid_there": gettext_lazy("Paid at the gateway"),
    "processing_there": gettext_lazy("Being processed at the gateway"),
    "refused_there": gettext_lazy("Refused at the gateway"),
    "ended_there": gettext_lazy("Ended at the gateway without payment"),
    "never_arrived": gettext_lazy("Never reached the gateway"),
    "request_refused": gettext_lazy("The gateway does not accept our request"),
    "refund_asked": gettext_lazy("Refund asked for"),
    "refund_done": gettext_lazy("Refund done"),
    "mismatch_given_back": gettext_lazy("Another amount came; it goes back"),
    "mismatch_kept": gettext_lazy("Another amount came; it counts"),
    "dispute_over": gettext_lazy("The dispute is over"),
}

CAUSES: dict[str, Any] = {
    "cancellation": gettext_lazy("The booking was cancelled"),
    "expiry": gettext_lazy("The booking was not paid in full in time"),
    "late": gettext_lazy("The booking could not be given any more"),
    "duplicate": gettext_lazy("The booking was paid twice"),
    "mismatch": gettext_lazy("Another amount came than was asked for"),
    "surplus": gettext_lazy("More came than was due"),
}

GATEWAYS: dict[str, Any] = {
    "cash": gettext_lazy("Cash"),
    "sandbox": gettext_lazy("Sandbox"),
    "stripe": "Stripe",
    "paypal": "PayPal",
}

WAYS: dict[str, Any] = {
    "sandbox": gettext_lazy("Pay by card (test)"),
    "stripe": gettext_lazy("Pay by card"),
    "paypal": gettext_lazy("Pay by PayPal"),
}


def gateway_name(gateway: str) -> str:
    """What staff call a gateway; its code where it has no name."""
    return str(GATEWAYS.get(gateway, gateway))


def way_to_pay(gateway: str) -> str:
    """What the button of a gateway says."""
    return str(WAYS.get(gateway) or _("Pay by {gateway}").format(gateway=gateway))


def event_in_words(event: PaymentEvent) -> str:
    """One line of a payment's history: what happened, with what belongs to it."""
    code, _colon, detail = event.reason.partition(": ")
    words = EVENTS.get(code)
    if words is None and code in PaymentFlag.values:
        words = PaymentFlag(code).label
    if words is None:
        return event.reason
    return _("{what}: {detail}").format(what=words, detail=detail) if detail else str(words)


def refund_reason(refund: Refund) -> str:
    """Why money goes back: the rule that says so, else the words of whoever asked."""
    words = CAUSES.get(refund.cause.partition(":")[0])
    return str(words) if words is not None else refund.reason
