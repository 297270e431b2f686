"""What browsers may load and do on our pages, and what those of trusted origins may send us."""

from collections.abc import Iterable
from typing import Any

from corsheaders.defaults import default_headers

# What a page of a trusted origin may send with a call of the API.
SENT_FROM_BROWSERS = (
    *default_headers,
    "idempotency-key",
    "if-none-match",
    "x-booking-token",
    "x-hold-token",
    "x-request-id",
    "x-tenant",
)
# And what it may read of the answer, besides its body.
SHOWN_TO_BROWSERS = (
    "Content-Disposition",
    "Content-Language",
    "ETag",
    "Idempotency-Replayed",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-ID",
)


def content_security(media_hosts: Iterable[str]) -> dict[str, Any]:
    """What `CONTENT_SECURITY_POLICY` is: all from ourselves, but for pictures that lie on `media_hosts`."""
    return {
        "DIRECTIVES": {
            "default-src": ["'self'"],
            # The back-office theme evaluates Alpine expressions and styles elements in place.
            "script-src": ["'self'", "'unsafe-inline'", "'unsafe-eval'"],
            "style-src": ["'self'", "'unsafe-inline'"],
            "img-src": ["'self'", "data:", "blob:", *media_hosts],
            "font-src": ["'self'", "data:"],
            "object-src": ["'none'"],
            "base-uri": ["'self'"],
            "form-action": ["'self'"],
            "frame-ancestors": ["'none'"],
            "worker-src": ["'self'", "blob:"],
        }
    }
