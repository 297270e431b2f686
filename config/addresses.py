"""Where a request comes from."""

from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True)
class Caller:
    """From where a change was asked for: histories and the audit trail keep it. Empty outside a request."""

    address: str | None = None
    agent: str = ""


current_caller: ContextVar[Caller] = ContextVar("current_caller", default=Caller())  # noqa: B039  it is frozen


def client_address(request: HttpRequest) -> str:
    """The caller's IP address: the socket's, or what the innermost trusted proxy saw (`TRUSTED_PROXIES`).

    `0.0.0.0` where there is none (a socket file) or where what we were told is no address.
    """
    told = request.META.get("REMOTE_ADDR") or ""
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    if settings.TRUSTED_PROXIES and len(hops) >= settings.TRUSTED_PROXIES:
        told = hops[-settings.TRUSTED_PROXIES]
    try:
        return str(ip_address(told.partition("%")[0]))
    except ValueError:
        return "0.0.0.0"
