"""Days on which nothing runs, for staff's programs."""

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
from tours.models import Blackout, Destination, Tour
from tours.serializers.own import OwnRow
from tours.services.blackouts import add_blackout, change_blackout, lift_blackout
from tours.services.planning import Replan


class BlackoutSerializer(serializers.ModelSerializer):
    tour = OwnRow(Tour)
    destination = OwnRow(Destination)

    class Meta:
        model = Blackout
        fields = ["id", "tour", "destination", "first_day", "last_day", "reason_en", "reason_ar", "created_at"]
        read_only_fields = ["id", "created_at"]
        validators: list[Any] = []


class BlackoutAsked(BlackoutSerializer):
    fingerprint = serializers.CharField(
        required=False,
        default="",
        max_length=64,
        help_text="Of `guests_concerned`: departures with guests are closed and run for them.",
    )

    class Meta(BlackoutSerializer.Meta):
        fields = [*BlackoutSerializer.Meta.fields, "fingerprint"]


class DeparturesTouched(serializers.Serializer):
    """How many departures the schedule has gained, lost, closed and changed, and how many with guests it no longer asks for."""

    departures_made = serializers.IntegerField()
    departures_removed = serializers.IntegerField()
    departures_closed = serializers.IntegerField()
    departures_changed = serializers.IntegerField()
    departures_left = serializers.IntegerField()


class BlackoutDone(BlackoutSerializer):
    departures = DeparturesTouched()

    class Meta(BlackoutSerializer.Meta):
        fields = [*BlackoutSerializer.Meta.fields, "departures"]


class BlackoutFilter(django_filters.FilterSet):
    tour = django_filters.UUIDFilter(field_name="tour_id")
    destination = django_filters.UUIDFilter(field_name="destination_id")
    date_from = django_filters.DateFilter(field_name="last_day", lookup_expr="gte")
    date_to = django_filters.DateFilter(field_name="first_day", lookup_expr="lte")

    class Meta:
        model = Blackout
        fields: list[str] = []


def _asked(given: Any, *, partial: bool) -> tuple[dict[str, Any], str]:
    asked = BlackoutAsked(data=given, partial=partial)
    asked.is_valid(raise_exception=True)
    data = dict(asked.validated_data)
    return data, data.pop("fingerprint", "")


def _answer(blackout: Blackout, replan: Replan) -> dict[str, Any]:
    return {**BlackoutSerializer(blackout).data, "departures": replan.counts()}


@extend_schema_view(get=extend_schema(tags=["back-office"], operation_id="admin_blackouts_list"))
class Blackouts(ListAPIView):
    """Every blackout, by its first day; `date_from` and `date_to` find those that touch these days."""

    serializer_class = BlackoutSerializer
    filterset_class = BlackoutFilter

    def get_permissions(self) -> Any:
        return [Needs("tours.add_blackout" if self.request.method == "POST" else "tours.view_blackout")()]

    def get_queryset(self) -> Any:
        return Blackout.objects.order_by("first_day", "pk")

    @extend_schema(
        tags=["back-office"],
        request=BlackoutAsked,
        responses={201: BlackoutDone},
        parameters=[IDEMPOTENCY_KEY],
        operation_id="admin_blackouts_create",
    )
    @once("blackouts")
    def post(self, request: Any) -> Response:
        """Nothing is planned on these days: departures without guests go. With guests on some of them it is refused first."""
        data, fingerprint = _asked(request.data, partial=False)
        return Response(_answer(*add_blackout(data=data, fingerprint=fingerprint, actor=request.user)), status=201)


class BlackoutPage(APIView):
    def get_permissions(self) -> Any:
        verb = {"PATCH": "change", "DELETE": "delete"}.get(self.request.method or "", "view")
        return [Needs(f"tours.{verb}_blackout")()]

    @extend_schema(tags=["back-office"], responses={200: BlackoutSerializer}, operation_id="admin_blackouts_retrieve")
    def get(self, request: Any, blackout_id: UUID) -> Response:
        """One blackout."""
        blackout = Blackout.objects.filter(pk=blackout_id).first()
        if blackout is None:
            raise NotFound
        return Response(BlackoutSerializer(blackout).data)

    @extend_schema(
        tags=["back-office"],
        request=BlackoutAsked(partial=True),
        responses={200: BlackoutDone},
        operation_id="admin_blackouts_partial_update",
    )
    def patch(self, request: Any, blackout_id: UUID) -> Response:
        """Change what is sent. With guests on departures that would go it is refused first."""
        data, fingerprint = _asked(request.data, partial=True)
        done = change_blackout(blackout_id=blackout_id, data=data, fingerprint=fingerprint, actor=request.user)
        return Response(_answer(*done))

    @extend_schema(tags=["back-office"], responses={200: DeparturesTouched}, operation_id="admin_blackouts_destroy")
    def delete(self, request: Any, blackout_id: UUID) -> Response:
        """Lift it: the departures that the schedule asks for on these days are made, or opened again."""
        return Response(lift_blackout(blackout_id=blackout_id, actor=request.user).counts())
