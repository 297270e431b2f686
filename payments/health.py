"""Whether the gateways that take payments can be reached."""

import time

import httpx

from config.health import Facts, part
from payments.gateways.registry import gateway_of, offered_codes

SECONDS = 2.0
REMEMBERED_FOR = 10.0  # seconds; whoever looks after our health must not become a burden to others

_seen: dict[str, tuple[float, bool]] = {}


@part("gateways")
def gateways() -> Facts:
    """`up`, or `late` where one of them is away: others, and paying later, still work."""
    found = {code: "up" if _answers(code) else "down" for code in offered_codes()}
    return {"status": "late" if "down" in found.values() else "up", "gateways": found}


def _answers(code: str) -> bool:
    """Whether the gateway's address answers anything but a fault of its own. One that names no address counts as up."""
    address = getattr(gateway_of(code), "health_url", "")
    if not address:
        return True
    at, answered = _seen.get(address, (-REMEMBERED_FOR, False))
    if not answered or time.monotonic() - at >= REMEMBERED_FOR:  # one that was away is asked each time
        answered = _ask(address)
        _seen[address] = time.monotonic(), answered
    return answered


def _ask(address: str) -> bool:
    try:
        return httpx.get(address, timeout=SECONDS, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False
