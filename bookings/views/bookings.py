"""Bookings, for customers, guests with their link, and staff."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import pricing, services, wording
from bookings.access import actor_of, booking_for, refuse_unless_may
from bookings.documents import calendar_ics, voucher_pdf
from bookings.errors import VoucherNotReady
from bookings.filters import BookingFilter
from bookings.models import Booking
from bookings.serializers import swift
from bookings.serializers.answers import (
    BookingAnswer,
    BookingSummary,
    CancellationAnswer,
    NewBookingAnswer,
    PickupDifference,
)
from bookings.serializers.requests import (
    Cancel,
    DetailsSerializer,
    Lookup,
    NewBooking,
    PickupChange,
    TravellersSerializer,
)
from bookings.views.holds import client_key, may_not_book, refuse_guests_where_not_wanted
from config.errors import InvalidInput
from config.i18n import language_now
from config.idempotency import once
from config.renderers import JSONRenderer
from config.schema import IDEMPOTENCY_KEY
from ledger.money import amount_text

BOOKING_TOKEN = [
    OpenApiParameter(
        "X-Booking-Token", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The secret of the booking's link."
    ),
    OpenApiParameter("token", OpenApiTypes.STR, description="The same, where no header can be sent."),
]
PARTY = ("departure_id", "guests", "extras", "currency", "voucher_code", "transfer", "fingerprint")


def shown(request: Any, booking_id: UUID, serializer: Any = BookingAnswer) -> dict[str, Any]:
    """A booking as it stands now, for whoever may see it."""
    for_staff = request.user.has_perm("bookings.view_booking")
    booking = Booking.objects.for_display().get(pk=booking_id)
    return dict(serializer(booking, context={"for_staff": for_staff}).data)


@extend_schema_view(get=extend_schema(operation_id="bookings_list"))
class BookingsView(ListAPIView):
    serializer_class = BookingSummary
    filterset_class = BookingFilter

    def get_permissions(self) -> list[Any]:
        return [AllowAny()] if self.request.method == "POST" else [IsAuthenticated()]

    def get_queryset(self) -> Any:
        return Booking.objects.visible_to(self.request.user).for_display()

    @extend_schema(
        request=NewBooking,
        responses={201: NewBookingAnswer},
        parameters=[IDEMPOTENCY_KEY],
        operation_id="bookings_create",
    )
    def post(self, request: Any) -> Response:
        """Book what a hold keeps, or hold and book in one go. It then waits for payment until `expires_at`."""
        return self.book_swiftly(request) or self.book_plainly(request)

    def book_swiftly(self, request: Any) -> Response | None:
        """The usual case in two statements. None, and nothing written, where the plain way has to look."""
        if may_not_book(request) or request.user.has_perm("bookings.view_booking"):  # staff are shown more
            return None
        asked = swift.wanted_booking(request)
        if asked is None:
            return None
        key = client_key(request, "bookings", swift.new_booking_answer)
        made = services.book_swiftly(show=swift.new_booking_answer, actor=actor_of(request), key=key, **asked)
        return None if made is None else Response(made, status=201)

    @once("bookings")
    def book_plainly(self, request: Any) -> Response:
        refuse_guests_where_not_wanted(request)
        asked = NewBooking(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        wishes = asked.wishes() | {"actor": actor_of(request)}
        if "hold_id" in given:
            made = services.create_booking(hold_id=given["hold_id"], hold_token=given.get("hold_token", ""), **wishes)
        else:
            party = {name: given[name] for name in PARTY if name in given} | {"pickup": given.get("pickup_at")}
            made = services.book_at_once(**party, **wishes)
        return Response(shown(request, made.pk, NewBookingAnswer), status=201)


class BookingView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(responses={200: BookingAnswer}, parameters=BOOKING_TOKEN, operation_id="bookings_retrieve")
    def get(self, request: Any, booking_id: UUID) -> Response:
        """A booking in full, with its history."""
        booking = booking_for(request, booking_id)
        for_staff = request.user.has_perm("bookings.view_booking")
        return Response(BookingAnswer(booking, context={"for_staff": for_staff}).data)

    @extend_schema(
        request=DetailsSerializer,
        responses={200: BookingAnswer},
        parameters=BOOKING_TOKEN,
        operation_id="bookings_partial_update",
    )
    def patch(self, request: Any, booking_id: UUID) -> Response:
        """Change contact, language, requests and needs. What else is sent changes nothing."""
        booking = booking_for(request, booking_id)
        refuse_unless_may(request, booking, "bookings.change_booking")
        asked = DetailsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        changes: dict[str, Any] = asked.details()
        changes |= {f"contact_{name}": value for name, value in (asked.whom() or {}).items()}
        if "language" in asked.validated_data:
            changes["language"] = asked.validated_data["language"]
        services.update_booking(booking_id=booking.pk, changes=changes, actor=actor_of(request))
        return Response(shown(request, booking.pk))


class CancellationView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        responses={200: CancellationAnswer}, parameters=BOOKING_TOKEN, operation_id="bookings_cancellation_retrieve"
    )
    def get(self, request: Any, booking_id: UUID) -> Response:
        """What cancelling now would bring back, line by line. It changes nothing."""
        booking = booking_for(request, booking_id)
        services.refuse_unless_cancellable(booking)
        return Response(wording.refund_in_words(services.cancellation_terms(booking)))


class CancelView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        request=Cancel,
        responses={200: BookingAnswer},
        parameters=BOOKING_TOKEN,
        operation_id="bookings_cancel_update",
    )
    def put(self, request: Any, booking_id: UUID) -> Response:
        """Cancel by the policy. Repeating it changes nothing more."""
        booking = booking_for(request, booking_id)
        refuse_unless_may(request, booking, "bookings.cancel")
        asked = Cancel(data=request.data)
        asked.is_valid(raise_exception=True)
        services.cancel_booking(booking_id=booking.pk, actor=actor_of(request), **asked.validated_data)
        return Response(shown(request, booking.pk))


class PickupView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        request=PickupChange,
        responses={200: PickupDifference},
        parameters=BOOKING_TOKEN,
        operation_id="bookings_pickup_create",
    )
    def post(self, request: Any, booking_id: UUID) -> Response:
        """What fetching the party elsewhere would cost. It changes nothing."""
        booking, asked = self._asked(request, booking_id)
        asked.pop("expected_difference", None)
        quote, difference = services.pickup_change(booking_id=booking.pk, actor=actor_of(request), **asked)
        return Response(
            {
                "difference": amount_text(difference, booking.currency),
                "total": quote["total"],
                "currency": booking.currency,
                "pickup": pricing.ride_in_words(quote["pickup"], language_now()),
            }
        )

    @extend_schema(
        request=PickupChange,
        responses={200: BookingAnswer},
        parameters=BOOKING_TOKEN,
        operation_id="bookings_pickup_update",
    )
    def put(self, request: Any, booking_id: UUID) -> Response:
        """Fetch the party elsewhere, until the tour's cut-off. What it costs more is due, what was paid too much goes back."""
        booking, asked = self._asked(request, booking_id)
        services.change_pickup(booking_id=booking.pk, actor=actor_of(request), **asked)
        return Response(shown(request, booking.pk))

    def _asked(self, request: Any, booking_id: UUID) -> tuple[Booking, dict[str, Any]]:
        booking = booking_for(request, booking_id)
        refuse_unless_may(request, booking, "bookings.change_booking")
        asked = PickupChange(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = dict(asked.validated_data)
        pickup = wanted.pop("pickup_at", None)
        return booking, wanted | {"pickup": pickup}


class TravellersView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        request=TravellersSerializer,
        responses={200: BookingAnswer},
        parameters=BOOKING_TOKEN,
        operation_id="bookings_travellers_update",
    )
    def put(self, request: Any, booking_id: UUID) -> Response:
        """Say who travels, instead of those named before; until the trip begins. A name may so go to somebody else."""
        booking = booking_for(request, booking_id)
        refuse_unless_may(request, booking, "bookings.change_booking")
        asked = TravellersSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        services.name_travellers(booking_id=booking.pk, actor=actor_of(request), **asked.validated_data)
        return Response(shown(request, booking.pk))


class DocumentView(APIView):
    """A file: asked for as anything, but its refusals are JSON."""

    permission_classes = [AllowAny]

    def perform_content_negotiation(self, request: Any, force: bool = False) -> tuple[Any, str]:
        return JSONRenderer(), JSONRenderer.media_type


class VoucherView(DocumentView):
    @extend_schema(
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
        parameters=[*BOOKING_TOKEN, OpenApiParameter("language", str, enum=["both", "en", "ar"])],
        operation_id="bookings_voucher_retrieve",
    )
    def get(self, request: Any, booking_id: UUID) -> HttpResponse:
        """The voucher with its QR code, in both languages unless one is asked for."""
        booking = booking_for(request, booking_id)
        language = request.query_params.get("language") or "both"
        if language not in ("both", "en", "ar"):
            raise InvalidInput(details={"language": ["both, en, ar"]})
        if not booking.has_voucher:
            raise VoucherNotReady(reference=booking.reference)
        return file_answer(voucher_pdf(booking, language), "application/pdf", f"{booking.reference}.pdf")


class CalendarView(DocumentView):
    @extend_schema(
        responses={(200, "text/calendar"): OpenApiTypes.STR},
        parameters=BOOKING_TOKEN,
        operation_id="bookings_calendar_retrieve",
    )
    def get(self, request: Any, booking_id: UUID) -> HttpResponse:
        """The trip as a calendar file."""
        booking = booking_for(request, booking_id)
        if not booking.has_voucher:
            raise VoucherNotReady(reference=booking.reference)
        ics = calendar_ics(booking, language_now())
        return file_answer(ics, "text/calendar; charset=utf-8", f"{booking.reference}.ics")


def file_answer(content: bytes, content_type: str, name: str) -> HttpResponse:
    """A file that is nobody else's business: not cached, not sniffed."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type=content_type, headers=headers)


class LookupView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(request=Lookup, responses={202: None}, operation_id="bookings_lookup_create")
    def post(self, request: Any) -> Response:
        """Mail the booking's link to its contact. The answer is the same whether there is such a booking or not."""
        asked = Lookup(data=request.data)
        asked.is_valid(raise_exception=True)
        services.send_link(**asked.validated_data)
        return Response(status=202)
