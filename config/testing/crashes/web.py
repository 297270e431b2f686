"""`granian config.testing.crashes.web:application`: the site, dying where it is told to."""

import re
import threading
from collections.abc import Iterable
from typing import Any

from django.db.backends.utils import CursorWrapper
from django.urls import get_resolver

from config.testing.crashes import hurry, reached, watch_places
from config.wsgi import application as rihla

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")

_here = threading.local()
_execute = CursorWrapper.execute


def execute(self: Any, sql: str, params: Any = None) -> Any:
    _here.statements = getattr(_here, "statements", 0) + 1
    reached(f"{getattr(_here, 'call', '')} statement {_here.statements}", sql)
    return _execute(self, sql, params)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    _here.call, _here.statements = f"{environ['REQUEST_METHOD']} {ID.sub('{id}', environ['PATH_INFO'])}", 0
    answer = rihla(environ, start_response)
    reached(f"{_here.call} answer")
    return answer


CursorWrapper.execute = execute  # type: ignore[method-assign, assignment]
get_resolver().url_patterns  # noqa: B018  every view is imported before names are wrapped
hurry()
watch_places()
