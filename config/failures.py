"""What a request that fails outside REST framework is answered: the common body for programs, a page for people.

Staff who are signed in stay in the back-office, with the sidebar and a way back; everybody else sees a plain page
that asks nothing of database or session.
"""

import sys
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config import metrics
from config.api import AWAY, BROKEN, error_response
from config.outages import RETRY_AFTER, part_that_is_away

BACK_OFFICE = "/admin"
ADVICE = {
    403: gettext_lazy("Your role does not include this. An administrator can change that."),
    404: gettext_lazy("It may have been deleted or moved, or the address is not complete."),
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return fail(request, 400, "bad_request", _("The request cannot be understood."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return fail(request, 403, "permission_denied", _("You may not do this."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return fail(request, 404, "not_found", _("Not found."))


def server_error(request: HttpRequest) -> HttpResponse:
    """The last door: no trace leaves the house; the log line has it, under the same request id."""
    away = part_that_is_away(sys.exc_info()[1])
    with translation.override(translation.get_language_from_request(request)):  # it may have failed before that was set
        if not away:
            return fail(request, 500, "internal_error", str(BROKEN))
        metrics.UNAVAILABLE.labels(away).inc()
        response = fail(request, 503, "unavailable", str(AWAY))
        response["Retry-After"] = str(RETRY_AFTER)
        return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form from before a new sign-in, in most cases. Django's name for this view's second argument is `reason`."""
    message = _("This page is older than your sign-in. Load it again, then repeat what you did.")
    return fail(request, 403, "csrf_failed", message, advice="")


def fail(request: HttpRequest, status: int, code: str, message: str, *, advice: str | None = None) -> HttpResponse:
    """The common body for programs; a page for people, who come by a browser and not through `/api`."""
    if request.path.startswith("/api/") or "text/html" not in request.headers.get("Accept", ""):
        return error_response(request, status, code, message)
    said: dict[str, Any] = {"status": status, "message": message, "request_id": getattr(request, "id", "")}
    if status < 500 and _is_staff(request):
        said["advice"] = ADVICE.get(status, "") if advice is None else advice
        return HttpResponse(_page_for_staff(request, said), status=status)
    return HttpResponse(render_to_string("errors/page.html", said | _way_back(request)), status=status)


def _is_staff(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return request.path.startswith(BACK_OFFICE) and user is not None and admin.site.has_permission(request)


def _page_for_staff(request: HttpRequest, said: dict[str, Any]) -> str:
    """The page within the back-office, with a link to where they came from."""
    before = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure())
    is_elsewhere = before != request.build_absolute_uri()
    context = admin.site.each_context(request) | said
    context |= {"title": said["message"], "back": before if is_ours and is_elsewhere else ""}
    return render_to_string("errors/staff.html", context, request=request)


def _way_back(request: HttpRequest) -> dict[str, Any]:
    """For staff the back-office, for customers the operator's site, where there is one."""
    if request.path.startswith(BACK_OFFICE):
        return {"home": reverse("admin:index"), "home_text": _("To the back-office")}
    site = getattr(getattr(request, "tenant", None), "site_address", "")
    return {"home": site, "home_text": _("Back to the start")}
