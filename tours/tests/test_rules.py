"""Rules, tiers, groups, rooms, fee and taxes. The figures were worked out by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ledger.errors import NoRate
from tours.errors import SinglesRefused, TourHasNoPrice
from tours.prices import (
    ExtraTerms,
    FeeTerms,
    Tier,
    price_lines,
    seats_of,
    total_of,
)
from tours.tests.any_offers import AT, CITY_IN, CITY_ON, START, VAT_IN, VAT_ON, rule, terms, unit

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
