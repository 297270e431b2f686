"""What callers get. Amounts are text with the currency's decimals, times UTC, texts in the language at hand."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bookings import pricing, wording
from bookings.access import booking_token
from bookings.models import Booking, BookingEvent, BookingItem, BookingStatus, Hold, HoldStatus, PaymentState
from bookings.services.holds import extensions_left, is_usable
from config.i18n import in_language
from ledger.money import amount_text


class Amount(serializers.CharField):
    """An amount of something that has a `currency`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def get_attribute(self, instance: Any) -> str:
        return amount_text(getattr(instance, str(self.source)), instance.currency)


class BecauseSerializer(serializers.Serializer):
    rule = serializers.CharField(help_text="`price_rule:<id>`, `net_rate:<id>`, `price_list:…:from-<guests>`.")
    text = serializers.CharField(help_text="`High season: +20 %`")
    text_en = serializers.CharField()
    text_ar = serializers.CharField()
    unit = serializers.CharField(help_text="The price after it.")


class QuoteLineSerializer(serializers.Serializer):
    code = serializers.CharField()
    rule = serializers.CharField(help_text="What made this line: `price_list:<option>:<category>`, `extra:<code>` …")
    label = serializers.CharField()  # type: ignore[assignment]
    label_en = serializers.CharField()
    label_ar = serializers.CharField()
    quantity = serializers.IntegerField()
    unit = serializers.CharField()
    amount = serializers.CharField()
    was = serializers.CharField(allow_null=True, help_text="What the unit would be without the rules that lowered it.")
    because = BecauseSerializer(many=True, help_text="The rules that changed the list's price, one after the other.")
    percent = serializers.CharField(required=False, help_text="Of a fee that is a percentage of the lines before it.")


class QuoteTaxLineSerializer(serializers.Serializer):
    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    label_en = serializers.CharField()
    label_ar = serializers.CharField()
    percent = serializers.CharField()
    inclusive = serializers.BooleanField(help_text="Whether the lines contain it; else it is added to them.")
    amount = serializers.CharField()
    on_fee = serializers.BooleanField(required=False, help_text="Only where it is not on the fee: false.")


class OpeningHoursAnswer(serializers.Serializer):
    opens = serializers.CharField()
    closes = serializers.CharField()


class DepositAnswer(serializers.Serializer):
    amount = serializers.CharField(help_text="Confirms the booking when paid.")
    balance = serializers.CharField()
    balance_due_at = serializers.DateTimeField()
    remind_at = serializers.DateTimeField(help_text="When we write to remind of the balance.")
    cancel_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is cancelled if unpaid; null: staff decide."
    )


class PointAnswer(serializers.Serializer):
    zone = serializers.CharField()
    zone_name = serializers.CharField()
    zone_en = serializers.CharField()
    zone_ar = serializers.CharField()
    place_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    name_en = serializers.CharField()
    name_ar = serializers.CharField()


class RideAnswer(PointAnswer):
    at = serializers.DateTimeField(help_text="When the party is fetched.")
    minutes_before = serializers.IntegerField()
    destination = PointAnswer(required=False, help_text="Of a transfer.")


class QuoteAnswer(serializers.Serializer):
    departure_id = serializers.UUIDField()
    tour_id = serializers.UUIDField()
    option_id = serializers.UUIDField()
    title = serializers.CharField()
    option = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    time_zone = serializers.CharField()
    any_time = serializers.BooleanField(help_text="Sold for a day: guests come when they like within the hours.")
    date = serializers.DateField(help_text="In the destination's time zone.")
    time = serializers.CharField(allow_null=True, help_text="In the destination's time zone; null for any time.")
    opening_hours = OpeningHoursAnswer(allow_null=True)
    guests = serializers.DictField(child=serializers.IntegerField())
    extras = serializers.ListField(child=serializers.DictField())
    seats = serializers.IntegerField()
    lines = QuoteLineSerializer(many=True)
    tax_lines = QuoteTaxLineSerializer(many=True)
    total = serializers.CharField()
    currency = serializers.CharField()
    price_list_currency = serializers.CharField()
    rate = serializers.CharField(help_text="What one unit of the price list's currency was worth.")
    guest_labels = serializers.DictField(child=serializers.DictField(child=serializers.CharField()))
    guest_ages = serializers.DictField(
        child=serializers.ListField(child=serializers.IntegerField(allow_null=True), min_length=2, max_length=2),
        help_text="From which to which age the categories are on the day of the trip; null: no limit.",
    )
    partner = serializers.CharField(help_text="The code of the partner at whose prices it is, or nothing.")
    price_group = serializers.CharField(help_text="The code of the customer's price group, or nothing.")
    fingerprint = serializers.CharField()
    generated_at = serializers.DateTimeField()
    deposit = DepositAnswer(allow_null=True, help_text="What may be paid at first; null: all is paid at once.")
    pickup = RideAnswer(allow_null=True)
    extras_left = serializers.DictField(
        child=serializers.IntegerField(),
        required=False,
        help_text="Of limited extras, how many are left; `POST quotes` only.",
    )


class HoldAnswer(serializers.Serializer):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(HoldStatus.choices)
    seats = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    extensions_left = serializers.IntegerField()
    quote = QuoteAnswer()
    token = serializers.CharField(required=False, help_text="Once, and for guests only: their secret for this hold.")


def hold_answer(hold: Hold) -> dict[str, Any]:
    """A hold as the API shows it. The guest's secret is in it when the hold was just made."""
    over = hold.status == HoldStatus.ACTIVE and not is_usable(hold)
    answer = {
        "id": str(hold.pk),
        "status": HoldStatus.EXPIRED.value if over else str(hold.status),
        "seats": hold.seats,
        "expires_at": hold.expires_at.isoformat(),
        "extensions_left": extensions_left(hold),
        "quote": pricing.in_words(hold.quote),
    }
    return {**answer, "token": hold.token} if hold.token else answer


class KindSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.SerializerMethodField()
    icon = serializers.CharField()
    colour = serializers.CharField()

    def get_name(self, kind: Any) -> str:
        return str(in_language(kind, "name"))


class ItemSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    kind = KindSerializer()
    title = serializers.SerializerMethodField()
    status = serializers.ChoiceField(BookingStatus.choices)
    departure_id = serializers.UUIDField(allow_null=True)
    tour_id = serializers.SerializerMethodField()
    hold_id = serializers.UUIDField(allow_null=True)
    starts_at = serializers.SerializerMethodField()
    date = serializers.SerializerMethodField()
    time = serializers.SerializerMethodField()
    opening_hours = serializers.SerializerMethodField()
    meeting_point = serializers.SerializerMethodField()
    party = serializers.DictField(child=serializers.IntegerField())
    seats = serializers.IntegerField()
    amount = serializers.SerializerMethodField()
    supplier_reference = serializers.CharField()

    def get_title(self, item: BookingItem) -> str:
        return str(in_language(item, "title"))

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_tour_id(self, item: BookingItem) -> Any:
        return item.departure.tour_id if item.departure else None

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_starts_at(self, item: BookingItem) -> Any:
        return item.departure.starts_at.isoformat() if item.departure else None

    @extend_schema_field(serializers.DateField(allow_null=True, help_text="In the destination's time zone."))
    def get_date(self, item: BookingItem) -> Any:
        return item.departure.local_start().date().isoformat() if item.departure else None

    @extend_schema_field(
        serializers.CharField(allow_null=True, help_text="In the destination's time zone; null for any time.")
    )
    def get_time(self, item: BookingItem) -> Any:
        if item.departure is None or item.departure.any_time:
            return None
        return item.departure.local_start().strftime("%H:%M")

    @extend_schema_field(OpeningHoursAnswer(allow_null=True))
    def get_opening_hours(self, item: BookingItem) -> Any:
        return pricing.when(item.booking.quote)["opening_hours"] if item.departure else None

    def get_meeting_point(self, item: BookingItem) -> str:
        return str(in_language(item.departure.tour, "meeting_point")) if item.departure else ""

    def get_amount(self, item: BookingItem) -> str:
        return amount_text(item.amount, item.booking.currency)


class ContactAnswer(serializers.Serializer):
    name = serializers.CharField(source="contact_name")
    email = serializers.EmailField(source="contact_email")
    phone = serializers.CharField(source="contact_phone")


class BookingSummary(serializers.Serializer):
    """A booking in a list."""

    id = serializers.UUIDField()
    reference = serializers.CharField()
    kind = KindSerializer()
    status = serializers.ChoiceField(BookingStatus.choices)
    payment_status = serializers.ChoiceField(PaymentState.choices)
    currency = serializers.CharField()
    total = Amount()
    amount_paid = Amount()
    amount_refunded = Amount()
    amount_due = Amount()
    deposit_due = Amount(help_text="What of the amount due confirms the booking: `POST payments` with `deposit`.")
    balance_due_at = serializers.DateTimeField(allow_null=True, help_text="When the rest must be paid.")
    guests = serializers.IntegerField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True, help_text="Until when it must be paid.")
    created_at = serializers.DateTimeField()
    contact = ContactAnswer(source="*")
    items = ItemSerializer(many=True)


class StaffBookingSummary(BookingSummary):
    source = serializers.ChoiceField(["SELF", "ADMIN", "AGENT"])  # type: ignore[assignment]
    customer_id = serializers.UUIDField(allow_null=True)
    staff_note = serializers.CharField()


class TravellerAnswer(serializers.Serializer):
    category = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    age = serializers.IntegerField(allow_null=True)
    nationality = serializers.CharField()
    note = serializers.CharField()


class TimelineLine(serializers.Serializer):
    at = serializers.DateTimeField()
    action = serializers.CharField()
    text = serializers.SerializerMethodField()
    old_status = serializers.CharField()
    new_status = serializers.CharField()
    by = serializers.SerializerMethodField()
    actor = serializers.SerializerMethodField(help_text="Who it was; for staff to see.")
    reason = serializers.SerializerMethodField()
    data = serializers.JSONField()  # type: ignore[assignment]

    def get_text(self, event: BookingEvent) -> str:
        return wording.event_in_words(event)

    def get_reason(self, event: BookingEvent) -> str:
        return wording.reason_in_words(event)

    @extend_schema_field(serializers.ChoiceField(["customer", "guest", "staff", "system"]))
    def get_by(self, event: BookingEvent) -> str:
        if event.actor_id is None:
            return "guest" if event.address else "system"
        return "customer" if event.actor_id == event.booking.customer_id else "staff"

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_actor(self, event: BookingEvent) -> str | None:
        return str(event.actor) if event.actor_id and self.context.get("for_staff") else None


class RefundLineAnswer(serializers.Serializer):
    code = serializers.CharField()
    rule = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    amount = serializers.CharField()


class PickupDifference(serializers.Serializer):
    difference = serializers.CharField(help_text="What it costs more; below zero: less.")
    total = serializers.CharField()
    currency = serializers.CharField()
    pickup = RideAnswer(allow_null=True)


class CancellationAnswer(serializers.Serializer):
    percent = serializers.CharField(help_text="What share of the price comes back.")
    rule = serializers.CharField()
    paid = serializers.CharField()
    fee = serializers.CharField()
    refund = serializers.CharField()
    currency = serializers.CharField()
    lines = RefundLineAnswer(many=True)


# Lines that are the books' business, not the customer's.
FOR_STAFF_ONLY = frozenset({"revenue", "staff_note"})


class BookingAnswer(BookingSummary):
    """A booking in full."""

    source = serializers.ChoiceField(["SELF", "ADMIN", "AGENT"])  # type: ignore[assignment]
    language = serializers.CharField()
    special_requests = serializers.CharField()
    dietary_needs = serializers.CharField()
    accessibility_needs = serializers.CharField()
    pickup = serializers.CharField()
    flight_number = serializers.CharField()
    flight_at = serializers.DateTimeField(allow_null=True)
    emergency_contact = serializers.SerializerMethodField()
    referral_code = serializers.CharField()
    travellers = TravellerAnswer(many=True)
    quote = serializers.SerializerMethodField()
    cancellation_policy = serializers.SerializerMethodField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)
    cancel_reason = serializers.CharField()
    cancellation = serializers.SerializerMethodField()
    timeline = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_emergency_contact(self, booking: Booking) -> dict[str, str]:
        return {"name": booking.emergency_name, "phone": str(booking.emergency_phone)}

    @extend_schema_field(QuoteAnswer)
    def get_quote(self, booking: Booking) -> dict[str, Any]:
        return pricing.in_words(booking.quote)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_cancellation_policy(self, booking: Booking) -> list[str]:
        return wording.policy_in_words(booking.policy, booking.is_any_time)

    @extend_schema_field(CancellationAnswer(allow_null=True))
    def get_cancellation(self, booking: Booking) -> dict[str, Any] | None:
        return wording.refund_in_words(booking.cancellation) if booking.cancellation else None

    @extend_schema_field(TimelineLine(many=True))
    def get_timeline(self, booking: Booking) -> Any:
        for_staff = self.context.get("for_staff", False)
        lines = [
            event for event in booking.events.select_related("actor") if for_staff or event.action not in FOR_STAFF_ONLY
        ]
        return TimelineLine(lines, many=True, context={"for_staff": for_staff}).data


class NewBookingAnswer(BookingAnswer):
    token = serializers.SerializerMethodField(help_text="Opens this booking without signing in: keep it secret.")

    def get_token(self, booking: Booking) -> str:
        return booking_token(booking)
