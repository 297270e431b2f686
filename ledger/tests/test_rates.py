from datetime import date
from decimal import Decimal

import pytest

from config.tenancy import tenant_context
from ledger.errors import NoRate, UnknownCurrency
from ledger.rates import convert, rate_on
from ledger.tests.factories import ExchangeRateFactory

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 1)


def rate(base, quote, value, day=date(2026, 1, 1)):
    return ExchangeRateFactory(base__code=base, quote__code=quote, rate=Decimal(value), valid_from=day)


def test_the_newest_rate_not_after_the_day_counts(tenant):
    rate("USD", "EGP", "48", date(2026, 1, 1))
    rate("USD", "EGP", "50", DAY)
    rate("USD", "EGP", "52", date(2026, 3, 2))
    assert rate_on("USD", "EGP", date(2026, 2, 28)) == Decimal(48)
    assert rate_on("USD", "EGP", DAY) == Decimal(50)
    assert rate_on("USD", "EGP", date(2026, 12, 1)) == Decimal(52)
    with pytest.raises(NoRate):
        rate_on("USD", "EGP", date(2025, 12, 31))


def test_the_day_is_today_unless_said(tenant):
    rate("USD", "EGP", "48", date(2020, 1, 1))
    rate("USD", "EGP", "99", date(2999, 1, 1))
    assert rate_on("USD", "EGP") == Decimal(48)


def test_a_currency_is_worth_itself(tenant):
    assert rate_on("KWD", "KWD", DAY) == 1


def test_the_inverse_where_only_the_other_way_is_known(tenant):
    rate("USD", "EGP", "48")
    assert rate_on("EGP", "USD", DAY) == Decimal("0.02083333")
    rate("EGP", "USD", "0.02")
    assert rate_on("EGP", "USD", DAY) == Decimal("0.02")


def test_the_cross_rate_by_way_of_the_operators_currency(tenant):
    rate("USD", "EGP", "50")
    rate("EUR", "USD", "1.1")
    assert tenant.currency == "USD"
    assert rate_on("EUR", "EGP", DAY) == Decimal("55.00000000")
    assert rate_on("EGP", "EUR", DAY) == Decimal("0.01818182")


def test_no_way_from_one_to_the_other_names_both(tenant):
    rate("USD", "EGP", "50")
    with pytest.raises(NoRate) as refusal:
        rate_on("EUR", "EGP", DAY)
    assert refusal.value.status == 422
    assert refusal.value.values == {"base": "EUR", "quote": "EGP", "day": "2026-03-01"}
    assert str(refusal.value) == "There is no exchange rate from EUR to EGP for 2026-03-01."


def test_what_is_no_currency_is_refused_as_such(tenant):
    with pytest.raises(UnknownCurrency):
        rate_on("USD", "ABC", DAY)


def test_conversion_rounds_to_the_other_currency(tenant):
    rate("USD", "KWD", "0.30715")
    rate("USD", "JPY", "155.55")
    assert convert(Decimal("10.00"), "USD", "KWD", DAY) == Decimal("3.072")
    assert convert(Decimal("10.00"), "USD", "JPY", DAY) == Decimal("1556")
    assert str(convert(Decimal("10.00"), "USD", "USD", DAY)) == "10.00"


def test_rates_are_the_tenants_own(tenant, other_tenant):
    rate("USD", "EGP", "50")
    with tenant_context(other_tenant.pk), pytest.raises(NoRate):
        rate_on("USD", "EGP", DAY)


@pytest.mark.parametrize(("base", "quote", "queries"), [("USD", "EGP", 1), ("EUR", "EGP", 3), ("EGP", "EGP", 0)])
def test_few_statements(tenant, django_assert_num_queries, base, quote, queries):
    rate("USD", "EGP", "50")
    rate("EUR", "USD", "1.1")
    with django_assert_num_queries(queries):
        rate_on(base, quote, DAY)
