from decimal import Decimal

import pytest

from accounts.tests.factories import TenantFactory
from config.tenancy import tenant_context
from ledger import seeds
from ledger.models import Currency, ExchangeRate
from ledger.rates import rate_on

pytestmark = pytest.mark.django_db

MARKETS = "USD EUR GBP EGP AED SAR KWD QAR BHD OMR JOD TRY MAD TND JPY INR CHF".split()  # noqa: SIM905


@pytest.fixture
def seeded(tenant):
    seeds.seed_platform()
    seeds.seed_tenant()


def test_the_currencies_of_our_markets_are_offered_with_arabic_names(seeded):
    offered = {currency.code: currency for currency in Currency.objects.filter(is_active=True)}
    assert offered.keys() >= set(MARKETS)
    assert all(any("ء" <= letter <= "ي" for letter in currency.name_ar) for currency in offered.values())
    assert (offered["EGP"].name_en, offered["EGP"].name_ar, offered["EGP"].minor_units) == (
        "Egyptian Pound",
        "جنيه مصري",
        2,
    )
    assert offered["KWD"].minor_units == 3
    assert not Currency.objects.get(code="ISK").is_active


def test_between_all_that_is_offered_there_is_a_rate(seeded):
    assert rate_on("USD", "AED") == Decimal("3.6725")
    for base in MARKETS:
        for quote in MARKETS:
            assert rate_on(base, quote) > 0


def test_seeding_again_keeps_what_staff_changed(seeded):
    Currency.objects.filter(code="EGP").update(name_en="Pound", is_active=False)
    ExchangeRate.objects.exclude(quote_id="EGP").delete()
    ExchangeRate.objects.update(rate=99)
    seeds.seed_platform()
    seeds.seed_tenant()
    egyptian = Currency.objects.get(code="EGP")
    assert (egyptian.name_en, egyptian.is_active) == ("Pound", False)
    assert list(ExchangeRate.objects.values_list("quote_id", "rate")) == [("EGP", Decimal(99))]


def test_in_production_nothing_is_made_up(tenant, settings):
    settings.IN_PRODUCTION = True
    seeds.seed_platform()
    seeds.seed_tenant()
    assert set(ExchangeRate.objects.values_list("source", flat=True)) == {"Central bank (peg)"}
    assert ExchangeRate.objects.count() == len(seeds.PEGGED) - 1


def test_rates_begin_in_the_operators_own_currency(settings, tenant):
    tenant.currency = "EGP"
    tenant.save(update_fields=["currency"])
    seeds.seed_platform()
    seeds.seed_tenant()
    assert set(ExchangeRate.objects.values_list("base_id", flat=True)) == {"EGP"}
    assert rate_on("USD", "EGP") == pytest.approx(Decimal("47.75"), abs=Decimal("0.0001"))


def test_other_operators_set_their_own(db):
    seeds.seed_platform()
    with tenant_context(TenantFactory(slug="another").pk):
        seeds.seed_tenant()
        assert not ExchangeRate.objects.exists()
