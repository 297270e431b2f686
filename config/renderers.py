"""JSON in and out. Apart from `config.api`, which imports the views that ask for their renderer while they load."""

from typing import Any

import orjson
from django.utils.encoding import force_str
from django.utils.translation import gettext as _
from rest_framework import exceptions, parsers, renderers


class JSONParser(parsers.BaseParser):
    """JSON by orjson: strict about UTF-8 and numbers, and not to be brought down by a body nested without end."""

    media_type = "application/json"
    renderer_class = renderers.JSONRenderer

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return orjson.loads(stream.read())
        except orjson.JSONDecodeError as fault:
            raise exceptions.ParseError(_("The body is no JSON: {fault}").format(fault=fault)) from fault


class JSONRenderer(renderers.JSONRenderer):
    """JSON by orjson; `?fields=a,b` keeps only these fields of the object, or of each item of a list."""

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        context = renderer_context or {}
        request, response = context.get("request"), context.get("response")
        asked = request.query_params.get("fields") if request is not None else None
        if asked and (response is None or response.status_code < 400):
            data = select_fields(data, {name.strip() for name in asked.split(",") if name.strip()})
        return orjson.dumps(data, default=force_str, option=orjson.OPT_NON_STR_KEYS)


def select_fields(data: Any, wanted: set[str]) -> Any:
    """Only the wanted top-level fields; a page keeps its numbers and selects within its items.

    A booking has items and a total too, but its total is money: it is no page.
    """
    if isinstance(data, list):
        return [select_fields(row, wanted) for row in data]
    if not isinstance(data, dict):
        return data
    if "items" in data and isinstance(data.get("total"), int):
        return {**data, "items": [select_fields(row, wanted) for row in data["items"]]}
    return {name: value for name, value in data.items() if name in wanted}
