"""Manifests and check-ins, as callers send and get them."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bookings.models import BookingStatus, CheckInAction, CheckInMethod
from bookings.selectors import Manifest, Party
from bookings.serializers.answers import TravellerAnswer
from bookings.serializers.requests import WholeNumber

MOST_STEPS = 200


class CheckInRequest(serializers.Serializer):
    """So many guests came; without `guests` all who are missing."""

    id = serializers.UUIDField(required=False, help_text="Yours, of this step: sent again, it changes nothing.")
    departure_id = serializers.UUIDField(
        required=False, help_text="Where the booking has several; another than the booking's is refused."
    )
    guests = WholeNumber(min_value=1, max_value=500, required=False)
    at = serializers.DateTimeField(required=False, help_text="When it happened, if not now.")
    code = serializers.CharField(
        max_length=500, required=False, allow_blank=True, help_text="What the voucher's QR code says, if scanned."
    )
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class AbsentRequest(serializers.Serializer):
    """So many guests did not come; without `guests` all who are missing."""

    id = serializers.UUIDField(required=False, help_text="Yours, of this step: sent again, it changes nothing.")
    departure_id = serializers.UUIDField(required=False)
    guests = WholeNumber(min_value=1, max_value=500, required=False)
    at = serializers.DateTimeField(required=False)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class UndoRequest(serializers.Serializer):
    """Which step is taken back."""

    id = serializers.UUIDField(required=False, help_text="Yours, of this step: sent again, it changes nothing.")
    step = serializers.UUIDField(help_text="The id of the step to take back.")
    at = serializers.DateTimeField(required=False)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class StepRequest(serializers.Serializer):
    """One step that a phone noted."""

    id = serializers.UUIDField()
    booking_id = serializers.UUIDField()
    action = serializers.ChoiceField(CheckInAction.choices)
    guests = WholeNumber(min_value=1, max_value=500, required=False, allow_null=True)
    at = serializers.DateTimeField(required=False)
    code = serializers.CharField(max_length=500, required=False, allow_blank=True)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    undoes = serializers.UUIDField(required=False, allow_null=True, help_text="With UNDO: the id of the step.")

    def validate(self, step: dict[str, Any]) -> dict[str, Any]:
        if step["action"] == CheckInAction.UNDO and not step.get("undoes"):
            raise serializers.ValidationError({"undoes": _("Say which step is taken back.")})
        return step


class BatchRequest(serializers.Serializer):
    """Steps in the order in which they happened. A malformed one is refused by itself, like any other."""

    steps = serializers.ListField(child=serializers.DictField(), allow_empty=False, max_length=MOST_STEPS)


class DescribedBatchRequest(serializers.Serializer):
    """The same, as the API document shows it."""

    steps = StepRequest(many=True)


class StepAnswer(serializers.Serializer):
    id = serializers.UUIDField()
    action = serializers.ChoiceField([CheckInAction.CAME, CheckInAction.ABSENT])
    guests = serializers.IntegerField()
    at = serializers.DateTimeField()
    time = serializers.CharField(help_text="In the destination's time zone.")
    by = serializers.CharField()
    method = serializers.ChoiceField(CheckInMethod.choices)


class NeedAnswer(serializers.Serializer):
    kind = serializers.CharField(help_text="extras, access, diet, requests, staff, traveller or emergency.")
    text = serializers.CharField()


class PartyAnswer(serializers.Serializer):
    """A booking on a departure, and who of it came."""

    booking_id = serializers.UUIDField(source="booking.pk")
    reference = serializers.CharField(source="booking.reference")
    status = serializers.ChoiceField(BookingStatus.choices, source="booking.status")
    status_text = serializers.CharField(source="booking.get_status_display")
    name = serializers.CharField(source="booking.contact_name")
    phone = serializers.CharField(source="booking.contact_phone")
    language = serializers.CharField(source="booking.language")
    guests = serializers.IntegerField()
    party = serializers.CharField(source="words")
    travellers = TravellerAnswer(many=True)
    pickup = serializers.CharField()
    needs = serializers.SerializerMethodField()
    due = serializers.CharField(help_text="What is still to pay, in words; empty where all is paid.")
    lets_in = serializers.BooleanField(help_text="Whether somebody may be checked in on it.")
    came = serializers.IntegerField()
    absent = serializers.IntegerField()
    missing = serializers.IntegerField()
    steps = StepAnswer(many=True)

    @extend_schema_field(NeedAnswer(many=True))
    def get_needs(self, party: Party) -> list[dict[str, str]]:
        return [{"kind": kind, "text": text} for kind, text in party.needs]


class ManifestAnswer(serializers.Serializer):
    """Who travels on a departure."""

    departure_id = serializers.UUIDField(source="departure.pk")
    title = serializers.CharField()
    option = serializers.CharField()
    starts_at = serializers.DateTimeField(source="departure.starts_at")
    date = serializers.SerializerMethodField(help_text="In the destination's time zone.")
    time = serializers.SerializerMethodField(help_text="In the destination's time zone.")
    time_zone = serializers.CharField(source="departure.tour.destination.time_zone")
    is_open = serializers.BooleanField(help_text="Whether guests may be checked in by now.")
    guests = serializers.IntegerField()
    came = serializers.IntegerField()
    absent = serializers.IntegerField()
    missing = serializers.IntegerField()
    parties = PartyAnswer(many=True)

    @extend_schema_field(serializers.DateField())
    def get_date(self, manifest: Manifest) -> str:
        return manifest.starts.date().isoformat()

    def get_time(self, manifest: Manifest) -> str:
        return f"{manifest.starts:%H:%M}"


class RefusalAnswer(serializers.Serializer):
    error_code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.JSONField()


class OutcomeAnswer(serializers.Serializer):
    """What became of one step: `done`, or `refused` with the status and error that the single call would have given."""

    id = serializers.CharField(allow_null=True)
    outcome = serializers.ChoiceField(["done", "refused"])
    status = serializers.IntegerField()
    error = RefusalAnswer(allow_null=True)


class BatchAnswer(serializers.Serializer):
    results = OutcomeAnswer(many=True)
    manifest = ManifestAnswer()
