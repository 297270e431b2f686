"""What is always so of prices, and rules as they are read from their rows."""

from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import PriceGroup
from tours.models import CurrencyPrice, GroupTier, PriceRule, ServiceFee, TaxRate, TourTax
from tours.prices import (
    FeeTerms,
    Tier,
    load_offers,
    load_terms,
    price_lines,
    starting,
    total_of,
)
from tours.rules import RuleTerms
from tours.tests.any_offers import AT, families, offers
from tours.tests.factories import (
    CurrencyFactory,
    DepartureFactory,
    OptionFactory,
    PriceCategoryFactory,
    SeasonFactory,
    TourFactory,
)

# --- What is always so ---


@settings(max_examples=300, deadline=None)
@given(offer=offers, party=families, group=st.sampled_from(["", "gold"]))
def test_never_negative_sums_hold_and_order_does_not_matter(offer, party, group):
    lines, taxes = price_lines(offer, party, at=AT, group=group)
    assert all(line.amount >= 0 and line.unit >= 0 and line.amount == line.unit * line.quantity for line in lines)
    assert all(tax.amount >= 0 for tax in taxes)
    assert all(line.was is None or line.was > line.unit for line in lines)
    added = sum(tax.amount for tax in taxes if not tax.inclusive)
    assert total_of(lines, taxes) == sum(line.amount for line in lines) + added
    assert price_lines(offer, dict(reversed(party.items())), at=AT, group=group) == (lines, taxes)


@settings(max_examples=200, deadline=None)
@given(offer=offers, party=families, more=st.sampled_from(["adult", "child"]))
def test_more_guests_never_cost_less_within_a_tier(offer, party, more):
    larger = {**party, more: party.get(more, 0) + 1}
    bounds = {tier.from_guests for tier in offer.tiers}
    if any(sum(party.values()) < bound <= sum(larger.values()) for bound in bounds):
        return
    less, most = (total_of(*price_lines(offer, guests, at=AT)) for guests in (party, larger))
    assert less <= most


# --- Read from the rows ---


@pytest.fixture
def option(tenant):
    tour = TourFactory(currency=CurrencyFactory(code="EUR"), tax=TaxRate.objects.create(code="a", percent=1))
    return OptionFactory(tour=tour, single_supplement=Decimal("30"))


def make(tour, kind="SEASON", value=10, **values):
    return PriceRule.objects.create(tour=tour, kind=kind, value=value, name_en="R", name_ar="ق", **values)


def test_everything_is_read_in_one_statement(option, django_assert_num_queries):
    tour, adult = option.tour, PriceCategoryFactory()
    CurrencyPrice.objects.create(option=option, currency=CurrencyFactory(code="SAR"), category=adult, amount=410)
    GroupTier.objects.create(option=option, category=adult, from_guests=8, amount=80)
    TourTax.objects.create(tour=tour, tax=TaxRate.objects.create(code="0", percent=2, on_fee=False))
    ServiceFee.objects.create(name_en="All", name_ar="", value=1)
    fee = ServiceFee.objects.create(tour=tour, name_en="Fee", name_ar="رسم", value=3)
    gold = PriceGroup.objects.create(code="gold", name_en="Gold", name_ar="ذهبي")
    season = SeasonFactory(days=[(date(2027, 1, 1), date(2027, 1, 31))])
    first = make(tour, season=season, weekdays=[1, 2], start_times=[time(9)], categories=["adult"], price_group=gold)
    make(tour, is_active=False)
    make(TourFactory())
    departure = DepartureFactory(option=option, seats_booked=3, seats_held=1)
    with django_assert_num_queries(1):
        read = load_terms(departure.pk)
    assert read.rules == (
        RuleTerms(
            str(first.pk),
            "SEASON",
            "PERCENT",
            Decimal("10.000"),
            "R",
            "ق",
            categories=("adult",),
            season=((date(2027, 1, 1), date(2027, 1, 31)),),
            weekdays=(1, 2),
            times=("09:00",),
            group="gold",
        ),
    )
    assert read.lists == {"SAR": {"adult": Decimal("410.000")}}
    assert read.tiers == (Tier(8, "adult", "EUR", Decimal("80.000")),)
    assert [(tax.code, tax.on_fee) for tax in read.taxes] == [("a", True), ("0", False)]
    assert read.fee == FeeTerms(f"fee:{fee.pk}", "Fee", "رسم", "PERCENT", Decimal("3.000"))
    assert (read.sold, read.capacity, read.single_supplement) == (4, 10, Decimal("30"))
    with django_assert_num_queries(1):
        (offer,) = load_offers([tour.pk])
    at = starting(offer, departure.starts_at)
    assert replace(at, departure_id=read.departure_id, sold=4, capacity=10) == read


def test_rules_come_by_priority_then_conditions_then_age(option):
    tour = option.tour
    old = make(tour)
    made = {"older": make(tour, weekdays=[1]), "younger": make(tour, weekdays=[2])}
    top = make(tour, priority=1)
    everywhere = make(None, weekdays=[3])
    own = make(tour, option=option, weekdays=[4])
    (offer,) = load_offers([tour.pk])
    wanted = [top, own, made["older"], made["younger"], old, everywhere]
    by_conditions = sorted(wanted, key=lambda rule: (-rule.priority, -rule.conditions, rule.created_at))
    assert [rule.id for rule in offer.rules] == [str(rule.pk) for rule in by_conditions]
    assert by_conditions == wanted
