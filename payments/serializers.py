"""The API's shapes of payments and refunds. Amounts are text in the currency's own decimals."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bookings.models import Booking
from ledger.money import amount_text
from payments.gateways.registry import known_codes, offered_codes
from payments.models import Payment, PaymentEvent, PaymentStatus, Refund
from payments.services.ways import Way, ways_to_pay
from payments.wording import refund_reason, way_to_pay

NOTHING_TO_DO = {"type": "none"}


def deposit_field() -> serializers.BooleanField:
    return serializers.BooleanField(
        required=False,
        default=False,
        help_text="Pay the booking's `deposit_due` instead of `amount_due`. 422 `no_deposit` where nothing of one is due.",
    )


class StartSerializer(serializers.Serializer):
    """What a client says to pay a booking. How much is due, it does not say: we do."""

    booking_id = serializers.UUIDField()
    gateway = serializers.ChoiceField(known_codes(), help_text="Which way to pay; `sandbox` where it is offered.")
    return_url = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="", help_text="Where the payer lands after paying."
    )
    cancel_url = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="", help_text="Where the payer lands otherwise."
    )
    deposit = deposit_field()

    def validate_gateway(self, code: str) -> str:
        if code not in offered_codes():
            raise serializers.ValidationError(_("One of: {codes}.").format(codes=", ".join(offered_codes())))
        return code


class ActionSerializer(serializers.Serializer):
    """What the payer does next: `redirect` to `url`; `client_secret`: pay in the client's own form; or `none`."""

    type = serializers.CharField()
    url = serializers.URLField(required=False)
    value = serializers.CharField(required=False, help_text="The secret that Stripe.js needs.")
    publishable_key = serializers.CharField(required=False)


def next_step(payment: Payment) -> dict[str, Any]:
    """What the payer does next. In a form of the client's own they may be asked for more while it is being processed."""
    waits = payment.status == PaymentStatus.PENDING or (payment.own_form and payment.is_open)
    return payment.action or NOTHING_TO_DO if waits else NOTHING_TO_DO


class FailureSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()


class RefundSerializer(serializers.ModelSerializer):
    amount = serializers.SerializerMethodField()
    currency = serializers.CharField(source="payment.currency", read_only=True)
    reason = serializers.SerializerMethodField()

    class Meta:
        model = Refund
        fields = ["id", "number", "amount", "currency", "status", "reason", "created_at", "done_at"]
        read_only_fields = fields

    def get_amount(self, refund: Refund) -> str:
        return amount_text(refund.amount, refund.payment.currency)

    def get_reason(self, refund: Refund) -> str:
        return refund_reason(refund)


class PaymentEventSerializer(serializers.ModelSerializer):
    class Meta:
        model = PaymentEvent
        fields = ["at", "old_status", "new_status"]
        read_only_fields = fields


class PaymentSerializer(serializers.ModelSerializer):
    booking_id = serializers.UUIDField(read_only=True)
    booking_reference = serializers.CharField(source="booking.reference", read_only=True)
    amount = serializers.SerializerMethodField()
    refunded_amount = serializers.SerializerMethodField()
    action = serializers.SerializerMethodField()
    failure = serializers.SerializerMethodField()
    refunds = RefundSerializer(many=True, read_only=True)

    class Meta:
        model = Payment
        fields = [
            "id",
            "number",
            "booking_id",
            "booking_reference",
            "gateway",
            "status",
            "amount",
            "currency",
            "refunded_amount",
            "action",
            "failure",
            "created_at",
            "expires_at",
            "paid_at",
            "refunds",
        ]
        read_only_fields = fields

    def get_amount(self, payment: Payment) -> str:
        return amount_text(payment.amount, payment.currency)

    def get_refunded_amount(self, payment: Payment) -> str:
        return amount_text(payment.refunded_amount, payment.currency)

    @extend_schema_field(ActionSerializer)
    def get_action(self, payment: Payment) -> dict[str, Any]:
        return next_step(payment)

    @extend_schema_field(FailureSerializer(allow_null=True))
    def get_failure(self, payment: Payment) -> dict[str, str] | None:
        if payment.status != PaymentStatus.FAILED:
            return None
        message = _("The payment was refused. Try another way to pay.")
        return {"code": payment.failure_code or "declined", "message": message}


class WaySerializer(serializers.Serializer):
    """A way to pay that can be asked for exactly this money."""

    gateway = serializers.CharField(help_text="What `POST payments` calls `gateway`.")
    name = serializers.SerializerMethodField(help_text="What a button says, in the language asked for.")
    whole = serializers.BooleanField(help_text="Takes `amount_due`.")
    deposit = serializers.BooleanField(help_text="Takes `deposit_due`.")
    on_its_page = serializers.BooleanField(help_text="`POST payments` answers with an address to send the payer to.")
    in_a_form = serializers.BooleanField(help_text="Your own page can collect the payment (`payments/intent`).")

    def get_name(self, way: Way) -> str:
        return way_to_pay(way.gateway)


class WaysAskedSerializer(serializers.Serializer):
    booking_id = serializers.UUIDField()


class WaysSerializer(serializers.Serializer):
    booking_id = serializers.UUIDField(source="pk")
    currency = serializers.CharField()
    amount_due = serializers.SerializerMethodField()
    deposit_due = serializers.SerializerMethodField(help_text="0 where no deposit is due.")
    ways = serializers.SerializerMethodField()

    def get_amount_due(self, booking: Booking) -> str:
        return amount_text(booking.amount_due, booking.currency)

    def get_deposit_due(self, booking: Booking) -> str:
        return amount_text(booking.deposit_due, booking.currency)

    @extend_schema_field(WaySerializer(many=True))
    def get_ways(self, booking: Booking) -> Any:
        return WaySerializer(ways_to_pay(booking), many=True).data


class OrderSerializer(serializers.Serializer):
    booking_id = serializers.UUIDField()
    return_url = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="", help_text="Where the payer lands after paying."
    )
    cancel_url = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="", help_text="Where the payer lands otherwise."
    )
    deposit = deposit_field()


class OrderMadeSerializer(serializers.ModelSerializer):
    payment_id = serializers.UUIDField(source="pk", read_only=True)
    order_id = serializers.CharField(source="gateway_reference", read_only=True)
    approval_url = serializers.SerializerMethodField()

    class Meta:
        model = Payment
        fields = ["order_id", "approval_url", "status", "payment_id"]
        read_only_fields = fields

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_approval_url(self, payment: Payment) -> str | None:
        return next_step(payment).get("url")


class CaptureSerializer(serializers.Serializer):
    order_id = serializers.CharField(max_length=100)


class CapturedSerializer(serializers.ModelSerializer):
    payment_id = serializers.UUIDField(source="pk", read_only=True)
    capture_id = serializers.CharField(source="captured_reference", read_only=True, help_text="Empty while PROCESSING.")
    amount = serializers.SerializerMethodField()

    class Meta:
        model = Payment
        fields = ["capture_id", "status", "amount", "currency", "payment_id"]
        read_only_fields = fields

    def get_amount(self, payment: Payment) -> str:
        return amount_text(payment.amount, payment.currency)


class IntentSerializer(serializers.Serializer):
    booking_id = serializers.UUIDField()
    deposit = deposit_field()


class IntentMadeSerializer(serializers.ModelSerializer):
    payment_id = serializers.UUIDField(source="pk", read_only=True)
    intent_id = serializers.CharField(source="gateway_reference", read_only=True)
    client_secret = serializers.SerializerMethodField()
    publishable_key = serializers.SerializerMethodField()
    amount = serializers.SerializerMethodField()

    class Meta:
        model = Payment
        fields = ["payment_id", "intent_id", "client_secret", "publishable_key", "status", "amount", "currency"]
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_client_secret(self, payment: Payment) -> str | None:
        return next_step(payment).get("value")

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_publishable_key(self, payment: Payment) -> str | None:
        return next_step(payment).get("publishable_key")

    def get_amount(self, payment: Payment) -> str:
        return amount_text(payment.amount, payment.currency)


class ConfirmSerializer(serializers.Serializer):
    payment_id = serializers.UUIDField()


class MismatchSerializer(serializers.Serializer):
    resolution = serializers.ChoiceField(
        ["give_back", "keep"],
        help_text="`give_back`: all that came goes back, and the booking can be paid anew. `keep`: it counts; what is missing "
        "stays due, what is too much goes back.",
    )
    reason = serializers.CharField(max_length=300)


class PaymentDetailSerializer(PaymentSerializer):
    timeline = serializers.SerializerMethodField()

    class Meta(PaymentSerializer.Meta):
        fields = [*PaymentSerializer.Meta.fields, "timeline"]
        read_only_fields = fields

    @extend_schema_field(PaymentEventSerializer(many=True))
    def get_timeline(self, payment: Payment) -> Any:
        return PaymentEventSerializer(payment.events.exclude(new_status=""), many=True).data


class RefundRequestSerializer(serializers.Serializer):
    """How much goes back, and why."""

    amount = serializers.DecimalField(
        max_digits=14,
        decimal_places=3,
        required=False,
        help_text="In the payment's currency; all that is left where it is not said.",
    )
    reason = serializers.CharField(max_length=300)

    def validate_amount(self, amount: Any) -> Any:
        if amount <= 0:
            raise serializers.ValidationError(_("It must be more than zero."))
        return amount


class RefundOfSerializer(RefundRequestSerializer):
    """The same with the payment in the body."""

    payment_id = serializers.UUIDField()
