"""What callers may send. Fields that are not named here are ignored, amounts and states above all."""

from typing import Any

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from phonenumber_field.serializerfields import PhoneNumberField
from rest_framework import serializers

from accounts.models import Language
from bookings.services.messages import LONGEST
from config.i18n import language_now

CODE = RegexValidator(r"^[-a-zA-Z0-9_]{1,40}$", _("Letters, digits, hyphens and underscores only."))


class WholeNumber(serializers.IntegerField):
    """An integer, and not what merely looks like one: neither 2.0 nor "2" nor true."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class ExtraWantedSerializer(serializers.Serializer):
    code = serializers.CharField(max_length=40, validators=[CODE])
    quantity = WholeNumber(min_value=1, max_value=500, required=False)


class PointSerializer(serializers.Serializer):
    """A place that we drive to; or where the tour takes addresses that are not listed, one in words with its zone or position."""

    place_id = serializers.UUIDField(required=False, allow_null=True, help_text="From `GET tours/{id}/pickups`.")
    text = serializers.CharField(max_length=160, required=False, allow_blank=True)
    zone = serializers.CharField(max_length=40, required=False, allow_blank=True, validators=[CODE])
    latitude = serializers.FloatField(min_value=-90, max_value=90, required=False, allow_null=True)
    longitude = serializers.FloatField(min_value=-180, max_value=180, required=False, allow_null=True)


class TransferSerializer(serializers.Serializer):
    origin = PointSerializer()
    destination = PointSerializer()


class PartySerializer(serializers.Serializer):
    """Who would go: a departure and how many guests of each price category."""

    departure_id = serializers.UUIDField()
    guests = serializers.DictField(
        child=WholeNumber(min_value=0, max_value=500),
        allow_empty=False,
        help_text='Guests by price category: `{"adult": 2, "child": 1}`.',
    )
    extras = ExtraWantedSerializer(many=True, required=False)
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False, allow_null=True, help_text="ISO 4217, as `EUR`.")
    voucher_code = serializers.CharField(max_length=40, required=False, allow_blank=True)
    pickup_at = PointSerializer(source="pickup", required=False, allow_null=True, help_text="Where to fetch the party.")
    transfer = TransferSerializer(required=False, allow_null=True, help_text="From where to where, for a transfer.")

    def validate_guests(self, guests: dict[str, int]) -> dict[str, int]:
        if len(guests) > 20:
            raise serializers.ValidationError(_("At most 20 price categories."))
        for code in guests:
            CODE(code)
        if not any(guests.values()):
            raise serializers.ValidationError(_("At least one guest."))
        return guests

    def validate_extras(self, extras: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(extras) > 50:
            raise serializers.ValidationError(_("At most 50 extras."))
        return extras


class NewQuote(PartySerializer):
    pass


class NewHold(PartySerializer):
    fingerprint = serializers.RegexField(
        r"^[0-9a-f]{32}$", required=False, help_text="Of the quote that was shown: another price is refused with 409."
    )


class ContactSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=120)
    email = serializers.EmailField(max_length=254)
    phone = PhoneNumberField(required=False, allow_blank=True)


class EmergencyContactSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=120)
    phone = PhoneNumberField(required=False, allow_blank=True)


class TravellerSerializer(serializers.Serializer):
    category = serializers.CharField(max_length=30, default="adult", validators=[CODE])
    first_name = serializers.CharField(max_length=60)
    last_name = serializers.CharField(max_length=60)
    age = WholeNumber(
        min_value=0,
        max_value=130,
        required=False,
        allow_null=True,
        help_text="On the day of the trip; it must be one of the category's (`guest_ages` of the quote).",
    )
    nationality = serializers.RegexField(
        r"^[A-Z]{2}$", required=False, allow_blank=True, help_text="ISO 3166, as `EG`."
    )
    note = serializers.CharField(max_length=300, required=False, allow_blank=True)


class TravellersSerializer(serializers.Serializer):
    """Who travels, as far as it is known by now: those named before are replaced."""

    travellers = TravellerSerializer(many=True)
    age_reason = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="For staff: why ages outside the categories are taken.",
    )

    def validate_travellers(self, travellers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(travellers) > 500:
            raise serializers.ValidationError(_("At most 500 travellers."))
        return travellers


class DetailsSerializer(serializers.Serializer):
    """What a customer may say, and change, about a booking."""

    contact = ContactSerializer(required=False)
    language = serializers.ChoiceField(Language.choices, required=False)
    special_requests = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    dietary_needs = serializers.CharField(max_length=300, required=False, allow_blank=True)
    accessibility_needs = serializers.CharField(max_length=300, required=False, allow_blank=True)
    pickup = serializers.CharField(
        max_length=300, required=False, allow_blank=True, help_text="A remark; where the party is fetched: `pickup_at`."
    )
    flight_number = serializers.CharField(max_length=12, required=False, allow_blank=True)
    flight_at = serializers.DateTimeField(required=False, allow_null=True, help_text="When it lands, or leaves.")
    emergency_contact = EmergencyContactSerializer(required=False)

    def details(self) -> dict[str, Any]:
        """The texts by the names of the booking's own columns."""
        given = self.validated_data
        names = ("special_requests", "dietary_needs", "accessibility_needs", "pickup", "flight_number", "flight_at")
        texts = {name: given[name] for name in names if name in given}
        emergency = given.get("emergency_contact")
        if emergency:
            texts |= {"emergency_name": emergency["name"], "emergency_phone": str(emergency.get("phone", ""))}
        return texts

    def whom(self) -> dict[str, str] | None:
        """Name, e-mail and phone as text, or None where nobody was named."""
        given = self.validated_data.get("contact")
        return {name: str(value) for name, value in given.items()} if given else None


class NewBooking(DetailsSerializer):
    """Either a hold, or a departure with its guests to hold and book in one go."""

    hold_id = serializers.UUIDField(required=False)
    hold_token = serializers.CharField(
        max_length=64, required=False, allow_blank=True, help_text="The secret that a guest got with the hold."
    )
    departure_id = serializers.UUIDField(required=False)
    guests = serializers.DictField(child=WholeNumber(min_value=0, max_value=500), required=False, allow_empty=False)
    extras = ExtraWantedSerializer(many=True, required=False)
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False, allow_null=True)
    voucher_code = serializers.CharField(max_length=40, required=False, allow_blank=True)
    pickup_at = PointSerializer(required=False, allow_null=True)
    transfer = TransferSerializer(required=False, allow_null=True)
    fingerprint = serializers.RegexField(r"^[0-9a-f]{32}$", required=False)
    travellers = TravellerSerializer(many=True, required=False)
    referral_code = serializers.CharField(max_length=40, required=False, allow_blank=True)
    customer_id = serializers.UUIDField(required=False, help_text="For staff: whom the booking is for.")
    age_reason = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="For staff: why ages outside the categories are taken.",
    )

    validate_guests = PartySerializer.validate_guests
    validate_extras = PartySerializer.validate_extras
    validate_travellers = TravellersSerializer.validate_travellers

    def wishes(self) -> dict[str, Any]:
        """What `services.create_booking` takes of it, but for who asks."""
        given = self.validated_data
        return {
            "contact": self.whom(),
            "travellers": given.get("travellers", ()),
            "details": self.details(),
            "referral_code": given.get("referral_code", ""),
            "language": given.get("language") or language_now(),
            "customer_id": given.get("customer_id"),
            "age_reason": given.get("age_reason", ""),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("hold_id" in attrs) == ("departure_id" in attrs):
            raise serializers.ValidationError({"hold_id": [_("Send either a hold_id, or a departure_id with guests.")]})
        if "departure_id" in attrs and "guests" not in attrs:
            raise serializers.ValidationError({"guests": [_("Say how many guests there are.")]})
        return attrs


class PickupChange(serializers.Serializer):
    """Where the party is fetched instead; neither: nowhere, where the tour leaves that open."""

    pickup_at = PointSerializer(required=False, allow_null=True)
    transfer = TransferSerializer(required=False, allow_null=True)
    expected_difference = serializers.DecimalField(
        max_digits=14,
        decimal_places=3,
        required=False,
        help_text="The difference that was shown: another one is refused.",
    )


class Cancel(serializers.Serializer):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    expected_refund = serializers.DecimalField(
        max_digits=14, decimal_places=3, required=False, help_text="The refund that was shown: another one is refused."
    )
    refund_percent = serializers.DecimalField(
        max_digits=5,
        decimal_places=2,
        min_value=0,
        max_value=100,
        required=False,
        help_text="For staff: against the policy.",
    )


class Reason(serializers.Serializer):
    reason = serializers.CharField(max_length=500)


class GuestMessage(serializers.Serializer):
    """What all guests of a departure are told. An empty line begins a new paragraph."""

    subject_en = serializers.CharField(max_length=LONGEST["subject_en"])
    subject_ar = serializers.CharField(max_length=LONGEST["subject_ar"])
    text_en = serializers.CharField(max_length=LONGEST["text_en"])
    text_ar = serializers.CharField(max_length=LONGEST["text_ar"])


class OptionalReason(serializers.Serializer):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class Lookup(serializers.Serializer):
    reference = serializers.CharField(max_length=20)
    email = serializers.EmailField(max_length=254)
