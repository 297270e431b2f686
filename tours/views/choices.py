"""What can be chosen beside the seats of a tour. Not remembered: what is left changes with each hold."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from tours.errors import TourNotFound
from tours.models import ExtraBasis, PickupBasis, PickupKind, Tour
from tours.selectors.choices import extras_of, pickups_of
from tours.selectors.detail import any_tour_id


class ExtraChoice(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    basis = serializers.ChoiceField(ExtraBasis.choices)
    amount = serializers.CharField()
    currency = serializers.CharField()
    min_quantity = serializers.IntegerField()
    max_quantity = serializers.IntegerField()
    is_required = serializers.BooleanField()
    categories = serializers.ListField(
        child=serializers.CharField(), help_text="Only for these guests; empty: for all."
    )
    available = serializers.IntegerField(allow_null=True, help_text="How many are left; null: as many as are wanted.")


class ChoicesAnswer(serializers.Serializer):
    extras = ExtraChoice(many=True)


class ZoneAnswer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    basis = serializers.ChoiceField(PickupBasis.choices, allow_null=True)
    amount = serializers.CharField(allow_null=True)
    vehicle_seats = serializers.IntegerField(allow_null=True)
    minutes_before = serializers.IntegerField(
        allow_null=True, help_text="How long before the start the party is fetched."
    )


class WayAnswer(serializers.Serializer):
    origin = serializers.CharField()
    destination = serializers.CharField()
    both_ways = serializers.BooleanField()
    option = serializers.CharField(allow_null=True, help_text="The vehicle; null: those without a price of their own.")
    amount = serializers.CharField(help_text="Of one vehicle.")
    vehicle_seats = serializers.IntegerField()


class PlaceAnswer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    address = serializers.CharField()
    zone = serializers.CharField()
    minutes_earlier = serializers.IntegerField()


class PickupsAnswer(serializers.Serializer):
    kind = serializers.ChoiceField(PickupKind.choices, allow_null=True, help_text="null: nobody is fetched.")
    allows_unlisted = serializers.BooleanField()
    zones = ZoneAnswer(many=True)
    transfers = WayAnswer(many=True)
    places = PlaceAnswer(many=True, help_text="The first fifty.")
    zone = serializers.CharField(allow_null=True, help_text="The zone around the position that was asked about.")


class PickupsQuery(serializers.Serializer):
    q = serializers.CharField(
        max_length=100, required=False, allow_blank=True, help_text="Words of a name or an address."
    )
    latitude = serializers.FloatField(min_value=-90, max_value=90, required=False)
    longitude = serializers.FloatField(min_value=-180, max_value=180, required=False)


class DepartureChoices(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="departures_choices_retrieve",
        parameters=[OpenApiParameter("departure_id", UUID, OpenApiParameter.PATH)],
        responses={200: ChoicesAnswer},
        tags=["catalogue"],
    )
    def get(self, request: Any, departure_id: UUID) -> Response:
        """The extras of a departure, with how many of limited ones are left."""
        return Response({"extras": extras_of(departure_id)})


class TourPickups(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="tours_pickups_retrieve",
        parameters=[PickupsQuery],
        responses={200: PickupsAnswer},
        tags=["catalogue"],
    )
    def get(self, request: Any, given: str) -> Response:
        """Where the tour fetches its guests, or drives them, and what it costs; places found by name in either language."""
        asked = PickupsQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        tour = Tour.objects.public().filter(pk=any_tour_id(given)).first()
        if tour is None:
            raise TourNotFound
        return Response(pickups_of(tour, **asked.validated_data))
