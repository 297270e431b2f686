"""Which form an answer has: JSON, unless the caller insists on something that there is not."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation

ANYTHING = ("", "*/*", "application/json")


class Negotiation(DefaultContentNegotiation):
    """REST framework's, but without weighing what most callers send."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        if len(renderers) == 1 and format_suffix is None and not request._request.GET:
            asked = request._request.META.get("HTTP_ACCEPT", "")
            if asked in ANYTHING and renderers[0].media_type == "application/json":
                return renderers[0], renderers[0].media_type
        return super().select_renderer(request, renderers, format_suffix)
