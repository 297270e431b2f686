"""Refusing methods with the common error body, for views outside REST framework."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from config.api import error_response


def method_not_allowed(request: HttpRequest, *allowed: str) -> HttpResponse:
    response = error_response(
        request, 405, "method_not_allowed", _("{method} is not possible here.").format(method=request.method)
    )
    response["Allow"] = ", ".join(allowed)
    return response
