"""How the sandbox proves that a notice is its own, and how its callers prove who they are."""

import hashlib
import hmac
import time

HEADER = "Sandbox-Signature"


def sign(key: str, body: bytes, at: int | None = None) -> str:
    """`t=<Unix seconds>,v1=<hex HMAC-SHA256 of "<t>." and the body>`."""
    moment = int(time.time()) if at is None else at
    digest = hmac.new(key.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def api_key(signing_key: str) -> str:
    """What callers send as bearer token: derived, so that the key which signs notices never travels."""
    return hmac.new(signing_key.encode(), b"sandbox api key", hashlib.sha256).hexdigest()
