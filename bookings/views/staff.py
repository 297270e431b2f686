"""What staff do with bookings through the API."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_view, inline_serializer
from rest_framework.fields import IntegerField
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import Needs
from bookings import services
from bookings.filters import StaffBookingFilter
from bookings.models import Booking
from bookings.serializers.answers import BookingAnswer, StaffBookingSummary
from bookings.serializers.requests import GuestMessage, OptionalReason, Reason
from bookings.views.bookings import shown


@extend_schema_view(get=extend_schema(operation_id="admin_bookings_list"))
class StaffBookingsView(ListAPIView):
    """All bookings, with filters and search."""

    permission_classes = [Needs("bookings.view_booking")]
    serializer_class = StaffBookingSummary
    filterset_class = StaffBookingFilter

    def get_queryset(self) -> Any:
        return Booking.objects.for_display()


class ConfirmView(APIView):
    permission_classes = [Needs("bookings.confirm")]

    @extend_schema(request=Reason, responses={200: BookingAnswer}, operation_id="admin_bookings_confirm_create")
    def post(self, request: Any, booking_id: UUID) -> Response:
        """Confirm without payment, and say why."""
        asked = Reason(data=request.data)
        asked.is_valid(raise_exception=True)
        services.confirm_booking(booking_id=booking_id, actor=request.user, **asked.validated_data)
        return Response(shown(request, booking_id))


class ResendVoucherView(APIView):
    permission_classes = [Needs("bookings.change_booking")]

    @extend_schema(request=None, responses={202: None}, operation_id="admin_bookings_resend_voucher_create")
    def post(self, request: Any, booking_id: UUID) -> Response:
        """Mail voucher and calendar file again."""
        services.resend_voucher(booking_id=booking_id, actor=request.user)
        return Response(status=202)


class MessageView(APIView):
    permission_classes = [Needs("bookings.change_booking")]

    @extend_schema(
        request=GuestMessage,
        responses={
            202: inline_serializer("GuestMessageAnswer", {"bookings": IntegerField(help_text="How many are told.")})
        },
        operation_id="admin_departures_messages_create",
    )
    def post(self, request: Any, departure_id: UUID) -> Response:
        """Write to all guests of a departure, each in their language. The same message again goes only to who has it not yet."""
        asked = GuestMessage(data=request.data)
        asked.is_valid(raise_exception=True)
        told = services.write_to_guests(departure_id=departure_id, texts=asked.validated_data, actor=request.user)
        return Response({"bookings": told}, status=202)


class NoShowView(APIView):
    permission_classes = [Needs("bookings.change_booking")]

    @extend_schema(request=OptionalReason, responses={200: BookingAnswer}, operation_id="admin_bookings_no_show_create")
    def post(self, request: Any, booking_id: UUID) -> Response:
        """The party did not come."""
        asked = OptionalReason(data=request.data)
        asked.is_valid(raise_exception=True)
        services.mark_no_show(booking_id=booking_id, actor=request.user, **asked.validated_data)
        return Response(shown(request, booking_id))
