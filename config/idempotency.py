"""A request repeated is a request done once: clients send `Idempotency-Key` with each POST that creates or moves money.

Keys are kept 24 hours, scoped to tenant, caller and route. The same key with another body is refused (422).
"""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

import orjson
from django.apps import apps
from django.db import transaction
from django.utils.encoding import force_str
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from config.addresses import client_address
from config.errors import Conflict, DomainError, InvalidInput

KEY_FORM = re.compile(r"[\x21-\x7e]{1,255}")
TAKEN_FOR_DEAD_AFTER = timedelta(seconds=90)  # longer than any gateway may take to answer


class KeyReused(DomainError):
    code = "idempotency_key_reused"
    status = 422
    message = _("This Idempotency-Key was used for another request.")


class StillRunning(Conflict):
    code = "request_in_progress"
    message = _("The first request with this Idempotency-Key is still running.")


def key_of(request: Any) -> str | None:
    """The key the caller sent, or None. Raises `InvalidInput` when it is not 1 to 255 visible ASCII characters."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not KEY_FORM.fullmatch(key):
        raise InvalidInput(details={"Idempotency-Key": [_("1 to 255 visible ASCII characters.")]})
    return str(key)


def caller_of(request: Any) -> str:
    """Whose keys these are: the user, or the address of a stranger."""
    if request.user.is_authenticated:
        return f"user:{request.user.pk}"
    return f"address:{client_address(request._request)}"


def body_hash(request: Any) -> str:
    """SHA-256 of path and raw body: what makes two requests the same."""
    return hashlib.sha256(request.path.encode() + b"\0" + request._request.body).hexdigest()


def replay(caller: str, route: str, key: str, wanted_hash: str) -> Response | None:
    """The stored answer of an earlier request, or None where there was none. Raises `KeyReused`, `StillRunning`."""
    row = _keys().filter(caller=caller, route=route, key=key).first()
    if row is None:
        return None
    if row.body_hash != wanted_hash:
        raise KeyReused
    if row.status is None:
        raise StillRunning
    return Response(row.answer, status=row.status, headers={"Idempotency-Replayed": "true"})


def once(route: str) -> Callable[[Any], Any]:
    """For views that only touch the database: key and effect commit together.

    A repeat that meets the first still running waits for it on the unique index, then gets its answer. A refusal rolls
    everything back, the key too, so that the caller may mend what was wrong and use the key again.
    """

    def decorate(view: Any) -> Any:
        @wraps(view)
        def wrapper(self: Any, request: Any, *args: Any, **kwargs: Any) -> Response:
            key = key_of(request)
            if key is None:
                return view(self, request, *args, **kwargs)
            caller, wanted_hash = caller_of(request), body_hash(request)
            with transaction.atomic():
                row = _take(caller, route, key, wanted_hash)
                if row is not None:
                    response = view(self, request, *args, **kwargs)
                    _answer(row, response)
                    return response
            return replay(caller, route, key, wanted_hash) or wrapper(self, request, *args, **kwargs)

        return wrapper

    return decorate


def once_around_gateway(route: str) -> Callable[[Any], Any]:
    """For views that call a gateway: the key commits first, so that no lock is held while the gateway answers.

    A repeat during the first gets 409. The view itself must find what an earlier, crashed run of the same key has begun
    (`request.idempotency_key` holds it); such a run is taken for dead after 90 seconds.
    """

    def decorate(view: Any) -> Any:
        @wraps(view)
        def wrapper(self: Any, request: Any, *args: Any, **kwargs: Any) -> Response:
            key = request.idempotency_key = key_of(request)
            if key is None:
                return view(self, request, *args, **kwargs)
            caller, wanted_hash = caller_of(request), body_hash(request)
            _keys().filter(
                caller=caller, route=route, key=key, status=None, taken_at__lt=now() - TAKEN_FOR_DEAD_AFTER
            ).delete()
            with transaction.atomic():
                row = _take(caller, route, key, wanted_hash)
            if row is None:
                return replay(caller, route, key, wanted_hash) or wrapper(self, request, *args, **kwargs)
            try:
                response = view(self, request, *args, **kwargs)
            except BaseException:
                _keys().filter(pk=row.pk).delete()
                raise
            _answer(row, response)
            return response

        return wrapper

    return decorate


def _keys() -> Any:
    return apps.get_model("accounts", "IdempotencyKey").objects


def _take(caller: str, route: str, key: str, wanted_hash: str) -> Any:
    model = apps.get_model("accounts", "IdempotencyKey")
    row = model(caller=caller, route=route, key=key, body_hash=wanted_hash)
    # Waits while another transaction holds the same key; an ignored conflict leaves no row of ours.
    model.objects.bulk_create([row], ignore_conflicts=True)
    return model.objects.filter(pk=row.pk).first()


def _answer(row: Any, response: Response) -> None:
    row.status = response.status_code
    row.answer = orjson.loads(orjson.dumps(response.data, default=force_str, option=orjson.OPT_NON_STR_KEYS))
    row.save(update_fields=["status", "answer"])
