"""The payments API."""

import hashlib
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.exceptions import NotAuthenticated
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.permissions import Needs
from bookings.access import actor_of, booking_for, opened_by_token, refuse_unless_may
from config.idempotency import caller_of, key_of, once, once_around_gateway
from config.ids import uuid7
from config.schema import IDEMPOTENCY_KEY
from payments.errors import PaymentNotFound
from payments.filters import PaymentFilter
from payments.models import Payment
from payments.serializers import (
    MismatchSerializer,
    PaymentDetailSerializer,
    PaymentSerializer,
    RefundOfSerializer,
    RefundRequestSerializer,
    RefundSerializer,
    StartSerializer,
    WaysAskedSerializer,
    WaysSerializer,
)
from payments.services import give_mismatch_back, keep_mismatch, request_refund, start_payment

BOOKING_TOKEN = OpenApiParameter(
    "X-Booking-Token", str, OpenApiParameter.HEADER, description="What a guest without an account was given."
)
PAYMENT_ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)


@extend_schema_view(
    list=extend_schema(
        summary="My payments",
        description="Customers see those of their bookings, staff all. A guest names `booking_id` and sends the token.",
        parameters=[BOOKING_TOKEN],
    ),
    retrieve=extend_schema(
        summary="A payment with its refunds and timeline",
        parameters=[PAYMENT_ID, BOOKING_TOKEN],
        responses=PaymentDetailSerializer,
    ),
)
class PaymentViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet):
    permission_classes = [AllowAny]  # guests act with their booking's token
    serializer_class = PaymentSerializer
    filterset_class = PaymentFilter
    queryset = Payment._base_manager.none()

    def get_queryset(self) -> QuerySet[Any]:
        user, asked = self.request.user, self.request.query_params.get("booking_id", "")
        if user.is_authenticated:
            return Payment.objects.visible_to(user).for_display()
        if not asked:
            raise NotAuthenticated
        try:
            return Payment.objects.for_display().filter(booking_id=booking_for(self.request, UUID(asked)).pk)
        except ValueError:
            return Payment.objects.none()  # the filter refuses what is no id

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(PaymentDetailSerializer(self.find(kwargs["pk"])).data)

    @extend_schema(
        summary="Ways to pay a booking",
        description=(
            "The gateways that can be asked for exactly what is due, or the deposit: currency, smallest amount and steps fit. "
            "Empty where nothing is due, or where the operator has no gateway for it."
        ),
        parameters=[OpenApiParameter("booking_id", OpenApiTypes.UUID, required=True), BOOKING_TOKEN],
        responses=WaysSerializer,
        filters=False,
    )
    def ways(self, request: Request) -> Response:
        asked = WaysAskedSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return Response(WaysSerializer(booking_for(request, asked.validated_data["booking_id"])).data)

    def find(self, payment_id: UUID) -> Payment:
        """A payment the caller may see, be it by the token of its booking. Raises `PaymentNotFound`."""
        payments = Payment.objects.for_display().filter(pk=payment_id)
        visible: Payment | None = payments.visible_to(self.request.user).first()
        if visible is not None:
            return visible
        hidden: Payment | None = payments.first()
        if hidden is None or not opened_by_token(self.request, hidden.booking_id):
            raise PaymentNotFound
        return hidden

    @extend_schema(
        summary="Pay a booking",
        description=(
            "Opens an attempt to pay all that is due, or with `deposit` what confirms the booking; `action` says what the payer "
            "does next. The amount is the booking's, whatever the client sends. Asked again while an attempt is open, that one "
            "is answered. 503 leaves the attempt open: the same request again goes on with it."
        ),
        parameters=[IDEMPOTENCY_KEY, BOOKING_TOKEN],
        request=StartSerializer,
        responses={201: PaymentSerializer},
    )
    @once_around_gateway("payments")
    def create(self, request: Request) -> Response:
        asked = StartSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        booking = booking_for(request, wanted.pop("booking_id"))
        refuse_unless_may(request, booking, "payments.add_payment")
        key = key_of(request)
        payment = start_payment(
            booking_id=booking.pk,
            client_key=f"{caller_of(request)}:{key}" if key else "",
            actor=actor_of(request),
            **wanted,
        )
        return Response(PaymentSerializer(payment).data, status=201)


class RefundView(GenericViewSet):
    permission_classes = [Needs("payments.refund")]
    serializer_class = RefundRequestSerializer
    queryset = Payment._base_manager.none()

    @extend_schema(
        summary="Refund a payment (staff)",
        description="All of what is left, or a part. It is carried out at once in the background; see its status.",
        parameters=[IDEMPOTENCY_KEY, PAYMENT_ID],
        request=RefundRequestSerializer,
        responses={201: RefundSerializer},
    )
    @once("payment-refunds")
    def create(self, request: Request, pk: UUID) -> Response:
        asked = RefundRequestSerializer(data=request.data)
        return self.ask(request, pk, asked)

    @extend_schema(
        operation_id="payments_refund_named_create",
        summary="Refund a payment named in the body (staff)",
        description="The same as `payments/{id}/refund`.",
        parameters=[IDEMPOTENCY_KEY],
        request=RefundOfSerializer,
        responses={201: RefundSerializer},
    )
    @once("payment-refunds")
    def create_for(self, request: Request) -> Response:
        asked = RefundOfSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return self.ask(request, asked.validated_data["payment_id"], asked)

    def ask(self, request: Request, payment_id: UUID, asked: RefundRequestSerializer) -> Response:
        payment = Payment.objects.filter(pk=payment_id).first()
        if payment is None:
            raise PaymentNotFound
        asked.is_valid(raise_exception=True)
        refund = request_refund(
            payment_id=payment.pk,
            amount=asked.validated_data.get("amount", payment.refundable),
            cause=f"staff:{asked_once(request)}",
            reason=asked.validated_data["reason"],
            actor=request.user,
        )
        return Response(RefundSerializer(refund).data, status=201)


class MismatchView(GenericViewSet):
    permission_classes = [Needs("payments.reconcile")]
    serializer_class = MismatchSerializer
    queryset = Payment._base_manager.none()

    @extend_schema(
        summary="Decide what a wrong amount is (staff)",
        description="For a payment flagged AMOUNT_MISMATCH: the gateway took another amount than it was asked for.",
        parameters=[IDEMPOTENCY_KEY, PAYMENT_ID],
        request=MismatchSerializer,
        responses=PaymentSerializer,
    )
    @once_around_gateway("payment-mismatches")
    def resolve(self, request: Request, pk: UUID) -> Response:
        asked = MismatchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        decide = keep_mismatch if asked.validated_data["resolution"] == "keep" else give_mismatch_back
        payment = decide(payment_id=pk, reason=asked.validated_data["reason"], actor=request.user)
        return Response(PaymentSerializer(Payment.objects.for_display().get(pk=payment.pk)).data)


def asked_once(request: Request) -> str:
    """What makes this request the same as its repeats: the caller's key, or nothing but itself."""
    key = key_of(request)
    return hashlib.sha256(f"{caller_of(request)}:{key}".encode()).hexdigest() if key else str(uuid7())
