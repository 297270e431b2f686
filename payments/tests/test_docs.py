"""Every call of the API stands in docs/api.md with an example."""

import re
from pathlib import Path

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

METHODS = {"get", "post", "put", "patch", "delete"}
SHOWN = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (?:/api/v1/|\$API/)?([a-z][^ ?\n`]*)")


def test_every_call_has_its_example():
    shown = set(SHOWN.findall((Path(settings.BASE_DIR) / "docs" / "api.md").read_text()))
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    calls = [(method.upper(), path) for path, operations in paths.items() for method in METHODS & set(operations)]
    assert len(calls) > 60
    missing = []
    for method, path in calls:
        address = re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path.removeprefix("/api/v1/"))))
        if not any(known == method and address.fullmatch(given) for known, given in shown):
            missing.append(f"{method} {path}")
    assert not missing, "\n".join(sorted(missing))
