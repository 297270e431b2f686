"""What is measured of each request, and the door where Prometheus fetches it.

Nothing here asks the database, the cache or a lock of its own: a request pays some 20 µs for it.
"""

import hmac
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from prometheus_client import CONTENT_TYPE_LATEST

from config import metrics
from config.addresses import client_address
from config.api import error_response
from config.db.statements import Statements, statements

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LOOK_AT_POOL_EVERY = 1.0  # seconds


class MeasuringMiddleware:
    """The outermost: counts each answer by route, method and status, and what it cost."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.known: dict[tuple[str, str], tuple[Any, Any, Any]] = {}
        self.next_look_at_pool = 0.0

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began, seen = time.perf_counter(), Statements()
        token = statements.set(seen)
        try:
            response = self.get_response(request)
        finally:
            statements.reset(token)
        route = route_of(request)
        method = request.method if request.method in METHODS else "OTHER"
        known = self.known.get((route, method))
        if known is None:
            known = self.known[route, method] = (
                metrics.REQUEST_SECONDS.labels(route, method),
                metrics.QUERIES.labels(route),
                metrics.QUERY_SECONDS.labels(route),
            )
        seconds, queries, query_seconds = known
        now = time.perf_counter()
        seconds.observe(now - began)
        metrics.REQUESTS.labels(route, method, response.status_code).inc()
        if seen.number:
            queries.inc(seen.number)
            query_seconds.inc(seen.seconds)
            if seen.slow:
                metrics.SLOW_QUERIES.labels(route).inc(seen.slow)
        if now > self.next_look_at_pool:
            self.next_look_at_pool = now + LOOK_AT_POOL_EVERY
            look_at_pool()
        return response


def route_of(request: HttpRequest) -> str:
    """The pattern that the address fitted; one word for all addresses that there are not, and one for files."""
    match = request.resolver_match
    if match is not None:
        return match.route or "/"
    return "static" if request.path.startswith(settings.STATIC_URL) else "unmatched"


def look_at_pool() -> None:
    """Note how many connections this process holds, how many of them are free, and who waits."""
    pool = connection.pool  # type: ignore[attr-defined]  # config.db has one
    if pool is None:
        return
    stats = pool.get_stats()
    free = stats.get("pool_available", 0)
    metrics.POOL.labels("free").set(free)
    metrics.POOL.labels("used").set(stats.get("pool_size", 0) - free)
    metrics.POOL.labels("waiting").set(stats.get("requests_waiting", 0))


def show_metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus, which brings `METRICS_TOKEN` as a bearer token or asks from one of `METRICS_NETWORKS`."""
    if not may_look(request):
        return error_response(request, 403, "metrics_closed", _("You may not do this."))
    return HttpResponse(metrics.everything(), content_type=CONTENT_TYPE_LATEST)


def may_look(request: HttpRequest) -> bool:
    """Whether the caller brings the token or stands in an allowed network; with neither set, nobody may."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    if settings.METRICS_TOKEN and hmac.compare_digest(given, settings.METRICS_TOKEN.encode()):
        return True
    address = ip_address(client_address(request))
    return any(address in ip_network(network) for network in settings.METRICS_NETWORKS)
