from decimal import Decimal

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import AmountTooFine, InvalidAmount, UnknownCurrency
from ledger.money import (
    amount_text,
    format_money,
    from_minor,
    known_currencies,
    minor_units,
    parse_money,
    round_money,
    split,
    to_minor,
)

currencies = st.sampled_from(known_currencies())


@pytest.mark.parametrize(
    ("code", "decimals"),
    [("USD", 2), ("EGP", 2), ("JPY", 0), ("KWD", 3), ("BHD", 3), ("TND", 3), ("IQD", 3), ("LBP", 2), ("ISK", 0)],
)
def test_decimals_are_those_of_iso_4217(code, decimals):
    assert minor_units(code) == decimals


@pytest.mark.parametrize("code", ["", "usd", "XXX", "DEM", "US", None, "USDX"])
def test_other_texts_are_no_currency(code):
    with pytest.raises(UnknownCurrency):
        minor_units(code)


@pytest.mark.parametrize(
    ("amount", "code", "rounded"),
    [
        ("2.345", "USD", "2.35"),
        ("2.335", "USD", "2.34"),
        ("-2.345", "USD", "-2.35"),
        ("0.5", "JPY", "1"),
        ("1.5", "JPY", "2"),
        ("2.5", "JPY", "3"),
        ("1.0005", "KWD", "1.001"),
        ("-0.001", "USD", "0.00"),
        ("7", "EGP", "7.00"),
    ],
)
def test_halves_are_rounded_away_from_zero(amount, code, rounded):
    assert str(round_money(Decimal(amount), code)) == rounded


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "1E+15", "-1E+30"])
def test_what_no_account_can_hold_is_no_amount(amount):
    with pytest.raises(InvalidAmount):
        round_money(Decimal(amount), "USD")


@pytest.mark.parametrize("amount", [1.5, "1.5", True, None])
def test_only_decimals_are_money(amount):
    with pytest.raises(TypeError):
        round_money(amount, "USD")


def test_minor_units_are_counted_and_never_rounded():
    assert to_minor(Decimal("12.340"), "USD") == 1234
    assert to_minor(Decimal("1.5"), "KWD") == 1500
    assert to_minor(Decimal(150), "JPY") == 150
    with pytest.raises(AmountTooFine):
        to_minor(Decimal("12.345"), "USD")
    with pytest.raises(AmountTooFine):
        to_minor(Decimal("0.5"), "JPY")


def test_the_api_writes_plain_amounts():
    assert amount_text(Decimal("120.000"), "USD") == "120.00"
    assert amount_text(Decimal("1234567.8"), "KWD") == "1234567.800"
    assert amount_text(Decimal("1E+3"), "JPY") == "1000"


@pytest.mark.parametrize(
    ("amount", "code", "english", "arabic"),
    [
        ("1200", "EGP", "EGP\xa01,200.00", "\u200f1,200.00\xa0ج.م.\u200f"),
        ("1234.5", "USD", "$1,234.50", "\u200f1,234.50\xa0\u200eUS$\u200e"),
        ("-1234.5", "USD", "-$1,234.50", "\u200e-1,234.50\xa0\u200eUS$\u200e"),
        ("-7", "EGP", "-EGP\xa07.00", "\u200e-7.00\xa0ج.م.\u200f"),
        ("10.5", "KWD", "KWD\xa010.500", "\u200f10.500\xa0د.ك.\u200f"),
        ("1500.5", "JPY", "¥1,501", "\u200f1,501\xa0\u200eJP¥\u200e"),
        ("2500", "IQD", "IQD\xa02,500.000", "\u200f2,500.000\xa0د.ع.\u200f"),
    ],
)
def test_people_read_amounts_in_their_language(amount, code, english, arabic):
    assert format_money(Decimal(amount), code, "en") == english
    assert format_money(Decimal(amount), code, "ar") == arabic
    with override("ar"):
        assert format_money(Decimal(amount), code) == arabic


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1234.5", "1234.50"), ("1,234.50", "1234.50"), ("١٬٢٣٤٫٥٠", "1234.50"), (" -7 ", "-7.00"), ("٠٫٠٥", "0.05")],
)
def test_typed_amounts_are_understood(text, amount):
    assert str(parse_money(text, "USD")) == amount


@pytest.mark.parametrize(
    "text", ["", "abc", "1,5", "12,34.5", "1.2.3", "1e5", "NaN", "--1", ".5", "5.", "9" * 31, "$5"]
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(InvalidAmount):
        parse_money(text, "USD")


def test_a_typed_amount_may_not_be_finer_than_the_currency():
    with pytest.raises(AmountTooFine):
        parse_money("1.005", "USD")


@given(minor=st.integers(-(10**14), 10**14), code=currencies)
def test_minor_units_there_and_back(minor, code):
    amount = from_minor(minor, code)
    assert to_minor(amount, code) == minor
    assert round_money(amount, code) == amount
    assert Decimal(amount_text(amount, code)) == amount
    assert parse_money(amount_text(amount, code), code) == amount
    assert -amount.as_tuple().exponent == minor_units(code)


@given(amount=st.decimals(-(10**12), 10**12, allow_nan=False, places=6), code=currencies)
def test_rounding_moves_by_half_a_minor_unit_at_most(amount, code):
    rounded = round_money(amount, code)
    assert abs(rounded - amount) * 2 <= Decimal(1).scaleb(-minor_units(code))
    assert round_money(rounded, code) == rounded


@given(
    minor=st.integers(-(10**12), 10**12),
    code=currencies,
    weights=st.lists(st.decimals(0, 10**6, places=3) | st.integers(0, 100), min_size=1, max_size=12).filter(any),
)
def test_the_parts_of_a_split_add_up_and_are_fair(minor, code, weights):
    amount = from_minor(minor, code)
    parts = split(amount, weights, code)
    assert sum(parts) == amount
    unit, whole = Decimal(1).scaleb(-minor_units(code)), sum(Decimal(weight) for weight in weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * whole - amount * Decimal(weight)) < unit * whole
        assert round_money(part, code) == part


def test_a_split_gives_the_odd_cent_to_who_lost_most():
    assert [str(part) for part in split(Decimal("10.00"), [1, 1, 1], "USD")] == ["3.34", "3.33", "3.33"]
    assert split(Decimal("0.05"), [1, 0, 2], "USD") == [Decimal("0.02"), Decimal("0.00"), Decimal("0.03")]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [2, -1]])
def test_a_split_needs_weights(weights):
    with pytest.raises(ValueError, match="weights"):
        split(Decimal(1), weights, "USD")
