"""What a gateway can be asked for. Nothing is ever rounded for one."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from payments.gateways.interface import Gateway, GatewayInvalidRequest


def can_be_told(to_wire: Callable[[Decimal, str], Any], amount: Decimal, currency: str) -> bool:
    """Whether an adapter's `to_wire`, which raises rather than rounds, can say this amount."""
    try:
        to_wire(amount, currency)
    except GatewayInvalidRequest:
        return False
    return True


def may_be_paid(gateway: Gateway, amount: Decimal, currency: str) -> bool:
    """Whether a payer can be asked for exactly this amount. (A refund may be less than the least payment.)"""
    capable = gateway.capabilities
    return (
        currency in (capable.currencies or {currency})
        and amount >= capable.least.get(currency, 0)
        and gateway.takes(amount, currency)
    )
