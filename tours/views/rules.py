"""Price rules for staff's programs: what the back-office's page does."""

from typing import Any
from uuid import UUID

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import PriceGroup
from accounts.permissions import Needs
from config.errors import NotFound
from config.idempotency import once
from config.schema import IDEMPOTENCY_KEY
from tours.models import PriceRule, RuleEffect, RuleKind, Season, Tour, TourOption
from tours.serializers.own import OwnRow
from tours.services.price_rules import change_price_rule, create_price_rule, delete_price_rule


class OwnGroup(serializers.SlugRelatedField):
    """A price group of the operator by its code."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="code", queryset=PriceGroup._base_manager.none(), **kwargs)

    def get_queryset(self) -> Any:
        return PriceGroup.objects.all()


class PriceRuleSerializer(serializers.ModelSerializer):
    kind = serializers.ChoiceField(RuleKind.choices)
    effect = serializers.ChoiceField(RuleEffect.choices, default=RuleEffect.PERCENT)
    tour = OwnRow(Tour, help_text="Null: every tour (percentages only).")
    option = OwnRow(TourOption)
    season = OwnRow(Season)
    price_group = OwnGroup(required=False, allow_null=True)

    class Meta:
        model = PriceRule
        fields = [
            *("id", "tour", "option", "name_en", "name_ar", "kind", "effect", "value", "categories"),
            *("first_day", "last_day", "season", "weekdays", "start_times", "days_before", "hours_before"),
            *("occupancy_percent", "price_group", "priority", "is_active", "created_at"),
        ]
        read_only_fields = ["id", "created_at"]
        validators: list[Any] = []


class PriceRuleFilter(django_filters.FilterSet):
    tour = django_filters.UUIDFilter(field_name="tour_id")
    kind = django_filters.MultipleChoiceFilter(choices=RuleKind.choices)
    active = django_filters.BooleanFilter(field_name="is_active")

    class Meta:
        model = PriceRule
        fields: list[str] = []


def _checked(given: Any, *, partial: bool) -> dict[str, Any]:
    asked = PriceRuleSerializer(data=given, partial=partial)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


@extend_schema_view(get=extend_schema(tags=["back-office"], operation_id="admin_price_rules_list"))
class PriceRules(ListAPIView):
    """Every rule, those of one tour together, in the order in which they count."""

    serializer_class = PriceRuleSerializer
    filterset_class = PriceRuleFilter

    def get_permissions(self) -> Any:
        return [Needs("tours.add_pricerule" if self.request.method == "POST" else "tours.view_pricerule")()]

    def get_queryset(self) -> Any:
        return PriceRule.objects.select_related("price_group").order_by("tour_id", "kind", "-priority", "created_at")

    @extend_schema(
        tags=["back-office"],
        request=PriceRuleSerializer,
        responses={201: PriceRuleSerializer},
        parameters=[IDEMPOTENCY_KEY],
        operation_id="admin_price_rules_create",
    )
    @once("price-rules")
    def post(self, request: Any) -> Response:
        """A new rule. What is left out is no condition."""
        rule = create_price_rule(data=_checked(request.data, partial=False), actor=request.user)
        return Response(PriceRuleSerializer(rule).data, status=201)


class PriceRulePage(APIView):
    def get_permissions(self) -> Any:
        verb = {"PATCH": "change", "DELETE": "delete"}.get(self.request.method or "", "view")
        return [Needs(f"tours.{verb}_pricerule")()]

    @extend_schema(
        tags=["back-office"], responses={200: PriceRuleSerializer}, operation_id="admin_price_rules_retrieve"
    )
    def get(self, request: Any, rule_id: UUID) -> Response:
        """One rule."""
        rule = PriceRule.objects.select_related("price_group").filter(pk=rule_id).first()
        if rule is None:
            raise NotFound
        return Response(PriceRuleSerializer(rule).data)

    @extend_schema(
        tags=["back-office"],
        request=PriceRuleSerializer(partial=True),
        responses={200: PriceRuleSerializer},
        operation_id="admin_price_rules_partial_update",
    )
    def patch(self, request: Any, rule_id: UUID) -> Response:
        """Change what is sent. Holds and bookings keep the price that they have."""
        data = _checked(request.data, partial=True)
        rule = change_price_rule(rule_id=rule_id, data=data, actor=request.user)
        return Response(PriceRuleSerializer(rule).data)

    @extend_schema(tags=["back-office"], responses={204: None}, operation_id="admin_price_rules_destroy")
    def delete(self, request: Any, rule_id: UUID) -> Response:
        """Delete it. Holds and bookings keep the price that they have."""
        delete_price_rule(rule_id=rule_id, actor=request.user)
        return Response(status=204)
