"""The calls by which a client's own page pays: PayPal's two steps, and Stripe's form."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from bookings.access import actor_of, booking_for, opened_by_token, refuse_unless_may
from config.idempotency import caller_of, key_of, once_around_gateway
from config.schema import IDEMPOTENCY_KEY
from payments.errors import PaymentNotFound
from payments.models import Payment
from payments.serializers import (
    CapturedSerializer,
    CaptureSerializer,
    ConfirmSerializer,
    IntentMadeSerializer,
    IntentSerializer,
    OrderMadeSerializer,
    OrderSerializer,
    PaymentSerializer,
)
from payments.services import finish_payment, start_payment
from payments.views.api import BOOKING_TOKEN

HEADERS = [IDEMPOTENCY_KEY, BOOKING_TOKEN]
ONLY_WHERE = "Only where the operator offers {gateway}: 422 `unknown_gateway` otherwise."


class StepView(GenericViewSet):
    permission_classes = [AllowAny]  # guests act with their booking's token
    queryset = Payment._base_manager.none()

    def begin(self, request: Request, wanted: dict[str, Any], **how: Any) -> Payment:
        """An attempt for the booking in the body, under the client's key."""
        booking = booking_for(request, wanted.pop("booking_id"))
        refuse_unless_may(request, booking, "payments.add_payment")
        key = key_of(request)
        return start_payment(
            booking_id=booking.pk,
            client_key=f"{caller_of(request)}:{key}" if key else "",
            actor=actor_of(request),
            **wanted,
            **how,
        )

    def finish(self, request: Request, **lookup: Any) -> Payment:
        """The attempt so named, if the caller may act on it, as the gateway says it now is. Raises `PaymentNotFound`."""
        payment = Payment.objects.for_display().filter(**lookup).first()
        if payment is None or not self.may_see(request, payment):
            raise PaymentNotFound
        refuse_unless_may(request, payment.booking, "payments.add_payment")
        return finish_payment(payment_id=payment.pk, actor=actor_of(request))

    def may_see(self, request: Request, payment: Payment) -> bool:
        visible = Payment.objects.visible_to(request.user).filter(pk=payment.pk).exists()
        return visible or opened_by_token(request, payment.booking_id)


class PayPalView(StepView):
    serializer_class = OrderSerializer

    @extend_schema(
        summary="PayPal: make an order",
        description=(
            "Opens an order for all that is due; send the payer to `approval_url`. Asked again while it is open, the same "
            f"order is answered. {ONLY_WHERE.format(gateway='PayPal')}"
        ),
        parameters=HEADERS,
        request=OrderSerializer,
        responses={201: OrderMadeSerializer},
    )
    @once_around_gateway("payments-create-order")
    def create_order(self, request: Request) -> Response:
        asked = OrderSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        payment = self.begin(request, asked.validated_data, gateway="paypal")
        return Response(OrderMadeSerializer(payment).data, status=201)

    @extend_schema(
        summary="PayPal: take the money that the payer agreed to",
        description=(
            "Safe to repeat, and not the only way: the money is taken as well when PayPal tells us of the approval, or when we "
            "ask. PROCESSING: PayPal has not decided yet. 409 `not_agreed_yet` before the payer agreed; 422 "
            "`payment_declined` when their means was refused."
        ),
        parameters=HEADERS,
        request=CaptureSerializer,
        responses=CapturedSerializer,
    )
    @once_around_gateway("payments-capture-order")
    def capture_order(self, request: Request) -> Response:
        asked = CaptureSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        payment = self.finish(request, gateway="paypal", gateway_reference=asked.validated_data["order_id"])
        return Response(CapturedSerializer(payment).data)


class StripeView(StepView):
    serializer_class = IntentSerializer

    @extend_schema(
        summary="Stripe: begin to pay in a form of your own",
        description=(
            "Opens a PaymentIntent for all that is due. Give `client_secret` and `publishable_key` to Stripe.js, which collects "
            "the card; it never touches this server. For Stripe's hosted page, use `POST payments` instead. "
            f"{ONLY_WHERE.format(gateway='Stripe')}"
        ),
        parameters=HEADERS,
        request=IntentSerializer,
        responses={201: IntentMadeSerializer},
    )
    @once_around_gateway("payments-intent")
    def create_intent(self, request: Request) -> Response:
        asked = IntentSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        payment = self.begin(request, asked.validated_data, gateway="stripe", own_form=True)
        return Response(IntentMadeSerializer(payment).data, status=201)

    @extend_schema(
        summary="Stripe: the form says it is done",
        description=(
            "Asks Stripe what became of it; what the client says is not believed. Safe to repeat, and not needed: Stripe tells "
            "us as well. 409 `not_agreed_yet` while nothing was paid; 422 `payment_declined` when the card was refused."
        ),
        parameters=HEADERS,
        request=ConfirmSerializer,
        responses=PaymentSerializer,
    )
    @once_around_gateway("payments-confirm")
    def confirm(self, request: Request) -> Response:
        asked = ConfirmSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted: UUID = asked.validated_data["payment_id"]
        payment = self.finish(request, gateway="stripe", pk=wanted)
        return Response(PaymentSerializer(Payment.objects.for_display().get(pk=payment.pk)).data)
