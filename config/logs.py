"""Structured logs: one JSON object a line, with the request and the tenant it was written for."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_context: ContextVar[dict[str, str] | None] = ContextVar("log_context", default=None)

SECRET_NAME = re.compile(r"(?i)password|secret|token|authorization|api[_-]?key|signature|cookie|session_?id|refresh")
SECRETS = re.compile(
    rf"([\"']?[\w-]*(?:{SECRET_NAME.pattern.removeprefix('(?i)')})[\w-]*[\"']?\s*[=:]\s*[\"']?(?:bearer\s+|basic\s+)?)"
    r"([^\s\"',&};]+)",
    re.IGNORECASE,
)
# Addresses that act for whoever has them: a booking, a choice, a guide's work, a wish list, a voucher, a link of a mail.
SECRET_ADDRESS = re.compile(r"(/(?:b|c|g|v|w|auth/(?:verify|reset))/)[\w.:~=-]{8,}")
PASSWORD_IN_ADDRESS = re.compile(r"(://[^\s/:@]*:)[^\s/@]+@")
STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "request_id", "tenant", "taskName"}


@contextmanager
def request_context(**values: str) -> Iterator[None]:
    """Every log line within the block carries these values."""
    token = _context.set({**(_context.get() or {}), **values})
    try:
        yield
    finally:
        _context.reset(token)


def log_context() -> dict[str, str]:
    """What every log line carries at the moment."""
    return dict(_context.get() or {})


def current_request_id() -> str:
    """The id of the request being served, or an empty text outside one."""
    return (_context.get() or {}).get("request_id", "")


class AddContext(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in (_context.get() or {}).items():
            setattr(record, name, value)
        return True


def masked(text: str) -> str:
    """The text without what looks like a secret: `password=…`, `Authorization: Bearer …`, `://user:…@`, `/b/…`."""
    return SECRET_ADDRESS.sub(r"\1***", PASSWORD_IN_ADDRESS.sub(r"\1***@", SECRETS.sub(r"\1***", text)))


class JsonFormatter(logging.Formatter):
    """Secrets that slip into a message are masked here, as the last guard."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": masked(record.getMessage()),
        }
        for name in ("request_id", "tenant"):
            if hasattr(record, name):
                line[name] = getattr(record, name)
        for name, value in record.__dict__.items():
            if name not in STANDARD and isinstance(value, str | int | float | bool):
                line[name] = "***" if SECRET_NAME.search(name) else masked(value) if isinstance(value, str) else value
        if record.exc_info:
            line["exception"] = masked(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def logging_settings(level: str) -> dict[str, Any]:
    """What `LOGGING` is: everything as JSON to standard error, chatty libraries from warnings on."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"context": {"()": "config.logs.AddContext"}},
        "formatters": {"json": {"()": "config.logs.JsonFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["context"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "PIL": {"level": "INFO"},
        },
    }
