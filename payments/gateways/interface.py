"""What every gateway adapter promises: the calls, what they take and give, and how they fail.

Amounts are `Decimal` in major units with an ISO currency; only adapters know what a gateway wants on the wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True)
class Capabilities:
    """What a gateway can do. `currencies` empty: all that Rihla knows. `least`: the smallest payment in a currency.

    `hosted_redirect`: the payer is sent to a page of the gateway's.
    """

    currencies: frozenset[str] = frozenset()
    least: Mapping[str, Decimal] = field(default_factory=dict)
    partial_refund: bool = True
    refund_async: bool = False
    cancel: bool = True
    hosted_redirect: bool = True
    form_post: bool = False
    own_form: bool = False
    webhooks: bool = True


@dataclass(frozen=True)
class PaymentIntent:
    """An attempt as a gateway needs to know it. `gateway_reference` is empty before the first call was answered.

    `own_form`: the payer pays in a form on the client's own page, not on the gateway's.
    """

    payment_id: UUID
    number: str
    amount: Decimal
    currency: str
    description: str
    language: str
    return_url: str
    cancel_url: str
    notify_url: str
    begun_at: datetime
    expires_at: datetime
    own_form: bool = False
    gateway_reference: str = ""
    captured_reference: str = ""


@dataclass(frozen=True)
class RemoteState:
    """A payment as the gateway holds it. `status` is one of ours: PENDING, PROCESSING, PAID, FAILED, CANCELLED.

    `action`: what the payer does next, where the gateway says so: `{"type": "redirect", "url": …}` or another type of
    the contracts. `to_capture`: the payer has agreed, and the money is ours once we ask for it. `may_end`: under way,
    but unpaid, so that it can still be ended.
    """

    status: str
    amount: Decimal
    currency: str
    gateway_reference: str
    captured_reference: str = ""
    refunded_amount: Decimal = Decimal(0)
    failure_code: str = ""
    failure_message: str = ""
    to_capture: bool = False
    may_end: bool = False
    action: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RefundOrder:
    """A refund as a gateway needs to know it. `gateway_reference` is empty before the first call was answered."""

    refund_id: UUID
    payment_reference: str
    captured_reference: str
    amount: Decimal
    currency: str
    reason: str
    idempotency_key: str
    gateway_reference: str = ""


@dataclass(frozen=True)
class RemoteRefund:
    """A refund as the gateway holds it. `status` is one of `RefundStatus`."""

    status: str
    gateway_reference: str
    amount: Decimal
    failure_message: str = ""


@dataclass(frozen=True)
class NormalizedEvent:
    """What a notice says, in our words. It is only a reason to ask the gateway, never believed itself.

    `type`: payment.pending, .authorized, .succeeded, .processing, .failed, .cancelled, refund.pending, .succeeded, .failed,
    dispute.opened, .closed, or ignored.
    `payment_refs`: every id that may name the payment, ours first.
    """

    gateway: str
    dedupe_key: str
    type: str
    payment_refs: tuple[str, ...]
    refund_ref: str = ""
    amount: Decimal | None = None
    currency: str | None = None
    occurred_at: datetime | None = None


class Gateway(Protocol):
    """Every call may raise `GatewayError`; none is made while a database lock is held."""

    code: str
    capabilities: Capabilities
    signature_headers: tuple[str, ...]  # what is kept of a notice's headers, beside its type and sender

    def is_configured(self) -> bool:
        """Whether the settings hold what is needed to work with it."""
        ...

    def takes(self, amount: Decimal, currency: str) -> bool:
        """Whether it can be asked for exactly this amount. Nothing is ever rounded for a gateway."""
        ...

    def create(self, intent: PaymentIntent, *, idempotency_key: str) -> RemoteState:
        """Open the payment there; the answer carries the `action`. The same key again gives the same payment."""
        ...

    def fetch(self, intent: PaymentIntent) -> RemoteState:
        """The truth about a payment; found by our own id where the gateway's is not known yet. Raises `GatewayNotFound`."""
        ...

    def capture(self, intent: PaymentIntent, *, idempotency_key: str) -> RemoteState:
        """Take the money the payer agreed to (`to_capture`). Raises `GatewayDeclined`, and `GatewayConflict` when done before."""
        ...

    def cancel(self, intent: PaymentIntent) -> RemoteState:
        """End an unpaid payment there. Raises `GatewayConflict` when it is past that."""
        ...

    def refund(self, order: RefundOrder) -> RemoteRefund:
        """Give money back under the order's key. Raises `GatewayDeclined` when the gateway will not."""
        ...

    def fetch_refund(self, order: RefundOrder) -> RemoteRefund:
        """The truth about a refund; found by its key where its id is not known yet. Raises `GatewayNotFound`."""
        ...

    def verify_notice(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Raises `SignatureInvalid` unless the gateway signed these bytes a moment ago."""
        ...

    def read_notice(self, body: bytes) -> NormalizedEvent:
        """What a verified notice says. Raises `MalformedNotice`."""
        ...


class GatewayError(Exception):
    """A call to a gateway did not do what was asked. `str()` is for logs and staff, not for payers."""


class GatewayUncertain(GatewayError):
    """No answer after something was sent: it may have been done. Retry with the same key, or fetch."""


class GatewayUnavailable(GatewayError):
    """Nothing was done: not reachable, or too busy. Retry later with the same key."""


class GatewayDeclined(GatewayError):
    """A clear no. `code` for programs."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code, self.message = code, message


class GatewayInvalidRequest(GatewayError):
    """The gateway does not understand us: a bug of ours. No retry."""


class GatewayAuthError(GatewayError):
    """The gateway does not know us: a wrong key in the settings."""


class GatewayConflict(GatewayError):
    """Not in the state for this, or the key was used for something else: fetch and converge."""


class GatewayNotFound(GatewayError):
    """The gateway knows no such thing."""


class SignatureInvalid(GatewayError):
    """A notice that the gateway did not sign, or not lately."""


class MalformedNotice(GatewayError):
    """A signed notice that cannot be read."""
