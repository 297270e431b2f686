"""The deposit of a tour for staff's programs."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import Needs
from config.errors import NotFound
from tours.models import DepositRule
from tours.selectors.detail import any_tour_id
from tours.services.deposits import drop_deposit, set_deposit


class DepositSerializer(serializers.ModelSerializer):
    class Meta:
        model = DepositRule
        fields = ["basis", "amount", "balance_days", "reminder_days", "overdue", "grace_days"]


class TourDeposit(APIView):
    def get_permissions(self) -> Any:
        match self.request.method:
            case "PUT":
                return [Needs("tours.add_depositrule", "tours.change_depositrule")()]
            case "DELETE":
                return [Needs("tours.delete_depositrule")()]
            case _:
                return [Needs("tours.view_depositrule")()]

    @extend_schema(
        tags=["back-office"], responses={200: DepositSerializer}, operation_id="admin_tours_deposit_retrieve"
    )
    def get(self, request: Any, given: str) -> Response:
        """The tour's deposit; 404 where it is paid at once."""
        rule = DepositRule.objects.filter(tour=any_tour_id(given)).first()
        if rule is None:
            raise NotFound
        return Response(DepositSerializer(rule).data)

    @extend_schema(
        tags=["back-office"],
        request=DepositSerializer,
        responses={200: DepositSerializer},
        operation_id="admin_tours_deposit_update",
    )
    def put(self, request: Any, given: str) -> Response:
        """Ask for this deposit from now on. Bookings keep what they agreed to."""
        asked = DepositSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        rule = set_deposit(tour_id=any_tour_id(given), data=asked.validated_data, actor=request.user)
        return Response(DepositSerializer(rule).data)

    @extend_schema(tags=["back-office"], responses={204: None}, operation_id="admin_tours_deposit_destroy")
    def delete(self, request: Any, given: str) -> Response:
        """Everything is paid at once again."""
        drop_deposit(tour_id=any_tour_id(given), actor=request.user)
        return Response(status=204)
