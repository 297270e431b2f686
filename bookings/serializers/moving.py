"""What is sent and answered where a booking moves to another departure."""

from rest_framework import serializers

from bookings.serializers.answers import OpeningHoursAnswer, QuoteAnswer


class WhereTo(serializers.Serializer):
    departure_id = serializers.UUIDField()
    keep_price = serializers.BooleanField(
        required=False, default=False, help_text="For staff: at the price that was agreed."
    )


class Move(WhereTo):
    fingerprint = serializers.RegexField(
        r"^[0-9a-f]{32}$", required=False, help_text="Of the quote that was shown: another price is refused with 409."
    )
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class MoveAnswer(serializers.Serializer):
    """What moving a booking would mean."""

    departure_id = serializers.UUIDField()
    starts_at = serializers.DateTimeField()
    any_time = serializers.BooleanField()
    date = serializers.DateField(help_text="In the destination's time zone.")
    time = serializers.CharField(allow_null=True)
    opening_hours = OpeningHoursAnswer(allow_null=True)
    available = serializers.IntegerField(help_text="Places that are left there.")
    old_total = serializers.CharField()
    total = serializers.CharField()
    difference = serializers.CharField(help_text="Below zero where the new departure is cheaper.")
    to_pay = serializers.CharField(help_text="What would be due afterwards.")
    refund = serializers.CharField(help_text="What would go back.")
    currency = serializers.CharField()
    fingerprint = serializers.CharField()
    quote = QuoteAnswer()
