"""Cash: a gateway of our own making whose other side is the till. Staff write down what they took and what they paid out.

Nothing is asked of anybody over a wire: a payment begins and ends in `services.cash.take_cash`, a refund waits until staff
record that it was paid out.
"""

from collections.abc import Mapping
from decimal import Decimal

from ledger.money import round_money
from payments.gateways.interface import (
    Capabilities,
    GatewayNotFound,
    NormalizedEvent,
    PaymentIntent,
    RefundOrder,
    RemoteRefund,
    RemoteState,
    SignatureInvalid,
)

CODE = "cash"
NOBODY_TO_ASK = "cash is written down by staff; there is nobody to ask"


class Cash:
    """Never offered to payers: only staff take it."""

    code = CODE
    capabilities = Capabilities(refund_async=True, cancel=False, hosted_redirect=False, webhooks=False)
    signature_headers: tuple[str, ...] = ()

    def is_configured(self) -> bool:
        return True

    def takes(self, amount: Decimal, currency: str) -> bool:
        return round_money(amount, currency) == amount

    def create(self, intent: PaymentIntent, *, idempotency_key: str) -> RemoteState:
        raise GatewayNotFound(NOBODY_TO_ASK)

    def fetch(self, intent: PaymentIntent) -> RemoteState:
        raise GatewayNotFound(NOBODY_TO_ASK)

    def capture(self, intent: PaymentIntent, *, idempotency_key: str) -> RemoteState:
        raise GatewayNotFound(NOBODY_TO_ASK)

    def cancel(self, intent: PaymentIntent) -> RemoteState:
        raise GatewayNotFound(NOBODY_TO_ASK)

    def refund(self, order: RefundOrder) -> RemoteRefund:
        """It waits for the till."""
        return RemoteRefund("PENDING", "", order.amount)

    def fetch_refund(self, order: RefundOrder) -> RemoteRefund:
        return RemoteRefund("PENDING", order.gateway_reference, order.amount)

    def verify_notice(self, body: bytes, headers: Mapping[str, str]) -> None:
        raise SignatureInvalid(NOBODY_TO_ASK)

    def read_notice(self, body: bytes) -> NormalizedEvent:
        raise SignatureInvalid(NOBODY_TO_ASK)
