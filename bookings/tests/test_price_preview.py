"""The price preview on a tour's page."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import localdate

from bookings.models import Hold
from bookings.tests.factories import ClerkFactory
from config.tenancy import tenant_context
from ledger.tests.factories import ExchangeRateFactory
from tours.models import PriceRule
from tours.tests.factories import CurrencyFactory, DepartureFactory, OptionFactory, TaxRateFactory, TourFactory

pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def option():
    """A draft: what is not on sale has a price to look at, too."""
    tour = TourFactory(status="DRAFT", tax=TaxRateFactory())
    return OptionFactory(tour=tour, prices={"adult": "80", "child": "40"})


@pytest.fixture
def clerk(client):
    client.force_login(ClerkFactory(permissions=["tours.view_tour", "tours.change_tour"]))
    return client


def asked(option, **more):
    day = localdate() + timedelta(days=30)
    return {"option": option.code, "day": day.isoformat(), "at": "09:00", "guests-adult": "2", **more}


def address(option):
    return reverse("admin:price_preview", args=[option.tour_id])


def test_a_day_without_a_departure_has_a_price_line_by_line(clerk, option):
    answer = clerk.get(address(option), asked(option, **{"guests-child": "1"}))
    quote = answer.context["quote"]
    assert [(line["label"], line["quantity"], line["amount"]) for line in quote["lines"]] == [
        ("Adult", 2, "160.00"),
        ("Child", 1, "40.00"),
    ]
    assert (quote["total"], answer.context["departure"]) == ("200.00", "")
    assert "$200.00" in answer.content.decode()
    assert Hold.objects.count() == 0


def test_rules_that_make_the_price_are_named(clerk, option):
    PriceRule.objects.create(
        tour=option.tour,
        name_en="Winter feast",
        name_ar="عيد الشتاء",
        kind="SEASON",
        effect="PERCENT",
        value=Decimal(10),
        first_day=localdate() + timedelta(days=20),
        last_day=localdate() + timedelta(days=40),
    )
    answer = clerk.get(address(option), asked(option))
    assert answer.context["quote"]["total"] == "176.00"
    assert "Winter feast" in answer.content.decode()


def test_a_departure_that_there_is_counts_with_its_places(clerk, option):
    departure = DepartureFactory(option=option)
    start = departure.local_start()
    shown = asked(option, day=start.date().isoformat(), at=f"{start:%H:%M:%S}")
    answer = clerk.get(address(option), shown)
    assert answer.context["departure"] == reverse("admin:tours_departure_change", args=[departure.pk])


def test_other_currencies_by_todays_rate_and_refused_without_one(clerk, option):
    ExchangeRateFactory(base=CurrencyFactory(code="USD"), quote=CurrencyFactory(code="EUR"), rate=Decimal("0.5"))
    CurrencyFactory(code="JOD")
    assert clerk.get(address(option), asked(option, currency="EUR")).context["quote"]["total"] == "80.00"
    refused = clerk.get(address(option), asked(option, currency="JOD"))
    assert refused.status_code >= 400
    assert "JOD" in refused.content.decode()


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"day": "someday"}, 400),
        ({"day": ""}, 400),
        ({"at": "25:00"}, 400),
        ({"guests-adult": "-1"}, 400),
        ({"guests-adult": "1e9"}, 400),
        ({"guests-adult": "501"}, 400),
        ({"guests-adult": "0"}, 422),
        ({"guests-adult": "400"}, 422),
        ({"option": "gold"}, 404),
    ],
)
def test_what_makes_no_sense_is_said(clerk, option, wrong, status):
    answer = clerk.get(address(option), asked(option) | wrong)
    assert answer.status_code == status
    assert 'role="alert"' in answer.content.decode()


def test_who_may(client, option, other_tenant):
    assert client.get(address(option), asked(option)).status_code == 302
    client.force_login(ClerkFactory(permissions=["bookings.view_booking"]))
    assert client.get(address(option), asked(option)).status_code == 403
    client.force_login(ClerkFactory(permissions=["tours.view_tour"]))
    with tenant_context(other_tenant.pk):
        theirs = OptionFactory()
    assert client.get(address(theirs), asked(theirs)).status_code == 404


def test_the_page_of_a_tour_has_it_outside_of_its_form(clerk, option):
    page = clerk.get(reverse("admin:tours_tour_change", args=[option.tour_id])).content.decode()
    form_ends = page.index("</form>", page.index('id="tour_form"'))
    panel = reverse("admin:tour_panel", args=[option.tour_id, "prices-1"])
    assert page.index(f'data-panel="{panel}"') > form_ends
    shown = clerk.get(panel).content.decode()
    assert address(option) in shown
    assert 'name="guests-adult" value="2"' in shown
