"""OpenTelemetry: one span for each request, SQL statement, task and call to a gateway. Imported only where
`OTEL_EXPORTER_OTLP_ENDPOINT` is set (`config.apps`), with the packages of requirements/observability.txt.

Spans carry routes, names and numbers; never ids of people, addresses or the values of statements. A caller's `traceparent` is
gone on with, and handed to the tasks that a request sends.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from celery.signals import before_task_publish, task_failure, task_postrun, task_prerun
from django.conf import settings
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse
from opentelemetry import context, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from config.measuring import route_of
from config.running import CONTEXT_HEADER

provider = TracerProvider(
    resource=Resource.create(
        {"service.name": settings.OTEL_SERVICE_NAME, "deployment.environment": settings.ENVIRONMENT}
    )
)
tracer = provider.get_tracer("rihla")

LONGEST_SHOWN = 1000  # characters of a statement


def start() -> None:
    """Send spans from now on, in batches, to the collector. The other `OTEL_…` variables are the library's own."""
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


class TracingMiddleware:
    """A span around each request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        caller = propagate.extract({"traceparent": request.headers.get("traceparent", "")})
        with tracer.start_as_current_span(str(request.method), context=caller, kind=SpanKind.SERVER) as span:
            response = self.get_response(request)
            route = route_of(request)
            span.update_name(f"{request.method} {route}")
            span.set_attributes(
                {
                    "http.request.method": str(request.method),
                    "http.route": route,
                    "http.response.status_code": response.status_code,
                    "rihla.request_id": str(getattr(request, "id", "")),
                    "rihla.tenant": getattr(getattr(request, "tenant", None), "slug", ""),
                }
            )
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
            return response


def trace_statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, told: dict[str, Any]) -> Any:
    """A span around an SQL statement, where it belongs to a request or task that is traced."""
    if not trace.get_current_span().is_recording():
        return execute(sql, params, many, told)
    text = " ".join(str(sql).split())
    with tracer.start_as_current_span(text.partition(" ")[0] or "SQL", kind=SpanKind.CLIENT) as span:
        span.set_attributes({"db.system.name": "postgresql", "db.query.text": text[:LONGEST_SHOWN]})
        return execute(sql, params, many, told)


def watch_connection(connection: Any, **_: Any) -> None:
    if trace_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(trace_statement)


def hand_on(headers: dict[str, Any], **_: Any) -> None:
    """A task knows which request sent it."""
    propagate.inject(headers)


_running: dict[str, tuple[AbstractContextManager[Any], Any]] = {}


def task_begins(task_id: str, task: Any, **_: Any) -> None:
    sent_by = {"traceparent": getattr(task.request, "traceparent", None) or ""}
    span = tracer.start_as_current_span(
        task.name, context=propagate.extract(sent_by, context=context.Context()), kind=SpanKind.CONSUMER
    )
    known = getattr(task.request, CONTEXT_HEADER, None) or {}
    begun = span.__enter__()
    begun.set_attributes({f"rihla.{name}": value for name, value in known.items()})
    _running[task_id] = span, begun


def task_fails(task_id: str, exception: BaseException, **_: Any) -> None:
    if task_id in _running:
        _running[task_id][1].set_status(StatusCode.ERROR, type(exception).__name__)


def task_ends(task_id: str, **_: Any) -> None:
    if task_id in _running:
        _running.pop(task_id)[0].__exit__(None, None, None)


connection_created.connect(watch_connection, dispatch_uid="rihla-tracing")
before_task_publish.connect(hand_on, weak=False)
task_prerun.connect(task_begins, weak=False)
task_failure.connect(task_fails, weak=False)
task_postrun.connect(task_ends, weak=False)
