"""Showing prices in a currency that the tour is not sold in."""

from decimal import Decimal
from typing import Any

import orjson

from ledger.money import amount_text
from ledger.rates import rate_on

AMOUNTS = frozenset({"price_from", "original_price", "amount", "original_amount", "single_supplement"})


def in_currency(body: bytes, wanted: str) -> bytes:
    """The document with every amount in the wanted currency, at today's rate, each rounded once.

    `currency` says so then, and `sold_in` which currency it is charged in otherwise. Raises `NoRate`.
    """
    return orjson.dumps(_converted(orjson.loads(body), wanted, "", {}))


def _converted(value: Any, wanted: str, sold_in: str, rates: dict[str, Decimal]) -> Any:
    if isinstance(value, list):
        return [_converted(item, wanted, sold_in, rates) for item in value]
    if not isinstance(value, dict):
        return value
    sold_in = value.get("currency", sold_in)
    shown = {}
    for name, item in value.items():
        if name in AMOUNTS and item is not None and sold_in != wanted:
            if sold_in not in rates:
                rates[sold_in] = rate_on(sold_in, wanted)
            shown[name] = amount_text(Decimal(item) * rates[sold_in], wanted)
        elif name == "currency":
            shown |= {"currency": wanted, "sold_in": item}
        else:
            shown[name] = _converted(item, wanted, sold_in, rates)
    return shown
