"""What surrounds a task while it runs: its tenant, what its log lines carry, and what is measured of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from celery.exceptions import Ignore, Reject, Retry

from config import metrics
from config.db.statements import Statements, statements
from config.logs import log_context, request_context
from config.tenancy import current_tenant, tenant_context

TENANT_HEADER = "rihla_tenant"
CONTEXT_HEADER = "rihla_context"  # the request id and the tenant's name, for log lines


def headers_to_send(given: dict[str, Any]) -> dict[str, Any]:
    """The headers of a task that is being sent, with the tenant at hand and the request that asks for it."""
    tenant = current_tenant.get()
    added: dict[str, Any] = {} if tenant is None else {TENANT_HEADER: str(tenant)}
    context = {name: value for name, value in log_context().items() if name in {"request_id", "tenant"}}
    return {**added, **({CONTEXT_HEADER: context} if context else {}), **given}


@contextmanager
def running(task: Any) -> Iterator[None]:
    """Around a task's run. The outcome counted is done, failed, retried or dropped."""
    headers = task.request.headers or {}
    sent_for = headers.get(TENANT_HEADER) or getattr(task.request, TENANT_HEADER, None)
    context = headers.get(CONTEXT_HEADER) or getattr(task.request, CONTEXT_HEADER, None) or {}
    began, outcome, seen = time.perf_counter(), "failed", Statements()
    token = statements.set(seen)
    try:
        with request_context(task=task.name, task_id=str(task.request.id), **context):
            if sent_for is None:
                yield
            else:
                with tenant_context(UUID(sent_for)):
                    yield
        outcome = "done"
    except Retry:
        outcome = "retried"
        raise
    except (Ignore, Reject):
        outcome = "dropped"
        raise
    finally:
        statements.reset(token)
        metrics.TASKS.labels(task.name, outcome).inc()
        metrics.TASK_SECONDS.labels(task.name).observe(time.perf_counter() - began)
