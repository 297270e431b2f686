from datetime import date
from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from config.tenancy import tenant_context
from ledger.tests.factories import CurrencyFactory, ExchangeRateFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def api():
    return APIClient()


def test_strangers_see_the_currencies_offered_in_their_language(api, tenant, django_assert_num_queries):
    CurrencyFactory(code="EGP", name_en="Egyptian Pound", name_ar="جنيه مصري", symbol="E£")
    CurrencyFactory(code="KWD")
    CurrencyFactory(code="ISK", is_active=False)
    with django_assert_num_queries(4):  # the tenant, twice by host and by slug; the count; the page
        answer = api.get("/api/v1/currencies", headers={"Accept-Language": "ar"})
    assert answer.status_code == 200
    body = answer.json()
    assert {key: body[key] for key in ("total", "page", "size", "pages")} == {
        "total": 2,
        "page": 1,
        "size": 20,
        "pages": 1,
    }
    assert body["items"][0] == {
        "code": "EGP",
        "name": "جنيه مصري",
        "name_en": "Egyptian Pound",
        "name_ar": "جنيه مصري",
        "symbol": "E£",
        "decimals": 2,
    }
    assert api.get("/api/v1/currencies").json()["items"][0]["name"] == "Egyptian Pound"


@pytest.fixture
def rates(tenant, other_tenant):
    ExchangeRateFactory(rate=Decimal("48"), valid_from=date(2026, 1, 1))
    ExchangeRateFactory(rate=Decimal("50.25"), valid_from=date(2026, 3, 1))
    ExchangeRateFactory(base__code="EUR", quote__code="USD", rate=Decimal("1.1"), valid_from=date(2026, 1, 1))
    with tenant_context(other_tenant.pk):
        ExchangeRateFactory(rate=Decimal("1"), valid_from=date(2026, 3, 1))


def test_the_rates_in_force_on_a_day(api, rates):
    items = api.get("/api/v1/exchange-rates", {"date": "2026-02-28"}).json()["items"]
    assert items == [
        {"base": "EUR", "quote": "USD", "rate": "1.1", "valid_from": "2026-01-01"},
        {"base": "USD", "quote": "EGP", "rate": "48", "valid_from": "2026-01-01"},
    ]
    items = api.get("/api/v1/exchange-rates", {"date": "2026-03-01", "base": "USD"}).json()["items"]
    assert items == [{"base": "USD", "quote": "EGP", "rate": "50.25", "valid_from": "2026-03-01"}]
    assert api.get("/api/v1/exchange-rates", {"date": "2025-01-01"}).json()["total"] == 0
    assert api.get("/api/v1/exchange-rates", {"quote": "XXX"}).json()["total"] == 0


@pytest.mark.parametrize("query", [{"date": "yesterday"}, {"base": "usd"}, {"quote": "U\x00D"}, {"size": "101"}])
def test_what_cannot_be_understood_is_a_400_that_names_the_field(api, rates, query):
    answer = api.get("/api/v1/exchange-rates", query)
    assert answer.status_code == 400
    assert list(answer.json()["details"]) == list(query)


@pytest.mark.parametrize("path", ["currencies", "exchange-rates"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nobody_writes_through_the_api(api, tenant, path, method):
    assert getattr(api, method)(f"/api/v1/{path}", {}).status_code in {401, 405}
