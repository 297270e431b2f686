"""Which gateways there are, and which of them are offered."""

from django.conf import settings

from payments.errors import UnknownGateway
from payments.gateways.interface import Gateway
from payments.gateways.sandbox import Sandbox

_GATEWAYS: dict[str, Gateway] = {gateway.code: gateway for gateway in (Sandbox(),)}


def gateway_of(code: str) -> Gateway:
    """The adapter for a row of ours, offered or not: old payments are still refunded. Raises `UnknownGateway`."""
    if code not in _GATEWAYS:
        raise UnknownGateway(gateway=code)
    return _GATEWAYS[code]


def known_codes() -> list[str]:
    """All gateways there are an adapter for, offered or not."""
    return list(_GATEWAYS)


def offered_codes() -> list[str]:
    """Gateways that take new payments, in the order they are shown."""
    return [code for code in _GATEWAYS if code != "sandbox" or settings.ALLOW_SANDBOX]


def offered_gateway(code: str) -> Gateway:
    """Raises `UnknownGateway` when it takes no new payments."""
    if code not in offered_codes():
        raise UnknownGateway(gateway=code)
    return _GATEWAYS[code]
