"""Prices by day over the API, and the rules behind them for staff's programs. The figures were worked out by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.utils.timezone import localdate, now

from accounts.models import PriceGroup
from accounts.tests.factories import TenantFactory
from config.tenancy import tenant_context
from ledger.models import ExchangeRate
from tours.models import CurrencyPrice, PriceRule, ServiceFee
from tours.services.departures import close_departures
from tours.tests.factories import (
    CurrencyFactory,
    DepartureFactory,
    OptionFactory,
    PriceCategoryFactory,
    SeasonFactory,
    TaxRateFactory,
    TourFactory,
)

MONTH = {"from": f"{localdate():%Y-%m}", "months": 2}
RULES = "/api/v1/admin/price-rules"


@pytest.fixture
def option(listed):
    cache.clear()
    return listed(tax=TaxRateFactory(percent=10, is_inclusive=False)).options.get()


def start(option, days, **values):
    return DepartureFactory(option=option, starts_at=now().replace(hour=9, minute=0) + timedelta(days=days), **values)


def asked(api, option, **query):
    answer = api.get(f"/api/v1/tours/{option.tour_id}/prices", {**MONTH, **query})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_each_day_shows_the_lowest_price_of_the_party(option, api):
    first, second = start(option, 7), start(option, 8)
    private = OptionFactory(tour=option.tour, code="private", prices={"adult": "40"}, is_default=False)
    start(private, 8), start(private, 8, capacity=2)
    PriceRule.objects.create(
        tour=option.tour,
        option=option,
        kind="EARLY_BIRD",
        days_before=5,
        value=-10,
        name_en="Early",
        name_ar="مبكر",
    )
    ServiceFee.objects.create(name_en="Fee", name_ar="رسم", basis="AMOUNT", value=5)
    shown = asked(api, option, guests="adult:2,child:1")
    # Day 7: 2 × 90 + 45 = 225, fee 5, tax 10 % of 230. The private option has no price for children.
    assert shown["days"][0] == {
        "date": str(first.local_date),
        "price_from": "90.00",
        "original_price": "100.00",
        "total": "253.00",
        "departures": 1,
    }
    assert [day["total"] for day in shown["days"]] == ["253.00", "253.00"]
    adults = asked(api, option, guests="adult:3")["days"]
    # Day 8: 3 × 40 = 120, fee 5, tax 12.50; the second private start has two places only.
    assert [(day["date"], day["total"], day["departures"]) for day in adults] == [
        (str(first.local_date), "302.50", 1),
        (str(second.local_date), "137.50", 2),
    ]


def test_it_costs_four_statements_at_most_and_none_when_remembered(option, api, django_assert_num_queries, settings):
    settings.REMEMBER_READS = True
    for days in range(1, 20):
        start(option, days)
    euro = CurrencyFactory(code="EUR")
    ExchangeRate.objects.create(base_id="USD", quote=euro, rate=Decimal("0.9"), valid_from=localdate())
    asked(api, option)  # the tenant is known from here on
    with django_assert_num_queries(3):
        shown = asked(api, option, currency="EUR")
    assert shown["days"][0]["price_from"] == "90.00"
    with django_assert_num_queries(0):
        assert asked(api, option, currency="EUR", guests=" adult:1 ") == shown


def test_closing_a_day_and_changing_a_rule_are_seen_at_once(option, api, client_as):
    day = start(option, 7)
    assert len(asked(api, option)["days"]) == 1
    staff = client_as("ADMIN")
    season = SeasonFactory(days=[(localdate(), localdate() + timedelta(days=60))])
    body = {"tour": str(option.tour_id), "name_en": "High", "name_ar": "ذروة", "kind": "SEASON", "value": "50"}
    made = staff.post(RULES, {**body, "season": str(season.pk)}, format="json")
    assert made.status_code == 201, made.content
    assert asked(api, option)["days"][0]["price_from"] == "150.00"
    assert staff.patch(f"{RULES}/{made.json()['id']}", {"value": "20"}, format="json").status_code == 200
    assert asked(api, option)["days"][0]["price_from"] == "120.00"
    assert staff.delete(f"{RULES}/{made.json()['id']}").status_code == 204
    assert asked(api, option)["days"][0]["price_from"] == "100.00"
    close_departures(departure_ids=[day.pk], actor=None, reason="storm")
    cache.clear()
    assert asked(api, option)["days"] == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"guests": "adult"}, 400, "guests"),
        ({"guests": "adult:-1"}, 400, "guests"),
        ({"guests": "adult:0"}, 400, "guests"),
        ({"guests": "adult:1,adult:2"}, 400, "guests"),
        ({"guests": "adult:1000"}, 400, "guests"),
        ({"guests": "adult:٢"}, 400, "guests"),
        ({"from": "2027-13"}, 400, "from"),
        ({"from": "1999-01"}, 400, "from"),
        ({"months": "0"}, 400, "months"),
        ({"months": "19"}, 400, "months"),
        ({"currency": "XXX"}, 400, "currency"),
        ({"currency": "EUR"}, 422, "no_exchange_rate"),
        ({"guests": "wizard:1"}, 422, "unknown_price_category"),
        ({"guests": "adult:11"}, 422, "party_too_large"),
        ({"guests": "infant:1"}, 422, "nobody_takes_a_seat"),
    ],
)
def test_what_cannot_be_answered_is_refused(option, api, query, status, code):
    start(option, 7)
    CurrencyFactory(code="EUR")
    answer = api.get(f"/api/v1/tours/{option.tour_id}/prices", {**MONTH, **query})
    assert answer.status_code == status, answer.content
    assert code in (answer.json()["details"] if status == 400 else answer.json()["error_code"])


def test_a_price_list_in_a_currency_needs_no_rate(option, api):
    start(option, 7)
    for code, amount in (("adult", 90), ("child", 45), ("infant", 0)):
        CurrencyPrice.objects.create(
            option=option, currency=CurrencyFactory(code="EUR"), category=PriceCategoryFactory(code=code), amount=amount
        )
    assert asked(api, option, currency="EUR")["days"][0]["price_from"] == "90.00"


def test_tours_that_are_not_public_have_no_prices(listed, api):
    draft = OptionFactory(tour=TourFactory(status="DRAFT"))
    assert api.get(f"/api/v1/tours/{draft.tour_id}/prices").status_code == 404


# --- Rules over the API ---


def body(of, **values):
    return {
        "tour": str(of.pk),
        "name_en": "Fridays",
        "name_ar": "الجمعة",
        "kind": "WEEKDAY",
        "weekdays": [5],
        "value": "10",
        **values,
    }


def test_rules_are_listed_made_read_and_filtered(option, client_as, django_assert_num_queries):
    staff = client_as("ADMIN")
    PriceGroup.objects.create(code="gold", name_en="Gold", name_ar="ذهبي")
    made = staff.post(RULES, body(option.tour, price_group="gold", start_times=["09:00"]), format="json").json()
    assert (made["effect"], made["value"], made["price_group"], made["start_times"]) == (
        *("PERCENT", "10.000", "gold"),
        ["09:00:00"],
    )
    assert staff.get(f"{RULES}/{made['id']}").json() == made
    with django_assert_num_queries(2):
        assert staff.get(RULES, {"tour": option.tour_id}).json()["items"] == [made]
    assert staff.get(RULES, {"kind": "SEASON"}).json()["total"] == 0


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "MOON"}, "kind"),
        ({"value": "much"}, "value"),
        ({"value": None}, "value"),
        ({"weekdays": []}, "weekdays"),
        ({"weekdays": [8]}, "weekdays"),
        ({"name_ar": "x" * 81}, "name_ar"),
        ({"categories": ["nobody"]}, "categories"),
        ({"price_group": "nobody"}, "price_group"),
        ({"season": "0198a000-0000-7000-8000-000000000000"}, "season"),
        ({"effect": "AMOUNT", "tour": None}, "tour"),
        ({"first_day": "2027-02-30"}, "first_day"),
        ({"days_before": -1}, "days_before"),
        ({"priority": 40000}, "priority"),
    ],
)
def test_faulty_rules_are_refused_and_nothing_is_written(option, client_as, values, field):
    answer = client_as("ADMIN").post(RULES, body(option.tour, **values), format="json")
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["details"]
    assert not PriceRule.objects.exists()


def test_rows_of_another_operator_do_not_exist(option, client_as):
    with tenant_context(TenantFactory(slug="elsewhere").pk):
        theirs = TourFactory()
        rule = PriceRule.objects.create(tour=theirs, kind="WEEKDAY", weekdays=[1], value=1, name_en="a", name_ar="أ")
    staff = client_as("ADMIN")
    assert staff.post(RULES, body(theirs), format="json").status_code == 400
    for call in (staff.get, staff.patch, staff.delete):
        assert call(f"{RULES}/{rule.pk}").status_code == 404


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("CUSTOMER", 403), ("EMPLOYEE", 403), ("ADMIN", 201)])
def test_who_may_make_rules(option, api, client_as, role, status):
    caller = client_as(role) if role else api
    assert caller.post(RULES, body(option.tour), format="json").status_code == status
    assert caller.get(RULES).status_code == {401: 401, 403: 200 if role == "EMPLOYEE" else 403, 201: 200}[status]
