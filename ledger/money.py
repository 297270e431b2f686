"""Money: `Decimal` and an ISO 4217 code. Rounded once, half up, to the currency's smallest unit.

Which currencies there are comes from CLDR (by Babel); how many decimals each has comes from ISO 4217, because CLDR shows
some without the minor units in which they are booked (the Iraqi dinar, the Lebanese pound).
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from fractions import Fraction
from functools import cache
from math import floor

from babel import Locale
from babel.core import get_global
from babel.numbers import format_currency, get_currency_symbol

from config.i18n import language_now
from ledger.errors import AmountTooFine, InvalidAmount, UnknownCurrency

# What a column of amounts holds: 15 digits before the point.
LIMIT = Decimal(10) ** 15

_WITHOUT_MINOR_UNITS = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split()  # noqa: SIM905
)
_WITH_THOUSANDTHS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905


def _legal_tender_now() -> dict[str, int]:
    codes = {
        code
        for rows in get_global("territory_currencies").values()
        for code, _since, until, is_tender in rows
        if until is None and is_tender
    }
    return {code: 0 if code in _WITHOUT_MINOR_UNITS else 3 if code in _WITH_THOUSANDTHS else 2 for code in codes}


_MINOR_UNITS = _legal_tender_now()


def known_currencies() -> list[str]:
    """The codes of all currencies that are legal tender somewhere today."""
    return sorted(_MINOR_UNITS)


def minor_units(code: str) -> int:
    """How many decimals the currency has: USD 2, JPY 0, KWD 3. Raises `UnknownCurrency`."""
    try:
        return _MINOR_UNITS[code]
    except (KeyError, TypeError):
        raise UnknownCurrency(currency=str(code)[:20]) from None


def round_money(amount: Decimal, code: str) -> Decimal:
    """The amount in whole minor units, halves away from zero. Raises `UnknownCurrency`, `InvalidAmount`."""
    return _quantized(_checked(amount), minor_units(code))


def to_minor(amount: Decimal, code: str) -> int:
    """The amount counted in minor units (1.500 KWD → 1500). Raises `AmountTooFine` rather than rounding."""
    rounded = round_money(amount, code)
    if rounded != amount:
        raise AmountTooFine(amount=str(amount), currency=code)
    return int(rounded.scaleb(minor_units(code)))


def from_minor(minor: int, code: str) -> Decimal:
    """The amount of so many minor units, with exactly the currency's decimals (1500 KWD → 1.500)."""
    return _checked(Decimal(minor).scaleb(-minor_units(code)))


def amount_text(amount: Decimal, code: str) -> str:
    """The amount as the API writes it: `"120.00"`; rounded to the currency, without grouping or symbol."""
    return f"{round_money(amount, code):f}"


def format_money(amount: Decimal, code: str, language: str | None = None) -> str:
    """The amount as people read it, in `en` or `ar` (the language at hand by default): `EGP 1,200.00`, `1,200.00 ج.م.`.

    Arabic keeps Latin digits, as prices in Egypt and the Gulf are commonly written, so that they match card slips
    and bank statements.
    """
    rounded = round_money(amount, code)
    language = language or language_now()
    return format_currency(
        rounded, code, format=_pattern(code, language), locale=language, currency_digits=False, numbering_system="latn"
    )


@cache
def _pattern(code: str, language: str) -> str:
    """The language's pattern with the currency's true decimals, and a space after a symbol made of letters.

    In Arabic, marks of direction keep `-` before its number and `US$` from turning into `$US`.
    """
    decimals = "." + "0" * minor_units(code) if minor_units(code) else ""
    pattern: str = Locale(language).currency_formats["standard"].pattern.replace(".00", decimals)
    symbol = get_currency_symbol(code, locale=language)
    if pattern.startswith("¤") and symbol[-1].isalpha():
        pattern = pattern.replace("¤", "¤\xa0", 1)
    if language == "ar":
        pattern = pattern.replace("\u200f-", "\u200e-")
        if symbol[0].isascii():
            pattern = pattern.replace("¤", "\u200e¤\u200e")
    return pattern


_TO_LATIN = str.maketrans("٠١٢٣٤٥٦٧٨٩٫٬−", "0123456789.,-")
_WRITTEN_AMOUNT = re.compile(r"-?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")


def parse_money(text: str, code: str) -> Decimal:
    """What a person typed: `1,234.50`, `١٬٢٣٤٫٥٠`. Raises `InvalidAmount` or, with too many decimals, `AmountTooFine`."""
    written = text.strip().translate(_TO_LATIN)
    if not _WRITTEN_AMOUNT.fullmatch(written) or len(written) > 30:
        raise InvalidAmount(amount=text[:40])
    return from_minor(to_minor(Decimal(written.replace(",", "")), code), code)


def split(amount: Decimal, weights: Sequence[Decimal | int], code: str) -> list[Decimal]:
    """Share the amount out by weight so that the parts add up to it exactly; each is off its share by less than a minor unit.

    The minor units left over go to the parts that lost most by rounding. Raises `AmountTooFine`, and `ValueError` where a
    weight is below zero or all are zero.
    """
    total, whole = to_minor(amount, code), sum((Fraction(weight) for weight in weights), Fraction())
    if whole <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("weights must not be negative, nor all zero")
    shares = [total * Fraction(weight) / whole for weight in weights]
    parts = [floor(share) for share in shares]
    by_loss = sorted(range(len(parts)), key=lambda place: (parts[place] - shares[place], place))
    for place in by_loss[: total - sum(parts)]:
        parts[place] += 1
    return [from_minor(part, code) for part in parts]


def _checked(amount: Decimal) -> Decimal:
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int):
        raise TypeError(f"money is Decimal, not {type(amount).__name__}")
    value = Decimal(amount)
    if not value.is_finite() or abs(value) >= LIMIT:
        raise InvalidAmount(amount=str(amount)[:40])
    return value


def _quantized(amount: Decimal, decimals: int) -> Decimal:
    with localcontext(prec=60):
        try:
            rounded = amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        except InvalidOperation:
            raise InvalidAmount(amount=str(amount)[:40]) from None
    return rounded or abs(rounded)  # no negative zero
