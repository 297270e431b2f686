"""Terms written by hand, and any terms that there can be, for tests of prices."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from hypothesis import strategies as st

from tours.prices import (
    CategoryPrice,
    FeeTerms,
    TaxTerms,
    Terms,
    Tier,
    price_lines,
)
from tours.rules import RuleTerms

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


VAT_IN = TaxTerms("vat", "VAT", "", Decimal(14), True)
CITY_IN = TaxTerms("city", "City", "", Decimal(6), True, False)
VAT_ON = TaxTerms("vat-on", "VAT", "", Decimal(14), False)
CITY_ON = TaxTerms("city-on", "City", "", Decimal(1), False, False)

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
