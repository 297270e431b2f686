from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import Needs
from ledger.models import Currency, ExchangeRate
from ledger.selectors import rates_in_force, trial_balance
from ledger.serializers import (
    CurrencySerializer,
    ExchangeRateSerializer,
    RatesAskedSerializer,
    TrialBalancesSerializer,
)


@extend_schema(tags=["money"], summary="The currencies that are offered", auth=[])
class CurrencyList(ListAPIView):
    permission_classes = [AllowAny]
    serializer_class = CurrencySerializer
    queryset = Currency.objects.filter(is_active=True)
    filter_backends: list[Any] = []


@extend_schema(
    tags=["money"],
    summary="The exchange rates in force on a day",
    description="One row per pair of currencies: the newest that is not after `date` (today unless given).",
    parameters=[RatesAskedSerializer],
    auth=[],
)
class ExchangeRateList(ListAPIView):
    permission_classes = [AllowAny]
    serializer_class = ExchangeRateSerializer
    filter_backends: list[Any] = []

    def get_queryset(self) -> QuerySet[ExchangeRate]:
        asked = RatesAskedSerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return rates_in_force(asked.validated_data.get("date")).filter(**asked.filters())


class TrialBalances(APIView):
    permission_classes = [Needs("ledger.view_transaction")]

    @extend_schema(
        tags=["money"],
        operation_id="admin_trial_balance",
        summary="The trial balance, per unit",
        description="Sums of debit and credit of everything posted so far, and the same for each account of a unit.",
        responses={200: TrialBalancesSerializer},
    )
    def get(self, request: Request) -> Response:
        return Response(TrialBalancesSerializer({"items": trial_balance()}).data)
