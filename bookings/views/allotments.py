"""What a partner's own programs ask: the places kept for it."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated

from bookings.access import actor_of
from bookings.models import AllottedPlaces
from bookings.partners import partner_of
from bookings.services.allotments import allotted_places_of, release_moment
from config.i18n import in_language


class AllottedQuery(serializers.Serializer):
    date_from = serializers.DateField(required=False)
    date_to = serializers.DateField(required=False)


class AllottedAnswer(serializers.ModelSerializer):
    """Places kept for the caller's partner on one departure."""

    departure_id = serializers.UUIDField()
    tour_id = serializers.UUIDField(source="departure.tour_id")
    tour = serializers.SerializerMethodField()
    option = serializers.SerializerMethodField()
    starts_at = serializers.DateTimeField(source="departure.starts_at")
    date = serializers.DateField(source="departure.local_date")
    time = serializers.SerializerMethodField()
    left = serializers.IntegerField(help_text="What can still be taken from them; none once they are released.")
    released = serializers.SerializerMethodField()
    release_at = serializers.SerializerMethodField()

    class Meta:
        model = AllottedPlaces
        fields = [
            *("departure_id", "tour_id", "tour", "option", "starts_at", "date", "time"),
            *("places", "used", "left", "released", "release_at"),
        ]

    def get_tour(self, row: AllottedPlaces) -> str:
        return str(in_language(row.departure.tour, "title"))

    def get_option(self, row: AllottedPlaces) -> str:
        return str(in_language(row.departure.option, "name"))

    def get_time(self, row: AllottedPlaces) -> str:
        return f"{row.departure.local_start():%H:%M}"

    def get_released(self, row: AllottedPlaces) -> bool:
        return row.released_at is not None

    def get_release_at(self, row: AllottedPlaces) -> str:
        return release_moment(row.departure, row.allotment).isoformat().replace("+00:00", "Z")


@extend_schema_view(
    get=extend_schema(
        operation_id="allotments_list",
        parameters=[
            OpenApiParameter("date_from", OpenApiTypes.DATE, description="Local day of the departure."),
            OpenApiParameter("date_to", OpenApiTypes.DATE),
        ],
    )
)
class AllotmentsView(ListAPIView):
    """The places kept for the partner that the caller acts for, on departures to come, in order of time."""

    permission_classes = [IsAuthenticated]
    serializer_class = AllottedAnswer

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return AllottedPlaces.objects.none()
        partner = partner_of(actor_of(self.request))
        if partner is None:
            raise PermissionDenied(_("Only partners have places kept for them."))
        asked = AllottedQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return allotted_places_of(
            partner, first=asked.validated_data.get("date_from"), last=asked.validated_data.get("date_to")
        )
