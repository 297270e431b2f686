"""Many bookings in one call, for staff."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import Needs
from bookings import services
from bookings.models import Booking, BookingStatus, PaymentState
from bookings.serializers.requests import Cancel, OptionalReason, Reason
from config.batch import Action, OperationResult, OperationSerializer, run_batch
from config.idempotency import once_around_gateway
from config.schema import IDEMPOTENCY_KEY


class NoteForStaff(serializers.Serializer):
    text = serializers.CharField(max_length=2000, allow_blank=True)


class Nothing(serializers.Serializer):
    """The operation needs no more than its id."""


class BookingOperation(OperationSerializer, Cancel):
    """`confirm` needs a reason; `text` belongs to `note`."""

    action = serializers.ChoiceField(["confirm", "cancel", "no_show", "resend_voucher", "note"])
    text = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class BookingBatch(serializers.Serializer):
    operations: Any = serializers.ListSerializer(child=BookingOperation(), min_length=1, max_length=100)


class BookingState(serializers.Serializer):
    """How a booking stands after an operation."""

    id = serializers.UUIDField()
    reference = serializers.CharField()
    status = serializers.ChoiceField(BookingStatus.choices)
    payment_status = serializers.ChoiceField(PaymentState.choices)


class BookingOperationResult(OperationResult):
    result = BookingState(allow_null=True)


class BookingBatchAnswer(serializers.Serializer):
    done = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = BookingOperationResult(many=True)


def _confirm(booking_id: UUID, actor: Any, **asked: Any) -> dict[str, Any]:
    return _state(services.confirm_booking(booking_id=booking_id, actor=actor, **asked))


def _cancel(booking_id: UUID, actor: Any, **asked: Any) -> dict[str, Any]:
    return _state(services.cancel_booking(booking_id=booking_id, actor=actor, **asked))


def _no_show(booking_id: UUID, actor: Any, **asked: Any) -> dict[str, Any]:
    return _state(services.mark_no_show(booking_id=booking_id, actor=actor, **asked))


def _resend(booking_id: UUID, actor: Any) -> dict[str, Any]:
    return _state(services.resend_voucher(booking_id=booking_id, actor=actor))


def _note(booking_id: UUID, actor: Any, text: str) -> dict[str, Any]:
    return _state(services.write_staff_note(booking_id=booking_id, text=text, actor=actor))


def _state(booking: Booking) -> dict[str, Any]:
    return dict(BookingState(booking).data)


ACTIONS = {
    "confirm": Action("bookings.confirm", Reason, _confirm),
    "cancel": Action("bookings.cancel", Cancel, _cancel),
    "no_show": Action("bookings.change_booking", OptionalReason, _no_show),
    "resend_voucher": Action("bookings.change_booking", Nothing, _resend),
    "note": Action("bookings.change_booking", NoteForStaff, _note),
}


class BookingBatchView(APIView):
    permission_classes = [Needs("bookings.view_booking")]

    @extend_schema(
        request=BookingBatch,
        responses={200: BookingBatchAnswer},
        parameters=[IDEMPOTENCY_KEY],
        operation_id="admin_bookings_batch_create",
        tags=["back-office"],
    )
    @once_around_gateway("admin-bookings-batch")
    def post(self, request: Any) -> Response:
        """Confirm, cancel, mark, note or send vouchers of up to 100 bookings; each is done or refused by itself."""
        return Response(run_batch(request, ACTIONS))
