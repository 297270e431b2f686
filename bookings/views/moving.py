"""Moving a booking to another departure, for its customer and for staff."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import pricing, services
from bookings.access import actor_of, booking_for, refuse_unless_may
from bookings.serializers.answers import BookingAnswer
from bookings.serializers.moving import Move, MoveAnswer, WhereTo
from bookings.services import MoveTerms
from bookings.views.bookings import BOOKING_TOKEN, shown
from config.idempotency import once
from config.schema import IDEMPOTENCY_KEY
from ledger.money import amount_text
from tours.selectors.capacity import places_left


class RescheduleView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        responses={200: MoveAnswer},
        parameters=[
            OpenApiParameter("departure_id", OpenApiTypes.UUID, required=True, description="Where to."),
            OpenApiParameter("keep_price", OpenApiTypes.BOOL, description="For staff: at the price that was agreed."),
            *BOOKING_TOKEN,
        ],
        operation_id="bookings_reschedule_retrieve",
    )
    def get(self, request: Any, booking_id: UUID) -> Response:
        """What moving to that departure would cost or bring back. It changes nothing and keeps no seats."""
        booking = booking_for(request, booking_id)
        refuse_unless_may(request, booking, "bookings.change_booking")
        asked = WhereTo(data=request.query_params)
        asked.is_valid(raise_exception=True)
        terms = services.move_terms(booking, actor=actor_of(request), **asked.validated_data)
        return Response(_in_words(terms))

    @extend_schema(
        request=Move,
        responses={200: BookingAnswer},
        parameters=[IDEMPOTENCY_KEY, *BOOKING_TOKEN],
        operation_id="bookings_reschedule_create",
    )
    @once("bookings.reschedule")
    def post(self, request: Any, booking_id: UUID) -> Response:
        """Move it. The old seats are given back once the new ones are won; what is missing becomes due, the rest goes back."""
        booking = booking_for(request, booking_id)
        refuse_unless_may(request, booking, "bookings.change_booking")
        asked = Move(data=request.data)
        asked.is_valid(raise_exception=True)
        services.move_booking(booking_id=booking.pk, actor=actor_of(request), **asked.validated_data)
        return Response(shown(request, booking.pk))


def _in_words(terms: MoveTerms) -> dict[str, Any]:
    currency = terms.booking.currency
    return {
        "departure_id": str(terms.departure.pk),
        "starts_at": terms.quote["starts_at"],
        **pricing.when(terms.quote),
        "available": places_left(terms.departure),
        "old_total": amount_text(terms.booking.total, currency),
        "total": amount_text(terms.total, currency),
        "difference": amount_text(terms.difference, currency),
        "to_pay": amount_text(terms.to_pay, currency),
        "refund": amount_text(terms.refund, currency),
        "currency": currency,
        "fingerprint": terms.quote["fingerprint"],
        "quote": pricing.in_words(terms.quote),
    }
