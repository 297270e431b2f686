"""Which gateways there are, and which of them are offered."""

from decimal import Decimal

from payments.errors import UnknownGateway
from payments.gateways.amounts import may_be_paid
from payments.gateways.cash import CODE as CASH
from payments.gateways.cash import Cash
from payments.gateways.interface import Gateway
from payments.gateways.measured import measured
from payments.gateways.paypal import PayPal
from payments.gateways.sandbox import Sandbox
from payments.gateways.stripe import Stripe

_ADAPTERS: tuple[Gateway, ...] = (Stripe(), PayPal(), Sandbox(), Cash())
_GATEWAYS = {gateway.code: measured(gateway) for gateway in _ADAPTERS}
# No payer chooses these: staff record them.
TAKEN_BY_STAFF = frozenset({CASH})


def gateway_of(code: str) -> Gateway:
    """The adapter for a row of ours, offered or not: old payments are still refunded. Raises `UnknownGateway`."""
    if code not in _GATEWAYS:
        raise UnknownGateway(gateway=code)
    return _GATEWAYS[code]


def known_codes() -> list[str]:
    """All gateways there are an adapter for, offered or not."""
    return list(_GATEWAYS)


def offered_codes() -> list[str]:
    """Gateways that take new payments, in the order they are shown: those whose settings are there."""
    return [code for code, gateway in _GATEWAYS.items() if code not in TAKEN_BY_STAFF and gateway.is_configured()]


def offered_for(amount: Decimal, currency: str) -> list[str]:
    """Those of them that a payer can be sent to with exactly this amount: what a payment link may offer."""
    return [
        code
        for code in offered_codes()
        if _GATEWAYS[code].capabilities.hosted_redirect and may_be_paid(_GATEWAYS[code], amount, currency)
    ]


def offered_gateway(code: str) -> Gateway:
    """Raises `UnknownGateway` when it takes no new payments."""
    if code not in offered_codes():
        raise UnknownGateway(gateway=code)
    return _GATEWAYS[code]
