"""Pages of lists: `{items, total, page, size, pages}`."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response


class Pages(PageNumberPagination):
    """`?page=` from 1, `?size=` from 1 to 100 (20 unless asked). A page past the end is empty, not an error."""

    page_size = 20
    max_page_size = 100
    page_size_query_param = "size"

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any]:
        self.number = self._whole(request, "page", 1, 1_000_000)
        self.size = self._whole(request, "size", self.page_size, self.max_page_size)
        self.total = queryset.count() if hasattr(queryset, "model") else len(queryset)
        start = (self.number - 1) * self.size
        return list(queryset[start : start + self.size]) if start < self.total else []

    def get_paginated_response(self, data: Any) -> Response:
        return Response(page_of(data, total=self.total, page=self.number, size=self.size))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        number = {"type": "integer", "minimum": 0}
        return {
            "type": "object",
            "required": ["items", "total", "page", "size", "pages"],
            "properties": {"items": schema, "total": number, "page": number, "size": number, "pages": number},
        }

    @staticmethod
    def _whole(request: Any, name: str, default: int, most: int) -> int:
        given = request.query_params.get(name)
        if given is None or given == "":
            return default
        if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= most or len(given) > 9:
            raise ValidationError({name: [_("A whole number from 1 to {most}.").format(most=most)]})
        return int(given)


def page_of(items: Any, *, total: int, page: int, size: int) -> dict[str, Any]:
    """The common form of a page of a list."""
    return {"items": items, "total": total, "page": page, "size": size, "pages": -(-total // size)}
