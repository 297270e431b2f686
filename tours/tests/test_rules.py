"""Rules, tiers, groups, rooms, fee and taxes. The figures were worked out by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import PriceGroup
from ledger.errors import NoRate
from tours.errors import SinglesRefused, TourHasNoPrice
from tours.models import CurrencyPrice, GroupTier, PriceRule, ServiceFee, TaxRate, TourTax
from tours.prices import (
    CategoryPrice,
    ExtraTerms,
    FeeTerms,
    TaxTerms,
    Terms,
    Tier,
    load_offers,
    load_terms,
    price_lines,
    seats_of,
    starting,
    total_of,
)
from tours.rules import RuleTerms
from tours.tests.factories import (
    CurrencyFactory,
    DepartureFactory,
    OptionFactory,
    PriceCategoryFactory,
    SeasonFactory,
    TourFactory,
)

# Monday, 1 March 2027, 09:00 in Cairo.
START = datetime(2027, 3, 1, 7, tzinfo=UTC)
AT = START - timedelta(days=10)


def terms(*rules, **values):
    usual = {
        "departure_id": uuid4(),
        "tour_id": uuid4(),
        "option_id": uuid4(),
        "option_code": "standard",
        "title_en": "Nile",
        "title_ar": "النيل",
        "option_en": "Jeep",
        "option_ar": "جيب",
        "starts_at": START,
        "ends_at": START,
        "cutoff_at": START,
        "time_zone": "Africa/Cairo",
        "currency": "EUR",
        "min_guests": 1,
        "max_guests": 40,
        "on_sale": True,
        "policy_id": uuid4(),
        "prices": {
            "adult": CategoryPrice("adult", "Adult", "بالغ", Decimal(100), 1),
            "child": CategoryPrice("child", "Child", "طفل", Decimal(50), 1, is_child=True),
        },
        "extras": {},
        "rules": rules,
        "capacity": 20,
    }
    return Terms(**{**usual, **values})


def rule(kind, value, effect="PERCENT", **conditions):
    name = conditions.pop("name", kind.title())
    return RuleTerms(str(uuid4()), kind, effect, Decimal(value), name, f"قاعدة {kind}", **conditions)


def unit(offer, at=AT, category="adult", group="", **party):
    lines, _taxes = price_lines(offer, party or {category: 1}, at=at, group=group)
    return next(line for line in lines if line.code == category)


# --- Which rules count ---


def test_season_weekday_and_occupancy_multiply_and_early_bird_comes_after():
    high = rule("SEASON", 20, season=((date(2027, 2, 1), date(2027, 3, 31)),), name="High season")
    monday = rule("WEEKDAY", -10, weekdays=(1,), name="Mondays")
    full = rule("OCCUPANCY", 50, occupancy=50, name="Almost full")
    early = rule("EARLY_BIRD", -5, "AMOUNT", days_before=10, name="Early bird")
    line = unit(terms(early, full, monday, high, sold=10))
    # 100 × 1.2 = 120; × 0.9 = 108; × 1.5 = 162; − 5 = 157
    assert [(step.text_en, step.unit) for step in line.because] == [
        ("High season: +20 %", Decimal("120.00")),
        ("Mondays: -10 %", Decimal("108.00")),
        ("Almost full: +50 %", Decimal("162.00")),
        ("Early bird: -€5.00", Decimal("157.00")),
    ]
    assert (line.unit, line.was, line.rule) == (Decimal("157.00"), Decimal("162.00"), "price_list:standard:adult")
    assert line.because[0].text_ar == "قاعدة SEASON: +20 %"


def test_an_override_takes_the_place_of_season_weekday_and_occupancy():
    eid = rule("OVERRIDE", 130, "PRICE", first_day=date(2027, 3, 1), last_day=date(2027, 3, 2), name="Eid")
    high = rule("SEASON", 20, season=((date(2027, 2, 1), date(2027, 3, 31)),))
    early = rule("EARLY_BIRD", -10, days_before=5)
    line = unit(terms(high, early, eid))
    assert (line.unit, line.was) == (Decimal("117.00"), Decimal("130.00"))
    assert line.rule == f"price_rule:{eid.id}"
    day_after = replace(terms(high, early, eid), starts_at=START + timedelta(days=2))
    assert unit(day_after).unit == Decimal("108.00")


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({"categories": ("child",)}, False),
        ({"categories": ("adult", "child")}, True),
        ({"times": ("09:00",)}, True),
        ({"times": ("07:00",)}, False),  # that is UTC
        ({"first_day": date(2027, 3, 2)}, False),
        ({"last_day": date(2027, 2, 28)}, False),
        ({"weekdays": (7,)}, False),
        ({"season": ()}, False),
        ({"season": ((date(2027, 3, 1), date(2027, 3, 1)),)}, True),
        ({"days_before": 10}, True),
        ({"days_before": 11}, False),
        ({"hours_before": 240}, True),
        ({"hours_before": 239}, False),
        ({"occupancy": 26}, False),
        ({"occupancy": 25}, True),
        ({"group": "gold"}, True),
        ({"group": "silver"}, False),
    ],
)
def test_each_condition(conditions, fits):
    line = unit(terms(rule("SEASON", -50, **conditions), sold=5), group="gold")
    assert line.unit == (Decimal("50.00") if fits else Decimal("100.00"))
    assert line.was == (Decimal("100.00") if fits else None)


def test_days_ahead_are_counted_in_the_calendar_of_the_place():
    early = terms(rule("EARLY_BIRD", -10, days_before=1))
    # 23:30 in Cairo on the day before, 21:30 UTC: one day ahead. 00:30 on the day itself: none.
    assert unit(early, at=datetime(2027, 2, 28, 21, 30, tzinfo=UTC)).unit == Decimal("90.00")
    assert unit(early, at=datetime(2027, 2, 28, 22, 30, tzinfo=UTC)).unit == Decimal("100.00")


def test_of_one_kind_the_first_that_fits_counts_and_early_bird_excludes_last_minute():
    offer = terms(
        rule("EARLY_BIRD", -20, days_before=30),
        rule("EARLY_BIRD", -10, days_before=5),
        rule("LAST_MINUTE", -50, hours_before=24 * 20),
    )
    assert unit(offer).unit == Decimal("90.00")


def test_members_pay_their_price_after_everything_else():
    offer = terms(rule("GROUP", -10, group="gold"), rule("SEASON", 20))
    assert unit(offer, group="gold").unit == Decimal("108.00")
    assert unit(offer, group="silver").unit == Decimal("120.00")
    assert unit(offer).unit == Decimal("120.00")


def test_no_rule_makes_a_price_negative():
    assert unit(terms(rule("SEASON", -100))).unit == Decimal("0.00")
    assert unit(terms(rule("EARLY_BIRD", -500, "AMOUNT", days_before=1))).unit == Decimal("0.00")


def test_a_unit_is_rounded_once_at_its_end():
    offer = terms(rule("SEASON", "33.333"), rule("WEEKDAY", "-33.333", weekdays=(1,)), currency="JPY")
    # 100 × 1.33333 × 0.66667 = 88.889… → 89, not 133 × 0.66667 → 89 by luck but 3 × 89
    line = unit(offer, adult=3)
    assert (line.unit, line.amount) == (Decimal("89"), Decimal("267"))


# --- Tiers, groups, rooms ---

TIERS = (
    Tier(1, None, "EUR", Decimal(200)),
    Tier(5, None, "EUR", Decimal(180)),
)


@pytest.mark.parametrize(
    ("adults", "children", "vehicles", "price", "seats"),
    [(1, 0, 1, 200, 4), (4, 0, 1, 200, 4), (3, 2, 2, 180, 8), (8, 0, 2, 180, 8), (9, 0, 3, 180, 12)],
)
def test_a_vehicle_is_paid_whoever_sits_in_it_and_is_taken_whole(adults, children, vehicles, price, seats):
    offer = terms(basis="PER_GROUP", group_size=4, tiers=TIERS)
    party = {"adult": adults, "child": children}
    lines, _taxes = price_lines(offer, party, at=AT)
    assert [(line.code, line.label_en, line.quantity, line.unit) for line in lines] == [
        ("group", "Jeep", vehicles, Decimal(price))
    ]
    assert seats_of(offer, party) == seats


def test_one_group_of_any_size_where_no_vehicle_is_named():
    offer = terms(basis="PER_GROUP", tiers=TIERS)
    lines, _taxes = price_lines(offer, {"adult": 7}, at=AT)
    assert (lines[0].quantity, lines[0].amount, seats_of(offer, {"adult": 7})) == (1, Decimal("180.00"), 7)


def test_a_group_without_a_price_cannot_be_sold():
    with pytest.raises(TourHasNoPrice):
        price_lines(terms(basis="PER_GROUP", tiers=TIERS[1:]), {"adult": 2}, at=AT)


def test_from_so_many_guests_each_pays_less_and_the_season_still_counts():
    offer = terms(
        rule("SEASON", 10, name="High season"),
        tiers=(Tier(6, "adult", "EUR", Decimal(80)), Tier(10, "adult", "EUR", Decimal(70))),
    )
    assert unit(offer, adult=5).unit == Decimal("110.00")
    line = unit(offer, adult=5, child=1)
    assert (line.unit, line.was) == (Decimal("88.00"), Decimal("100.00"))
    assert [step.text_en for step in line.because] == ["From 6 guests", "High season: +10 %"]
    assert unit(offer, adult=10).unit == Decimal("77.00")
    assert unit(offer, category="child", adult=5, child=1).unit == Decimal("55.00")


@pytest.mark.parametrize(
    ("party", "asked", "paid"),
    [
        ({"adult": 1}, None, 1),
        ({"adult": 2}, None, 0),
        ({"adult": 3}, None, 1),
        ({"adult": 1, "child": 1}, None, 0),
        ({"adult": 2, "child": 1}, None, 0),
        ({"adult": 2}, 2, 2),
        ({"adult": 4}, 2, 2),
        ({"adult": 2, "child": 1}, 1, 1),
    ],
)
def test_who_sleeps_alone_pays_the_supplement(party, asked, paid):
    offer = terms(has_rooms=True, single_supplement=Decimal("45"))
    extras = [] if asked is None else [{"code": "single-supplement", "quantity": asked}]
    lines, _taxes = price_lines(offer, party, extras, at=AT)
    single = [line for line in lines if line.code == "single-supplement"]
    assert [(line.quantity, line.amount) for line in single] == ([(paid, Decimal(45 * paid))] if paid else [])


@pytest.mark.parametrize(
    ("party", "asked"), [({"adult": 2}, 1), ({"adult": 2}, 3), ({"adult": 3}, 2), ({"adult": 1}, 0)]
)
def test_rooms_that_do_not_fit_the_party_are_refused(party, asked):
    offer = terms(has_rooms=True, single_supplement=Decimal("45"))
    with pytest.raises(SinglesRefused):
        price_lines(offer, party, [{"code": "single-supplement", "quantity": asked}], at=AT)


# --- Fee and taxes ---


def taxed(*taxes, fee=None, amount=200):
    offer = terms(taxes=taxes, fee=fee)
    lines, made = price_lines(offer, {"adult": amount // 100}, at=AT)
    return [tax.amount for tax in made], total_of(lines, made)


VAT_IN = TaxTerms("vat", "VAT", "", Decimal(14), True)
CITY_IN = TaxTerms("city", "City", "", Decimal(6), True, False)
VAT_ON = TaxTerms("vat-on", "VAT", "", Decimal(14), False)
CITY_ON = TaxTerms("city-on", "City", "", Decimal(1), False, False)
FEE = FeeTerms("fee:1", "Service fee", "", "PERCENT", Decimal(5))


def test_several_taxes_contained_are_contained_together():
    # 200 / 1.2 = 166.67 without taxes: 14 % of it 23.33, 6 % of it 10.00
    assert taxed(VAT_IN, CITY_IN) == ([Decimal("23.33"), Decimal("10.00")], Decimal("200.00"))


def test_taxes_on_top_are_added_each():
    assert taxed(VAT_ON, CITY_ON) == ([Decimal("28.00"), Decimal("2.00")], Decimal("230.00"))


def test_contained_and_added_taxes_go_together():
    # 200 × 14 / 114 = 24.56 contained; 1 % of 200 = 2.00 added
    assert taxed(VAT_IN, CITY_ON) == ([Decimal("24.56"), Decimal("2.00")], Decimal("202.00"))


def test_the_fee_is_a_line_and_bears_the_taxes_that_are_on_it():
    # Fee 10. VAT 14 % of 210 = 29.40; city tax 1 % of 200 = 2.00
    assert taxed(VAT_ON, CITY_ON, fee=FEE) == ([Decimal("29.40"), Decimal("2.00")], Decimal("241.40"))
    # Contained: 200 / 1.2 × 14 % = 23.333 and, in the fee of 10, 10 / 1.14 × 14 % = 1.228: 24.56; city tax 10.00
    assert taxed(VAT_IN, CITY_IN, fee=FEE) == ([Decimal("24.56"), Decimal("10.00")], Decimal("210.00"))


def test_a_fee_may_be_an_amount_for_each_booking():
    fee = FeeTerms("fee:1", "Service fee", "", "AMOUNT", Decimal("7.5"))
    assert taxed(fee=fee, amount=300) == ([], Decimal("307.50"))


# --- Other currencies ---


def test_a_price_fixed_in_a_currency_needs_no_rate_and_what_does_is_refused():
    offer = terms(rule("SEASON", 20), lists={"SAR": {"adult": Decimal(400)}})
    in_sar = offer.converted("SAR", None)
    line = unit(in_sar)
    assert (line.unit, line.rule) == (Decimal("480.00"), "price_list:standard:adult:SAR")
    with pytest.raises(NoRate, match="EUR"):
        unit(in_sar, category="child")
    with pytest.raises(NoRate):
        price_lines(
            replace(offer, fee=FeeTerms("f", "", "", "AMOUNT", Decimal(1))).converted("SAR", None), {"adult": 1}
        )
    with pytest.raises(NoRate):
        unit(terms(rule("SEASON", 20, "AMOUNT"), lists={"SAR": {"adult": Decimal(400)}}).converted("SAR", None))
    lunch = ExtraTerms("lunch", "Lunch", "", "PER_PERSON", Decimal(5), 9)
    with_lunch = replace(offer, extras={"lunch": lunch}).converted("SAR", None)
    with pytest.raises(NoRate):
        price_lines(with_lunch, {"adult": 1}, [{"code": "lunch"}])
    assert unit(with_lunch).unit == Decimal("480.00")
    with pytest.raises(NoRate):
        unit(replace(offer, extras={"lunch": replace(lunch, required=True)}).converted("SAR", None))
    rooms = replace(offer, has_rooms=True, single_supplement=Decimal(10)).converted("SAR", None)
    with pytest.raises(NoRate):
        price_lines(rooms, {"adult": 1}, at=AT)


def test_what_is_not_fixed_is_converted_and_rounded_once():
    offer = terms(
        rule("SEASON", 5, "AMOUNT"),
        lists={"SAR": {"adult": Decimal(400)}},
        tiers=(Tier(5, "adult", "EUR", Decimal(80)), Tier(5, "child", "SAR", Decimal(99))),
    ).converted("SAR", Decimal("4.1"))
    # 5 EUR × 4.1 = 20.50
    assert unit(offer).unit == Decimal("420.50")
    assert unit(offer, category="child").unit == Decimal("225.50")
    assert unit(offer, adult=5).unit == Decimal("348.50")
    assert unit(offer, category="child", child=5).unit == Decimal("119.50")


# --- What is always so ---

kinds = st.sampled_from(["OVERRIDE", "SEASON", "WEEKDAY", "OCCUPANCY", "EARLY_BIRD", "LAST_MINUTE", "GROUP"])


@st.composite
def any_rule(draw):
    effect = draw(st.sampled_from(["PERCENT", "AMOUNT", "PRICE"]))
    low = {"PERCENT": -100, "AMOUNT": -300, "PRICE": 0}[effect]
    value = draw(st.decimals(low, 300, places=3))
    return rule(
        draw(kinds),
        value,
        effect,
        categories=draw(st.sampled_from([(), ("adult",), ("child",)])),
        weekdays=draw(st.sampled_from([(), (1,), (2, 3)])),
        occupancy=draw(st.none() | st.integers(1, 100)),
        days_before=draw(st.none() | st.integers(1, 20)),
        group=draw(st.none() | st.just("gold")),
    )


offers = st.builds(
    lambda rules, tiers, basis, size, fee, taxes, currency, sold: terms(
        *rules,
        tiers=(
            tuple(Tier(n, code, currency, amount) for n, code, amount in tiers)
            if basis == "PER_PERSON"
            else (Tier(1, None, currency, Decimal("99.5")), Tier(6, None, currency, Decimal(77)))
        ),
        basis=basis,
        group_size=size,
        fee=FeeTerms("fee:1", "Fee", "", "PERCENT", fee) if fee else None,
        taxes=taxes,
        currency=currency,
        sold=sold,
        max_guests=60,
    ),
    rules=st.lists(any_rule(), max_size=6),
    tiers=st.lists(
        st.tuples(st.integers(2, 8), st.sampled_from(["adult", "child"]), st.decimals(0, 200, places=2)),
        max_size=3,
        unique_by=lambda tier: tier[:2],
    ),
    basis=st.sampled_from(["PER_PERSON", "PER_PERSON", "PER_GROUP"]),
    size=st.none() | st.integers(1, 7),
    fee=st.none() | st.decimals(0, 30, places=2),
    taxes=st.sampled_from([(), (VAT_IN,), (VAT_ON, CITY_ON), (VAT_IN, CITY_IN, CITY_ON)]),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    sold=st.integers(0, 20),
)
families = st.dictionaries(st.sampled_from(["adult", "child"]), st.integers(1, 12), min_size=1)


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
