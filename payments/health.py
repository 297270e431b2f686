"""Whether the gateways that take payments can be reached."""

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

import httpx

from config.health import Facts, part
from payments.gateways.registry import gateway_of, offered_codes

SECONDS = 2.0
WAIT_SECONDS = 0.5  # for all of them: a load balancer that asks for our health must not wait for a gateway that hangs
REMEMBERED_FOR = 10.0  # seconds; whoever looks after our health must not become a burden to others

_seen: dict[str, tuple[float, bool]] = {}
_asking: dict[str, "Future[None]"] = {}
_askers = ThreadPoolExecutor(
    max_workers=4, thread_name_prefix="gateway-health"
)  # starts its threads when it is first asked


@part("gateways")
def gateways() -> Facts:
    """`up`, or `late` where one of them is away: others, and paying later, still work."""
    addresses = {code: getattr(gateway_of(code), "health_url", "") for code in offered_codes()}
    wait([_ask_again(address) for address in addresses.values() if _is_stale(address)], timeout=WAIT_SECONDS)
    found = {code: "up" if _answered(address) else "down" for code, address in addresses.items()}
    return {"status": "late" if "down" in found.values() else "up", "gateways": found}


def _answered(address: str) -> bool:
    """Whether it last answered anything but a fault of its own. One that names no address counts as up."""
    return not address or _seen.get(address, (0.0, False))[1]


def _is_stale(address: str) -> bool:
    at, answered = _seen.get(address, (0.0, False))
    return bool(address) and (not answered or time.monotonic() - at >= REMEMBERED_FOR)  # one that was away: each time


def _ask_again(address: str) -> "Future[None]":
    """One question at a time: who comes while it is under way waits for the same answer."""
    under_way = _asking.get(address)
    if under_way is None or under_way.done():
        under_way = _asking[address] = _askers.submit(_ask, address)
    return under_way


def _ask(address: str) -> None:
    try:
        answered = httpx.get(address, timeout=SECONDS, trust_env=False).status_code < 500
    except httpx.HTTPError:
        answered = False
    _seen[address] = time.monotonic(), answered
