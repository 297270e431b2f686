"""The API's common forms: the error body, and the handler that turns refusals into it. What people see: `config.failures`."""

import contextlib
import logging
from datetime import UTC, datetime
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.encoding import force_str
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from config import metrics
from config.errors import DomainError
from config.outages import RETRY_AFTER, part_that_is_away

logger = logging.getLogger(__name__)

AWAY = gettext_lazy("We cannot answer just now. Please try again in a moment.")
BROKEN = gettext_lazy("Something went wrong on our side. It has been noted.")

ERROR_NAMES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
    422: "refused",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}


def error_body(request: Any, status: int, code: str, message: str, details: Any = None) -> dict[str, Any]:
    """The one form of every error answer; `details` holds the faults of fields or what helps to go on."""
    return {
        "error": ERROR_NAMES.get(status, "error"),
        "error_code": code,
        "message": message,
        "details": details or {},
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request_id": getattr(request, "id", ""),
    }


def error_response(request: HttpRequest, status: int, code: str, message: str, details: Any = None) -> HttpResponse:
    """The common error body as a plain answer, for what happens outside REST framework."""
    body = orjson.dumps(error_body(request, status, code, message, details), default=force_str)
    return HttpResponse(body, status=status, content_type="application/json")


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's door for refusals. What is not known here is a bug, and goes on to become a logged 500."""
    request = context["request"]._request
    headers: dict[str, str] = {}
    away = part_that_is_away(exc)
    if away:
        set_rollback()
        return _unavailable_to_programs(request, away)
    if not hasattr(request, "rate_headers"):
        exc = throttled_instead(context) or exc
    match exc:
        case DomainError():
            status, code, message, details = exc.status, exc.code, str(exc), exc.details
            if "retry_after" in exc.values:
                headers["Retry-After"] = str(exc.values["retry_after"])
        case exceptions.ValidationError():
            status, code, message = 400, "invalid", _("Some fields are not valid.")
            details = exc.detail if isinstance(exc.detail, dict) else {"non_field_errors": exc.detail}
        case exceptions.Throttled():
            status, code, message = 429, "throttled", _("Too many requests. Try again later.")
            wait = int(getattr(exc, "wait", None) or 60)
            details = {"retry_after": wait}
            headers["Retry-After"] = str(wait)
        case exceptions.APIException():
            status, details = exc.status_code, {}
            codes = exc.get_codes()
            code = codes if isinstance(codes, str) else ERROR_NAMES.get(status, "error")
            message = force_str(exc.detail)
            if isinstance(exc.detail, dict):
                message, details = force_str(exc.detail.get("detail", exc.default_detail)), {}
            if getattr(exc, "auth_header", None):
                headers["WWW-Authenticate"] = exc.auth_header  # type: ignore[attr-defined]
        case Http404():
            status, code, message, details = 404, "not_found", _("Not found."), {}
        case PermissionDenied():
            status, code, message, details = 403, "permission_denied", _("You may not do this."), {}
        case RequestDataTooBig():
            status, code, message, details = 413, "body_too_large", _("The body is too large."), {}
        case _:
            return None
    set_rollback()
    return Response(error_body(request, status, str(code), message, details), status=status, headers=headers)


def _unavailable_to_programs(request: HttpRequest, away: str) -> Response:
    """503 in the common form. The trace is in the log, under the same request id."""
    logger.exception("no answer: %s", away)
    metrics.UNAVAILABLE.labels(away).inc()
    body = error_body(request, 503, "unavailable", str(AWAY), {"retry_after": RETRY_AFTER})
    return Response(body, status=503, headers={"Retry-After": str(RETRY_AFTER)})


def throttled_instead(context: dict[str, Any]) -> exceptions.Throttled | None:
    """What is refused before its throttles were asked – strangers, bad tokens – counts as well, and ends in a 429 too."""
    with contextlib.suppress(exceptions.APIException):
        context["request"].user  # noqa: B018  settles who asks; whoever fails here is a stranger
    try:
        context["view"].check_throttles(context["request"])
    except exceptions.Throttled as throttled:
        return throttled
    return None
