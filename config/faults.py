"""Sentry: faults of ours, with the request id and the operator, without anything about people. Imported only where `SENTRY_DSN`
is set (`config.apps`), with the packages of requirements/observability.txt.
"""

from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration

from config.logs import log_context, masked


def start() -> None:
    """Send faults from now on. Bodies, cookies, headers, addresses and the values of variables stay in the house."""
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.ENVIRONMENT,
        integrations=[DjangoIntegration(), CeleryIntegration(), LoggingIntegration(event_level=None)],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0,
        before_send=without_secrets,
    )


def without_secrets(event: Any, hint: Any) -> Any:
    """What leaves the house: the trace, the route, the request id and the operator."""
    request = event.pop("request", {})
    if "method" in request:
        event["request"] = {"method": request["method"]}
    event.pop("user", None)
    event.pop("breadcrumbs", None)
    event["tags"] = {**event.get("tags", {}), **log_context()}
    return _masked(event)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {name: _masked(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_masked(one) for one in value]
    return value
