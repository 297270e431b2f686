"""The currencies that Rihla knows, and rates to begin with."""

from datetime import date
from decimal import Decimal

from babel import Locale
from babel.numbers import get_currency_symbol
from django.conf import settings

from config.tenancy import tenant_at_hand
from ledger.models import Currency, ExchangeRate
from ledger.money import known_currencies, minor_units

# Offered from the start; the others are known, and switched on in the back-office.
OFFERED = frozenset("AED BHD CHF CNY EGP EUR GBP INR JOD JPY KWD MAD OMR QAR SAR TND TRY USD".split())  # noqa: SIM905

SINCE = date(2024, 1, 1)

# Units per US dollar. The first are pegged to it by their central banks and have not moved for decades.
PEGGED = {"AED": "3.6725", "BHD": "0.376", "JOD": "0.709", "OMR": "0.3845", "QAR": "3.64", "SAR": "3.75", "USD": "1"}
# These only look like the market's: for trying Rihla out, never for selling.
ILLUSTRATIVE = {
    "CHF": "0.8",
    "CNY": "7.1",
    "EGP": "47.75",
    "EUR": "0.86",
    "GBP": "0.75",
    "INR": "88.5",
    "JPY": "152",
    "KWD": "0.3065",
    "MAD": "9.2",
    "TND": "2.92",
    "TRY": "42.1",
}


def seed_platform() -> None:
    """Every currency that is legal tender somewhere, with its names. What staff changed since stays."""
    names = {language: Locale(language).currencies for language in ("en", "ar")}
    Currency.objects.bulk_create(
        [
            Currency(
                code=code,
                name_en=names["en"].get(code, code),
                name_ar=names["ar"].get(code, code),
                minor_units=minor_units(code),
                symbol=get_currency_symbol(code, locale="en")[:8],
                is_active=code in OFFERED,
            )
            for code in known_currencies()
        ],
        ignore_conflicts=True,
    )


def seed_tenant() -> None:
    """First rates for the default operator, in its currency, unless it has any. In production only those that are pegged."""
    tenant = tenant_at_hand()
    per_dollar = PEGGED if settings.IN_PRODUCTION else PEGGED | ILLUSTRATIVE
    home = per_dollar.get(tenant.currency)
    if tenant.slug != settings.DEFAULT_TENANT or home is None or ExchangeRate.objects.exists():
        return
    ExchangeRate.objects.bulk_create(
        ExchangeRate(
            base_id=tenant.currency,
            quote_id=code,
            rate=(Decimal(rate) / Decimal(home)).quantize(Decimal("0.00000001")),
            valid_from=SINCE,
            source="Central bank (peg)" if {code, tenant.currency} <= PEGGED.keys() else "Example",
        )
        for code, rate in sorted(per_dollar.items())
        if code != tenant.currency
    )
