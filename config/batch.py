"""Several operations in one call, for staff: each is done or refused by itself, and says so in the answer."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from config import metrics
from config.api import AWAY, BROKEN, error_body
from config.errors import DomainError, InvalidInput
from config.outages import RETRY_AFTER, part_that_is_away

logger = logging.getLogger(__name__)

MOST = 100


class MayNotDoThis(DomainError):
    code = "permission_denied"
    status = 403
    message = gettext_lazy("You may not do this.")


@dataclass(frozen=True)
class Action:
    """What an operation may ask: `do(id, actor, **rest)` returns what the answer shows; `asked` checks the rest."""

    permission: str
    asked: type[serializers.Serializer]
    do: Callable[..., Mapping[str, Any]]


class OperationSerializer(serializers.Serializer):
    """What every operation names."""

    action: Any = serializers.CharField(max_length=40)
    id = serializers.UUIDField()


class OperationError(serializers.Serializer):
    """The common error body."""

    error = serializers.CharField()
    error_code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.JSONField()
    timestamp = serializers.DateTimeField()
    request_id = serializers.CharField()


class OperationResult(serializers.Serializer):
    """What came of one operation: `error` where it was refused, else what the subclass names `result`."""

    index = serializers.IntegerField(help_text="Its place in what was sent, from 0.")
    action = serializers.CharField()
    id = serializers.CharField()
    status = serializers.IntegerField(help_text="As an HTTP status: 200, or why not.")
    error = OperationError(allow_null=True)


def run_batch(request: Any, actions: Mapping[str, Action]) -> dict[str, Any]:
    """Do the `operations` of the request's body in their order, each in a transaction of its own.

    Returns `{"done", "refused", "results"}`. What is refused stops nothing. Raises `InvalidInput` when the body is no list of
    1 to 100 operations.
    """
    results = [_run(request, actions, place, one) for place, one in enumerate(_operations(request.data))]
    done = sum(result["status"] == 200 for result in results)
    return {"done": done, "refused": len(results) - done, "results": results}


def _operations(body: Any) -> list[Any]:
    operations = body.get("operations") if isinstance(body, dict) else None
    if not isinstance(operations, list) or not 1 <= len(operations) <= MOST:
        raise InvalidInput(details={"operations": [_("A list of 1 to {most} operations.").format(most=MOST)]})
    return operations


def _run(request: Any, actions: Mapping[str, Action], place: int, one: Any) -> dict[str, Any]:
    named = one if isinstance(one, dict) else {}
    outcome = {
        "index": place,
        "action": str(named.get("action", ""))[:40],
        "id": str(named.get("id", ""))[:40],
        "status": 200,
        "error": None,
        "result": None,
    }
    try:
        outcome["result"] = _do(request, actions, one)
    except serializers.ValidationError as fault:
        details = fault.detail if isinstance(fault.detail, dict) else {"operation": fault.detail}
        outcome |= _refused(request, 400, "invalid", _("Some fields are not valid."), details)
    except DomainError as refusal:
        outcome |= _refused(request, refusal.status, refusal.code, str(refusal), refusal.details)
    except Exception as fault:  # the outermost edge of one operation: what was done before it stays told
        logger.exception("an operation of a batch broke off")
        outcome |= _broken(request, fault)
    return outcome


def _broken(request: Any, fault: Exception) -> dict[str, Any]:
    """503 where a part we stand on was away (it may be asked again), else 500; the trace is in the log."""
    away = part_that_is_away(fault)
    if away:
        metrics.UNAVAILABLE.labels(away).inc()
        return _refused(request, 503, "unavailable", str(AWAY), {"retry_after": RETRY_AFTER})
    return _refused(request, 500, "internal_error", str(BROKEN), {})


def _do(request: Any, actions: Mapping[str, Action], one: Any) -> Mapping[str, Any]:
    common = OperationSerializer(data=one)
    common.is_valid(raise_exception=True)
    action = actions.get(common.validated_data["action"])
    if action is None:
        known = ", ".join(actions)
        raise serializers.ValidationError({"action": [_("One of: {known}.").format(known=known)]})
    if not request.user.has_perm(action.permission):
        raise MayNotDoThis
    asked = action.asked(data=one)
    asked.is_valid(raise_exception=True)
    return action.do(common.validated_data["id"], request.user, **asked.validated_data)


def _refused(request: Any, status: int, code: str, message: str, details: Any) -> dict[str, Any]:
    return {"status": status, "error": error_body(request._request, status, code, message, details)}
