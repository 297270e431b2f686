"""What every request passes. The API's way is short: sessions, CSRF and messages exist for the back-office alone."""

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from csp.middleware import HEADER as CONTENT_POLICY
from csp.middleware import CSPMiddleware
from django.apps import apps
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.gzip import GZipMiddleware
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from config.addresses import Caller, client_address, current_caller
from config.api import error_response
from config.failures import fail
from config.ids import uuid7
from config.logs import request_context
from config.tenancy import tenant_context

GetResponse = Callable[[HttpRequest], HttpResponse]

GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
WITHOUT_TENANT = ("/health", "/static/", "/metrics")
# Addresses that we give to gateways: neither their servers nor a payer sent back by them send a header of ours.
NAMED_BY_ADDRESS = ("/payments/webhooks/", "/payments/return/")
BACK_OFFICE = ("/admin", "/i18n")
# A voucher's address knows who is signed in too: it leads staff to the check-in.
WITH_SESSION = (*BACK_OFFICE, "/v/")
# The back-office reads vouchers with the camera; nothing here asks for anything else of a browser.
PERMISSIONS_POLICY = "camera=(self), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()"

# What is no page loads nothing, and is shown in nobody's frame.
POLICY_OF_DATA = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class ContentPolicyMiddleware(CSPMiddleware):
    """`CONTENT_SECURITY_POLICY` for pages; for JSON one that allows nothing, which need not be put together for each answer."""

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        if response.headers.get("Content-Type", "").startswith("application/json"):
            response.headers.setdefault(CONTENT_POLICY, POLICY_OF_DATA)
            return response
        return super().process_response(request, response)


class RequestIdMiddleware:
    """Gives the request its id (the caller's own where it is well-formed) and answers with it and the rate headers."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if GIVEN_ID.fullmatch(given) else str(uuid7())
        request.id = request_id  # type: ignore[attr-defined]
        caller = Caller(client_address(request), request.headers.get("User-Agent", "")[:300])
        token = current_caller.set(caller)
        try:
            with request_context(request_id=request_id):
                response = self.get_response(request)
        finally:
            current_caller.reset(token)
        response["X-Request-ID"] = request_id
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        for header, value in getattr(request, "rate_headers", {}).items():
            response[header] = value
        return response


class CompressionMiddleware(GZipMiddleware):
    """Shrinks what anybody may read. Answers with something of the caller's own are left as they are: a compressed secret
    beside a text of an attacker's choice gives itself away by its length (BREACH)."""

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        is_public = response.get("Cache-Control", "").startswith("public") and "Authorization" not in request.headers
        if request.method == "GET" and is_public and request.path.startswith("/api/"):
            return super().process_response(request, response)
        return response


class BodyLimitMiddleware:
    """Refuses bodies that are larger than their kind may be, or do not say how large they are, before anything reads them."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        in_chunks = not length and "chunked" in request.headers.get("Transfer-Encoding", "").lower()
        upload = request.content_type == "multipart/form-data" or request.path.startswith(BACK_OFFICE)
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE if upload else settings.MAX_BODY_BYTES
        if not in_chunks and length <= limit:
            return self.get_response(request)
        with translation.override(translation.get_language_from_request(request)):  # nobody has set it yet
            if in_chunks:
                message = _("Send the body with its Content-Length, not in chunks.")
                return fail(request, 411, "length_required", message)
            message = _("The body is larger than {limit} bytes.").format(limit=limit)
            return fail(request, 413, "body_too_large", message)


class TenantMiddleware:
    """Host name → tenant, else `X-Tenant` (slug or id), else the default tenant; sets `request.tenant`.

    What comes from a gateway, its notices and the payers it sends back, may name the tenant as `?tenant=` of the address.
    """

    REMEMBERED_FOR = 5.0  # seconds; a new host or a closed tenant is seen after that at the latest

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.known: dict[str, tuple[float, Any]] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(WITHOUT_TENANT):
            with tenant_context(None):
                return self.get_response(request)
        tenant = self.find(request)
        if tenant is None:
            return error_response(request, 404, "unknown_tenant", _("There is no such operator here."))
        request.tenant = tenant  # type: ignore[attr-defined]
        with tenant_context(tenant.pk), request_context(tenant=tenant.slug), self.clock(request, tenant):
            return self.get_response(request)

    @staticmethod
    def clock(request: HttpRequest, tenant: Any) -> AbstractContextManager[Any]:
        """The back-office reads and writes times, and counts its days, by the operator's clock; the API by UTC."""
        return timezone.override(ZoneInfo(tenant.time_zone)) if _is_back_office(request) else nullcontext()

    def find(self, request: HttpRequest) -> Any:
        host = request.get_host().partition(":")[0].lower()
        by_host = self.look_up(f"host:{host}", host=host)
        if by_host is not None:
            return by_host
        asked = request.headers.get("X-Tenant", "")
        if not asked and any(part in request.path for part in NAMED_BY_ADDRESS):
            asked = request.GET.get("tenant", "")
        if "\x00" in asked:  # no name, and nothing that a database would take
            return None
        if asked:
            try:
                return self.look_up(f"id:{asked}", pk=UUID(asked))
            except ValueError:
                return self.look_up(f"slug:{asked}", slug=asked[:63])
        return self.look_up("default", slug=settings.DEFAULT_TENANT)

    def look_up(self, key: str, **lookup: Any) -> Any:
        at, tenant = self.known.get(key, (0.0, None))
        if time.monotonic() - at < self.REMEMBERED_FOR:
            return tenant
        with tenant_context(None):
            tenant = apps.get_model("accounts", "Tenant").objects.filter(is_active=True, **lookup).first()
        if len(self.known) > 1000:  # strangers' host names must not fill the memory
            self.known.clear()
        self.known[key] = (time.monotonic(), tenant)
        return tenant


class LanguageMiddleware:
    """Answers in the language asked for: in the back-office by its cookie, else by `Accept-Language`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = translation.get_language_from_request(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
            if hasattr(response, "render") and not getattr(response, "is_rendered", True):
                response.render()  # while the language is still set
        response.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language",))
        return response


def _is_back_office(request: HttpRequest) -> bool:
    return request.path.startswith(WITH_SESSION)


class BackOfficeSessionMiddleware(SessionMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        if _is_back_office(request):
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        return super().process_response(request, response) if hasattr(request, "session") else response


class BackOfficeCsrfMiddleware(CsrfViewMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        if _is_back_office(request):
            super().process_request(request)

    def process_view(self, request: HttpRequest, *args: Any) -> Any:
        return super().process_view(request, *args) if _is_back_office(request) else None


class BackOfficeAuthenticationMiddleware(AuthenticationMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        if _is_back_office(request):
            super().process_request(request)


class BackOfficeMessageMiddleware(MessageMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        if _is_back_office(request):
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        return super().process_response(request, response) if hasattr(request, "_messages") else response
