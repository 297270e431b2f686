"""Base prices: what a party pays for a departure by price list and rules, with extras, fee and taxes.

`load_terms` reads, everything else is pure. Amounts are `Decimal` major units of `terms.currency`. What partners, offers and
vouchers change comes on top in `bookings.pricing`, which is what everyone who sells calls.

The order: the price list (in the currency, by the size of the party) → rules (`tours.rules`) → a partner's price → single
supplement → extras → service fee → taxes. A unit price is rounded once, at its end; price times quantity is the amount.
"""

from tours.prices.beside import SINGLE, ride_line
from tours.prices.lines import (
    Partnership,
    checked_party,
    groups_of,
    price_from,
    price_lines,
    seats_of,
    taxes_on,
    total_of,
)
from tours.prices.reading import NO_DEPARTURE, SOME_TIME, load_offers, load_terms, recent_terms, starting
from tours.prices.terms import Because, CategoryPrice, ExtraTerms, FeeTerms, Line, TaxLine, TaxTerms, Terms, Tier

__all__ = [
    "NO_DEPARTURE",
    "SINGLE",
    "SOME_TIME",
    "Because",
    "CategoryPrice",
    "ExtraTerms",
    "FeeTerms",
    "Line",
    "Partnership",
    "TaxLine",
    "TaxTerms",
    "Terms",
    "Tier",
    "checked_party",
    "groups_of",
    "load_offers",
    "load_terms",
    "price_from",
    "price_lines",
    "recent_terms",
    "ride_line",
    "seats_of",
    "starting",
    "taxes_on",
    "total_of",
]
