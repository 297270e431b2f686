"""Choices of guests, for staff's programs: which are open, the answer of who calls, taking one back."""

from typing import Any
from uuid import UUID

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import Needs
from bookings import services
from bookings.models import ChoiceOffer, OfferStatus
from bookings.serializers.requests import Reason
from bookings.services.offers import Answer


class ChoiceSerializer(serializers.ModelSerializer):
    """A booking whose departure cannot be as it was booked, and what its guest may choose instead."""

    booking_id = serializers.UUIDField()
    reference = serializers.CharField(source="booking.reference")
    departure_id = serializers.UUIDField(help_text="As it was booked.")
    offered = serializers.SerializerMethodField()
    chosen_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = ChoiceOffer
        fields = [
            *("id", "booking_id", "reference", "departure_id", "offered", "may_keep", "unanswered", "deadline"),
            *("status", "chosen_id", "answered_by", "answered_at", "reason_en", "reason_ar", "created_at"),
        ]

    def get_offered(self, offer: ChoiceOffer) -> list[UUID]:
        """The departures that were offered."""
        return [row.departure_id for row in offer.offered.all()]


class ChoiceAnswer(serializers.Serializer):
    answer = serializers.ChoiceField([answer.value for answer in Answer])
    departure_id = serializers.UUIDField(required=False, allow_null=True, help_text="With `move`: where to.")


class ChoiceFilter(django_filters.FilterSet):
    status = django_filters.MultipleChoiceFilter(choices=OfferStatus.choices)
    booking = django_filters.UUIDFilter(field_name="booking_id")
    departure = django_filters.UUIDFilter(field_name="departure_id")

    class Meta:
        model = ChoiceOffer
        fields: list[str] = []


def _offers() -> Any:
    return ChoiceOffer.objects.select_related("booking").prefetch_related("offered")


@extend_schema_view(get=extend_schema(tags=["back-office"], operation_id="admin_choices_list"))
class Choices(ListAPIView):
    """Every choice that guests were asked for, the last first."""

    permission_classes = [Needs("bookings.view_choiceoffer")]
    serializer_class = ChoiceSerializer
    filterset_class = ChoiceFilter

    def get_queryset(self) -> Any:
        return _offers().order_by("-created_at", "-pk")


class AnswerChoice(APIView):
    permission_classes = [Needs("bookings.change_choiceoffer")]

    @extend_schema(
        tags=["back-office"],
        request=ChoiceAnswer,
        responses={200: ChoiceSerializer},
        operation_id="admin_choices_answer_create",
    )
    def post(self, request: Any, offer_id: UUID) -> Response:
        """The guest calls instead of clicking: any departure of the tour, everything back, or as booked. Done at once."""
        asked = ChoiceAnswer(data=request.data)
        asked.is_valid(raise_exception=True)
        services.answer_offer(offer_id=offer_id, actor=request.user, by_staff=True, **asked.validated_data)
        return Response(ChoiceSerializer(_offers().get(pk=offer_id)).data)


class WithdrawChoice(APIView):
    permission_classes = [Needs("bookings.change_choiceoffer")]

    @extend_schema(
        tags=["back-office"],
        request=Reason,
        responses={200: ChoiceSerializer},
        operation_id="admin_choices_withdraw_create",
    )
    def post(self, request: Any, offer_id: UUID) -> Response:
        """Take an open choice back, and say why: the booking stays as it is."""
        asked = Reason(data=request.data)
        asked.is_valid(raise_exception=True)
        services.withdraw_offer(offer_id=offer_id, actor=request.user, **asked.validated_data)
        return Response(ChoiceSerializer(_offers().get(pk=offer_id)).data)
