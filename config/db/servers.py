"""What `DATABASES` is."""

from typing import Any
from urllib.parse import unquote, urlsplit

import environ


def databases(url: str, *, pool_size: int) -> dict[str, Any]:
    """The one database, at an address that PostgreSQL's own tools understand too."""
    options = {
        "pool": {"min_size": 1, "max_size": pool_size},
        # Server-side binding with prepared statements: a third more throughput (docs/performance.md).
        "server_side_binding": True,
        "prepare_threshold": 3,
        "connect_timeout": 10,
    }
    own = {"ENGINE": "config.db", "CONN_MAX_AGE": 0, "ATOMIC_REQUESTS": False, "OPTIONS": options}
    return {"default": _at(url) | own}


def _at(url: str) -> dict[str, Any]:
    """django-environ lowers the host and leaves it encoded; that of a socket is a folder, written `%2Fpath%2Fto`."""
    place = urlsplit(url).netloc.rpartition("@")[2]
    socket = {"HOST": unquote(place), "PORT": ""} if place.upper().startswith("%2F") else {}
    return environ.Env.db_url_config(url) | socket
