"""Exchange rates by day: the newest row that is not after the day."""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.utils.timezone import localdate

from config.tenancy import tenant_at_hand
from ledger.errors import NoRate
from ledger.models import ExchangeRate
from ledger.money import minor_units, round_money

# As in the column: a rate that was found here can be frozen on a booking and computes the same there.
STEP = Decimal("0.00000001")

Pair = tuple[str, str]


def rate_on(base: str, quote: str, day: date | None = None) -> Decimal:
    """How many units of `quote` one unit of `base` is worth on the day (today by default), with 8 decimals.

    A rate between the two; else the inverse of the one known the other way round; else by way of the tenant's currency.
    Raises `NoRate`, and `UnknownCurrency` for what is no currency at all.
    """
    minor_units(base), minor_units(quote)
    if base == quote:
        return Decimal(1)
    day = day or localdate()
    found = _between(base, quote, _newest([base, quote], day))
    if found is None:
        home = tenant_at_hand().currency
        newest = _newest([base, quote, home], day)
        there, back = _between(base, home, newest), _between(home, quote, newest)
        found = there * back if there is not None and back is not None else None
    rate = found.quantize(STEP, ROUND_HALF_UP) if found is not None else Decimal(0)
    if not rate:
        raise NoRate(base=base, quote=quote, day=day.isoformat())
    return rate


def rates_to(quote: str, bases: Iterable[str], day: date | None = None) -> dict[str, Decimal]:
    """What one unit of each base is worth in `quote` on the day, by one query; those without a rate between are left out."""
    wanted = sorted({*bases, quote})
    newest = _newest(wanted, day or localdate())
    found = {base: _between(base, quote, newest) for base in wanted}
    return {base: rate.quantize(STEP, ROUND_HALF_UP) for base, rate in found.items() if rate is not None}


def convert(amount: Decimal, base: str, quote: str, day: date | None = None) -> Decimal:
    """The amount in the other currency, rounded to it. Raises as `rate_on`."""
    return round_money(amount * rate_on(base, quote, day), quote)


def _newest(codes: list[str], day: date) -> dict[Pair, Decimal]:
    rows = (
        ExchangeRate.objects.filter(base_id__in=codes, quote_id__in=codes, valid_from__lte=day)
        .order_by("base_id", "quote_id", "-valid_from")
        .distinct("base_id", "quote_id")
        .values_list("base_id", "quote_id", "rate")
    )
    return {(base, quote): rate for base, quote, rate in rows}


def _between(base: str, quote: str, newest: dict[Pair, Decimal]) -> Decimal | None:
    if base == quote:
        return Decimal(1)
    if (base, quote) in newest:
        return newest[base, quote]
    inverse = newest.get((quote, base))
    return 1 / inverse if inverse is not None else None
