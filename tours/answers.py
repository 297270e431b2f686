"""Sending remembered bodies: the tag that lets a client ask "has it changed?", and answers without a body when not."""

import hashlib
from typing import Any

import orjson
from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from config.renderers import select_fields

# Clients and proxies may keep an answer, but ask each time whether it still holds: a change shows at once.
KEPT = "public, max-age=0, must-revalidate"
NEVER_KEPT = "private, no-store"


def answer(request: Any, body: bytes, *, kept: str = KEPT) -> HttpResponse:
    """The body as JSON, or 304 without it where the caller has the same already. `?fields=` selects."""
    wanted = {name.strip() for name in request.query_params.get("fields", "").split(",") if name.strip()}
    if wanted:
        body = orjson.dumps(select_fields(orjson.loads(body), wanted))
    tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    if kept is KEPT and _has_it(request, tag):
        response = HttpResponse(status=304)
        del response["Content-Type"]
    else:
        response = HttpResponse(body, content_type="application/json")
    response["Cache-Control"] = kept
    if kept is KEPT:
        response["ETag"] = tag
    patch_vary_headers(response, ("Accept-Language", "X-Tenant", "Host"))
    return response


def _has_it(request: Any, tag: str) -> bool:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return any(one in ("*", tag, f"W/{tag}") for one in known)
