"""The invariants over the API: what the last runs found, and a run now."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import InvariantReport
from accounts.permissions import Needs
from accounts.reports import check_this_tenant


class InvariantReportSerializer(serializers.ModelSerializer):
    """`faults` maps the name of each broken promise to sentences that say where."""

    faults = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), read_only=True)

    class Meta:
        model = InvariantReport
        fields = ["id", "ran_at", "is_clean", "faults", "milliseconds"]
        read_only_fields = fields


@extend_schema(tags=["system"])
class Invariants(ListAPIView):
    permission_classes = [Needs("accounts.view_invariantreport")]
    serializer_class = InvariantReportSerializer
    filter_backends: list[Any] = []

    def get_queryset(self) -> Any:
        return InvariantReport.objects.all()

    @extend_schema(operation_id="admin_invariants", summary="What the checks of the promises found, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="admin_invariants_run",
        summary="Check the promises now: seats, money, repeats",
        request=None,
        responses={201: InvariantReportSerializer},
    )
    def post(self, request: Request) -> Response:
        return Response(InvariantReportSerializer(check_this_tenant()).data, status=201)
