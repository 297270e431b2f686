"""A client's key written together with what it asked for, in the one statement that does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import IntegrityError
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _

from accounts.models import IdempotencyKey
from config.errors import Conflict


class KeyTaken(Conflict):
    """Another request with this Idempotency-Key was first. Nothing was written; its answer is the one to give."""

    code = "request_in_progress"
    message = _("The first request with this Idempotency-Key is still running.")


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A client's Idempotency-Key, written by the statement that does what was asked together with the answer to repeat."""

    caller: str
    route: str
    value: str
    body_hash: str
    status: int
    answer: Callable[[Any], Any]

    def row(self, answer: Any) -> IdempotencyKey:
        """The row that repeats this answer."""
        return IdempotencyKey(
            caller=self.caller,
            route=self.route,
            key=self.value,
            body_hash=self.body_hash,
            status=self.status,
            answer=orjson.loads(orjson.dumps(answer, default=force_str)),
        )


def is_taken(key: ClientKey | None, fault: IntegrityError) -> bool:
    """Whether a statement failed because the key exists already."""
    return key is not None and constraint_of(fault) == "idempotency_key_once"


def constraint_of(fault: IntegrityError) -> str:
    """The name of the constraint that was broken."""
    diagnostics = getattr(fault.__cause__, "diag", None)
    return str(getattr(diagnostics, "constraint_name", "") or "")
