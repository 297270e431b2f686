"""How a tour fetches its guests, for staff's programs."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import Needs
from config.errors import NotFound
from ledger.money import amount_text
from tours.models import PickupBasis, PickupKind, PickupPrice, PickupRule, TransferPrice
from tours.selectors.detail import any_tour_id
from tours.serializers.writing import list_of, money_field
from tours.services.pickups import drop_pickups, set_pickups


class ZonePriceSerializer(serializers.Serializer):
    zone = serializers.CharField(max_length=40, source="zone.code", help_text="Code of the pickup zone.")
    basis = serializers.ChoiceField(PickupBasis.choices, default=PickupBasis.PER_PERSON)
    amount = money_field(default=0)
    vehicle_seats = serializers.IntegerField(min_value=1, max_value=32_000, required=False, allow_null=True)
    minutes_before = serializers.IntegerField(min_value=0, max_value=1440, default=60)


class TransferPriceSerializer(serializers.Serializer):
    origin = serializers.CharField(max_length=40, source="origin.code")
    destination = serializers.CharField(max_length=40, source="destination.code")
    option = serializers.CharField(
        max_length=40, source="option.code", required=False, allow_null=True, default=None, help_text="Null: any."
    )
    both_ways = serializers.BooleanField(default=True)
    amount = money_field()
    vehicle_seats = serializers.IntegerField(min_value=1, max_value=32_000, default=3)


class PickupsSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(PickupKind.choices, required=False)
    allows_unlisted = serializers.BooleanField(required=False)
    change_until_minutes = serializers.IntegerField(min_value=0, max_value=525_600, required=False)
    zones = list_of(ZonePriceSerializer, 200, required=False)
    transfers = list_of(TransferPriceSerializer, 1000, required=False)


def _named(row: Any) -> dict[str, Any]:
    """A row by the names that the service knows: `{"zone": {"code": "bay"}}` is `{"zone": "bay"}`."""
    return {name: value["code"] if isinstance(value, dict) else value for name, value in row.items()}


def _shown(rule: PickupRule) -> dict[str, Any]:
    currency = str(rule.tour.currency_id)
    prices = PickupPrice.objects.filter(tour=rule.tour).select_related("zone").order_by("zone__code")
    ways = TransferPrice.objects.filter(tour=rule.tour).select_related("origin", "destination", "option")
    return {
        "kind": rule.kind,
        "allows_unlisted": rule.allows_unlisted,
        "change_until_minutes": rule.change_until_minutes,
        "zones": [
            {
                "zone": price.zone.code,
                "basis": price.basis,
                "amount": amount_text(price.amount, currency),
                "vehicle_seats": price.vehicle_seats,
                "minutes_before": price.minutes_before,
            }
            for price in prices
        ],
        "transfers": [
            {
                "origin": way.origin.code,
                "destination": way.destination.code,
                "option": way.option.code if way.option else None,
                "both_ways": way.both_ways,
                "amount": amount_text(way.amount, currency),
                "vehicle_seats": way.vehicle_seats,
            }
            for way in ways.order_by("origin__code", "destination__code", "option__code")
        ],
    }


class TourPickupsForStaff(APIView):
    def get_permissions(self) -> Any:
        match self.request.method:
            case "PUT":
                return [Needs("tours.add_pickuprule", "tours.change_pickuprule")()]
            case "DELETE":
                return [Needs("tours.delete_pickuprule")()]
            case _:
                return [Needs("tours.view_pickuprule")()]

    @extend_schema(
        tags=["back-office"], responses={200: PickupsSerializer}, operation_id="admin_tours_pickups_retrieve"
    )
    def get(self, request: Any, given: str) -> Response:
        """How the tour fetches its guests; 404 where it does not."""
        rule = PickupRule.objects.select_related("tour").filter(tour=any_tour_id(given)).first()
        if rule is None:
            raise NotFound
        return Response(_shown(rule))

    @extend_schema(
        tags=["back-office"],
        request=PickupsSerializer,
        responses={200: PickupsSerializer},
        operation_id="admin_tours_pickups_update",
    )
    def put(self, request: Any, given: str) -> Response:
        """Fetch guests so from now on; a list that is sent replaces what was there. Bookings keep what they have."""
        asked = PickupsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = dict(asked.validated_data)
        data |= {name: [_named(row) for row in data[name]] for name in ("zones", "transfers") if name in data}
        return Response(_shown(set_pickups(tour_id=any_tour_id(given), data=data, actor=request.user)))

    @extend_schema(tags=["back-office"], responses={204: None}, operation_id="admin_tours_pickups_destroy")
    def delete(self, request: Any, given: str) -> Response:
        """Nobody is fetched any more."""
        drop_pickups(tour_id=any_tour_id(given), actor=request.user)
        return Response(status=204)
