"""Where a request comes from."""

from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True)
class Caller:
    """From where a change was asked for: histories and the audit trail keep it. Empty outside a request."""

    address: str | None = None
    agent: str = ""


current_caller: ContextVar[Caller] = ContextVar("current_caller", default=Caller())  # noqa: B039  it is frozen


def client_address(request: HttpRequest) -> str:
    """The caller's address: the socket's, or what the innermost trusted proxy saw (`TRUSTED_PROXIES`)."""
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    if settings.TRUSTED_PROXIES and len(hops) >= settings.TRUSTED_PROXIES:
        return hops[-settings.TRUSTED_PROXIES]
    return request.META.get("REMOTE_ADDR") or "0.0.0.0"
