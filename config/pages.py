"""Small pages that people open from a mail: bilingual, never indexed, never cached (their address is a secret)."""

from typing import Any, cast

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import add_never_cache_headers

from config.i18n import LANGUAGES, in_language, language_now

# These pages need none, and their addresses are secrets.
WITHOUT_SCRIPTS = csp_replace({"script-src": ["'none'"]})


def show_page(request: Any, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render a template that extends `pages/base.html`, in the language of `?language=`, else of the request.

    The template gets the operator's name, e-mail and phone, and the address of the same page in the other language. Callers
    that translate texts into `context` themselves do so within `page_language(request)`.
    """

    @WITHOUT_SCRIPTS
    def page(request: HttpRequest) -> HttpResponse:
        return _filled(request, template, context, status)

    return cast(HttpResponse, page(request))


def _filled(request: Any, template: str, context: dict[str, Any], status: int) -> HttpResponse:
    with page_language(request):
        language = language_now()
        tenant = request.tenant
        body = render_to_string(
            template,
            {
                "tenant_name": in_language(tenant, "name"),
                "tenant_email": tenant.email,
                "tenant_phone": tenant.phone,
                "other_language_url": f"{request.path}?language={'en' if language == 'ar' else 'ar'}",
                **context,
            },
        )
    response = HttpResponse(body, status=status, headers={"Content-Language": language})
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    add_never_cache_headers(response)
    return response


def page_language(request: HttpRequest) -> translation.override:
    """A context in which texts are in the language of the page."""
    asked = request.GET.get("language", "")
    return translation.override(asked if asked in LANGUAGES else translation.get_language())
