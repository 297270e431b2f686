"""Many departures in one call, for staff."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import Needs
from config.batch import Action, OperationResult, OperationSerializer, run_batch
from config.idempotency import once_around_gateway
from config.schema import IDEMPOTENCY_KEY
from tours.models import Departure, DepartureStatus
from tours.services import change_departure, close_departures, reopen_departures
from tours.services.departures import MOST_PLACES


class WhyClosed(serializers.Serializer):
    reason = serializers.CharField(max_length=500)


class WhyReopened(serializers.Serializer):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class DepartureChange(serializers.Serializer):
    capacity = serializers.IntegerField(min_value=1, max_value=MOST_PLACES, required=False)
    note_en = serializers.CharField(max_length=300, required=False, allow_blank=True)
    note_ar = serializers.CharField(max_length=300, required=False, allow_blank=True)


class DepartureOperation(OperationSerializer, WhyReopened, DepartureChange):
    """`close` needs a reason; places and notes belong to `change`."""

    action = serializers.ChoiceField(["close", "reopen", "change"])


class DepartureBatch(serializers.Serializer):
    operations: Any = serializers.ListSerializer(child=DepartureOperation(), min_length=1, max_length=100)


class DepartureState(serializers.Serializer):
    """How a departure stands after an operation."""

    id = serializers.UUIDField()
    starts_at = serializers.DateTimeField()
    status = serializers.ChoiceField(DepartureStatus.choices)
    capacity = serializers.IntegerField()
    seats_left = serializers.IntegerField()


class DepartureOperationResult(OperationResult):
    result = DepartureState(allow_null=True)


class DepartureBatchAnswer(serializers.Serializer):
    done = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = DepartureOperationResult(many=True)


def _close(departure_id: UUID, actor: Any, reason: str) -> dict[str, Any]:
    return _state(close_departures(departure_ids=[departure_id], actor=actor, reason=reason)[0])


def _reopen(departure_id: UUID, actor: Any, reason: str = "") -> dict[str, Any]:
    return _state(reopen_departures(departure_ids=[departure_id], actor=actor, reason=reason)[0])


def _change(departure_id: UUID, actor: Any, **data: Any) -> dict[str, Any]:
    return _state(change_departure(departure_id=departure_id, data=data, actor=actor))


def _state(departure: Departure) -> dict[str, Any]:
    return dict(DepartureState(departure).data)


ACTIONS = {
    "close": Action("tours.close", WhyClosed, _close),
    "reopen": Action("tours.close", WhyReopened, _reopen),
    "change": Action("tours.change_departure", DepartureChange, _change),
}


class DepartureBatchView(APIView):
    permission_classes = [Needs("tours.view_departure")]

    @extend_schema(
        request=DepartureBatch,
        responses={200: DepartureBatchAnswer},
        parameters=[IDEMPOTENCY_KEY],
        operation_id="admin_departures_batch_create",
        tags=["back-office"],
    )
    @once_around_gateway("admin-departures-batch")
    def post(self, request: Any) -> Response:
        """Close, reopen or change up to 100 departures; each is done or refused by itself."""
        return Response(run_batch(request, ACTIONS))
