from datetime import date
from decimal import Decimal

import factory

from ledger.models import Currency, ExchangeRate
from ledger.money import minor_units


class CurrencyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Currency
        django_get_or_create = ["code"]

    code = "USD"
    name_en = factory.LazyAttribute(lambda o: f"Currency {o.code}")
    name_ar = factory.LazyAttribute(lambda o: f"عملة {o.code}")
    minor_units = factory.LazyAttribute(lambda o: minor_units(o.code))


class ExchangeRateFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ExchangeRate

    base = factory.SubFactory(CurrencyFactory, code="USD")
    quote = factory.SubFactory(CurrencyFactory, code="EGP")
    rate = Decimal(50)
    valid_from = date(2026, 1, 1)
