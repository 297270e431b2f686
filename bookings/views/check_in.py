"""Manifest and check-in: for apps of guides, and for the back-office's own check-in page."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import Needs
from bookings import selectors, services
from bookings.serializers.check_in import (
    AbsentRequest,
    BatchAnswer,
    BatchRequest,
    CheckInRequest,
    DescribedBatchRequest,
    ManifestAnswer,
    PartyAnswer,
    StepRequest,
    UndoRequest,
)
from config.errors import InvalidInput


class ManifestView(APIView):
    permission_classes = [Needs("bookings.view_manifest")]

    @extend_schema(responses={200: ManifestAnswer}, operation_id="admin_departures_manifest_retrieve")
    def get(self, request: Any, departure_id: UUID) -> Response:
        """Who travels on a departure, and who of them came."""
        return Response(ManifestAnswer(selectors.manifest(departure_id)).data)


class CheckInView(APIView):
    permission_classes = [Needs("bookings.check_in")]

    @extend_schema(request=CheckInRequest, responses={200: PartyAnswer}, operation_id="admin_bookings_check_in_create")
    def post(self, request: Any, booking_id: UUID) -> Response:
        """Guests of a booking came."""
        given = _given(CheckInRequest, request)
        services.check_in(booking_id=booking_id, actor=request.user, **given)
        return _party(booking_id, given.get("departure_id"))


class AbsentView(APIView):
    permission_classes = [Needs("bookings.check_in")]

    @extend_schema(request=AbsentRequest, responses={200: PartyAnswer}, operation_id="admin_bookings_absent_create")
    def post(self, request: Any, booking_id: UUID) -> Response:
        """Guests of a booking did not come. When nobody came, the booking is a no-show."""
        given = _given(AbsentRequest, request)
        services.mark_absent(booking_id=booking_id, actor=request.user, **given)
        return _party(booking_id, given.get("departure_id"))


class UndoCheckInView(APIView):
    permission_classes = [Needs("bookings.check_in")]

    @extend_schema(
        request=UndoRequest, responses={200: PartyAnswer}, operation_id="admin_bookings_check_in_undo_create"
    )
    def post(self, request: Any, booking_id: UUID) -> Response:
        """Take one step back."""
        given = _given(UndoRequest, request)
        undone = services.undo_check_in(booking_id=booking_id, actor=request.user, **given)
        return _party(booking_id, undone.attendance.item.departure_id)


class CheckInBatchView(APIView):
    permission_classes = [Needs("bookings.check_in", "bookings.view_manifest")]

    @extend_schema(
        request=DescribedBatchRequest,
        responses={200: BatchAnswer},
        operation_id="admin_departures_check_ins_create",
    )
    def post(self, request: Any, departure_id: UUID) -> Response:
        """What a phone noted while it was without reception: each step is done once or refused by itself."""
        asked = BatchRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        selectors.manifest(departure_id)  # an unknown departure refuses all
        results = [_one(departure_id, step, request.user) for step in asked.validated_data["steps"]]
        return Response({"results": results, "manifest": ManifestAnswer(selectors.manifest(departure_id)).data})


def _given(serializer: Any, request: Any) -> dict[str, Any]:
    asked = serializer(data=request.data)
    asked.is_valid(raise_exception=True)
    given = dict(asked.validated_data)
    return {**{name: value for name, value in given.items() if name != "id"}, "key": given.get("id")}


def _party(booking_id: UUID, departure_id: UUID | None) -> Response:
    return Response(PartyAnswer(selectors.party_of(booking_id, departure_id)).data)


def _one(departure_id: UUID, step: dict[str, Any], actor: Any) -> dict[str, Any]:
    asked = StepRequest(data=step)
    if not asked.is_valid():
        named = step.get("id")
        return _refused(str(named) if named else None, InvalidInput(details=dict(asked.errors)))
    [outcome] = services.take_over_check_ins(departure_id=departure_id, steps=[asked.validated_data], actor=actor)
    if outcome.refusal is not None:
        return _refused(str(outcome.key), outcome.refusal)
    return {"id": str(outcome.key), "outcome": "done", "status": 200, "error": None}


def _refused(key: str | None, refusal: Any) -> dict[str, Any]:
    error = {"error_code": refusal.code, "message": str(refusal), "details": refusal.details}
    return {"id": key, "outcome": "refused", "status": refusal.status, "error": error}
