"""Pickup zones for staff's programs."""

from typing import Any
from uuid import UUID

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import Needs
from config.errors import NotFound
from config.idempotency import once
from config.schema import IDEMPOTENCY_KEY
from tours.models import PickupPlace, PickupZone
from tours.services.zones import change_zone, create_zone, delete_zone


class PickupPlaceSerializer(serializers.ModelSerializer):
    class Meta:
        model = PickupPlace
        fields = ["name_en", "name_ar", "address", "minutes_earlier", "is_active"]


class PickupZoneSerializer(serializers.ModelSerializer):
    places = PickupPlaceSerializer(many=True, required=False)

    class Meta:
        model = PickupZone
        fields = ["id", "code", "name_en", "name_ar", "latitude", "longitude", "radius_km", "is_active", "places"]
        read_only_fields = ["id"]
        validators: list[Any] = []


class PickupZoneFilter(django_filters.FilterSet):
    active = django_filters.BooleanFilter(field_name="is_active")

    class Meta:
        model = PickupZone
        fields: list[str] = []


def _checked(given: Any, *, partial: bool) -> dict[str, Any]:
    asked = PickupZoneSerializer(data=given, partial=partial)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


def _shown(zone_id: UUID) -> Any:
    zone = PickupZone.objects.prefetch_related("places").filter(pk=zone_id).first()
    if zone is None:
        raise NotFound
    return PickupZoneSerializer(zone).data


@extend_schema_view(get=extend_schema(tags=["back-office"], operation_id="admin_pickup_zones_list"))
class PickupZones(ListAPIView):
    """Every zone with its places, by code."""

    serializer_class = PickupZoneSerializer
    filterset_class = PickupZoneFilter

    def get_permissions(self) -> Any:
        return [Needs("tours.add_pickupzone" if self.request.method == "POST" else "tours.view_pickupzone")()]

    def get_queryset(self) -> Any:
        return PickupZone.objects.prefetch_related("places").order_by("code")

    @extend_schema(
        tags=["back-office"],
        request=PickupZoneSerializer,
        responses={201: PickupZoneSerializer},
        parameters=[IDEMPOTENCY_KEY],
        operation_id="admin_pickup_zones_create",
    )
    @once("pickup-zones")
    def post(self, request: Any) -> Response:
        """A new zone, with its places."""
        zone = create_zone(data=_checked(request.data, partial=False), actor=request.user)
        return Response(_shown(zone.pk), status=201)


class PickupZonePage(APIView):
    def get_permissions(self) -> Any:
        verb = {"PATCH": "change", "DELETE": "delete"}.get(self.request.method or "", "view")
        return [Needs(f"tours.{verb}_pickupzone")()]

    @extend_schema(
        tags=["back-office"], responses={200: PickupZoneSerializer}, operation_id="admin_pickup_zones_retrieve"
    )
    def get(self, request: Any, zone_id: UUID) -> Response:
        """One zone."""
        return Response(_shown(zone_id))

    @extend_schema(
        tags=["back-office"],
        request=PickupZoneSerializer(partial=True),
        responses={200: PickupZoneSerializer},
        operation_id="admin_pickup_zones_partial_update",
    )
    def patch(self, request: Any, zone_id: UUID) -> Response:
        """Change what is sent; `places` replace those that were there, by their English name. Bookings keep their pickup."""
        change_zone(zone_id=zone_id, data=_checked(request.data, partial=True), actor=request.user)
        return Response(_shown(zone_id))

    @extend_schema(tags=["back-office"], responses={204: None}, operation_id="admin_pickup_zones_destroy")
    def delete(self, request: Any, zone_id: UUID) -> Response:
        """Delete a zone that no tour has a price for."""
        delete_zone(zone_id=zone_id, actor=request.user)
        return Response(status=204)
