from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.i18n import in_language
from ledger.models import Currency, ExchangeRate


class CurrencySerializer(serializers.ModelSerializer):
    name = serializers.SerializerMethodField()
    decimals = serializers.IntegerField(source="minor_units")

    class Meta:
        model = Currency
        fields = ["code", "name", "name_en", "name_ar", "symbol", "decimals"]

    def get_name(self, currency: Currency) -> str:
        return str(in_language(currency, "name"))


class ExchangeRateSerializer(serializers.ModelSerializer):
    base = serializers.CharField(source="base_id")
    quote = serializers.CharField(source="quote_id")
    rate = serializers.SerializerMethodField()

    class Meta:
        model = ExchangeRate
        fields = ["base", "quote", "rate", "valid_from"]

    @extend_schema_field(serializers.DecimalField(max_digits=18, decimal_places=8))
    def get_rate(self, row: ExchangeRate) -> str:
        return f"{row.rate.normalize():f}"


class RatesAskedSerializer(serializers.Serializer):
    """Which rates are asked for."""

    date = serializers.DateField(required=False)
    base = serializers.RegexField(r"^[A-Z]{3}$", required=False)
    quote = serializers.RegexField(r"^[A-Z]{3}$", required=False)

    def filters(self) -> dict[str, Any]:
        """The pair, as filters of a queryset."""
        return {f"{side}_id": code for side in ("base", "quote") if (code := self.validated_data.get(side))}


class TrialLineSerializer(serializers.Serializer):
    """One role of accounts: everything posted to either side of it, in major units."""

    role = serializers.CharField()
    detail = serializers.CharField()
    debit = serializers.DecimalField(max_digits=18, decimal_places=3)
    credit = serializers.DecimalField(max_digits=18, decimal_places=3)


class TrialBalanceSerializer(serializers.Serializer):
    """The books of one unit; both sides are the same, or something is broken."""

    unit = serializers.CharField()
    debit = serializers.DecimalField(max_digits=18, decimal_places=3)
    credit = serializers.DecimalField(max_digits=18, decimal_places=3)
    balances = serializers.BooleanField()
    lines = TrialLineSerializer(many=True)


class TrialBalancesSerializer(serializers.Serializer):
    items = TrialBalanceSerializer(many=True)
