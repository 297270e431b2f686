"""What is bought beside the places themselves: rooms alone, extras, being driven, and the service fee. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils import translation
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from config.errors import InvalidInput
from config.i18n import LANGUAGES
from ledger.errors import NoRate
from ledger.money import round_money
from tours.errors import (
    ExtraForNobody,
    ExtraQuantityRefused,
    SinglesRefused,
    UnknownExtra,
)
from tours.models import ExtraBasis, FeeBasis
from tours.pickups import Ride
from tours.prices.terms import ExtraTerms, Line, Terms

SINGLE = "single-supplement"  # asked for like an extra


def single_lines(terms: Terms, party: Mapping[str, int], asked: Sequence[Mapping[str, Any]]) -> list[Line]:
    """The single supplement: for an adult left over when the others share rooms, and for whoever else wants one alone.

    Children share the room of an adult.
    """
    adults = sum(
        number for code, number in party.items() if terms.prices[code].seats and not terms.prices[code].is_child
    )
    children = any(terms.prices[code].seats and terms.prices[code].is_child for code in party)
    least = 0 if children else adults % 2
    wanted = sum(item.get("quantity", 1) for item in asked) if asked else least
    if not isinstance(wanted, int) or not least <= wanted <= adults or (not children and (adults - wanted) % 2):
        raise SinglesRefused(least=least, most=adults, asked=wanted)
    if not wanted:
        return []
    unit = terms.single_supplement
    if unit is None:
        raise NoRate(base=terms.home_currency, quote=terms.currency, day=localdate().isoformat())
    unit = round_money(unit, terms.currency)
    return [
        Line(
            SINGLE,
            f"single:{terms.option_code}",
            *_single_label(),
            wanted,
            unit,
            round_money(unit * wanted, terms.currency),
        )
    ]


@lru_cache(maxsize=1)
def _single_label() -> tuple[str, str]:
    texts = []
    for language in LANGUAGES:
        with translation.override(language):
            texts.append(_("Single room supplement"))
    return texts[0], texts[1]


def fee_lines(terms: Terms, amount: Decimal) -> list[Line]:
    fee = terms.fee
    if fee is None:
        return []
    if fee.value is None:
        raise NoRate(base=terms.home_currency, quote=terms.currency, day=localdate().isoformat())
    percent = fee.value if fee.basis == FeeBasis.PERCENT else None
    due = fee.value if percent is None else amount * percent / 100
    due = round_money(due, terms.currency)
    return [Line("fee", fee.code, fee.label_en, fee.label_ar, 1, due, due, percent=percent)] if due else []


def extra_lines(terms: Terms, party: Mapping[str, int], asked: Sequence[Mapping[str, Any]]) -> list[Line]:
    """What was asked for, and what is part of every booking, in the order of their codes."""
    wanted: dict[str, int] = {}
    for item in asked:
        extra = terms.extras.get(item["code"])
        if extra is None:
            raise UnknownExtra(extra=item["code"])
        quantity = item.get("quantity")
        if quantity is None:
            quantity = _usual(extra, party)
        if not isinstance(quantity, int) or isinstance(quantity, bool):
            raise InvalidInput(
                details={"extras": [_("“{}” must be taken a whole number of times.").format(extra.code)]}
            )
        wanted[extra.code] = wanted.get(extra.code, 0) + quantity
    for code, extra in terms.extras.items():
        if extra.required and code not in wanted and extra.people(party):
            wanted[code] = _usual(extra, party)
    lines = [_extra_line(terms, extra, wanted[code], party) for code, extra in terms.extras.items() if code in wanted]
    return lines + ([ride_line(terms.ride, sum(party.values()), terms.currency)] if terms.ride else [])


def ride_line(ride: Ride, guests: int, currency: str) -> Line:
    """What being driven costs so many guests; a line of nothing where it is free."""
    quantity = ride.quantity(guests)
    return Line(
        code=ride.code,
        rule=ride.rule,
        label_en=ride.label("en"),
        label_ar=ride.label("ar"),
        quantity=quantity,
        unit=ride.amount,
        amount=round_money(ride.amount * quantity, currency),
    )


def _usual(extra: ExtraTerms, party: Mapping[str, int]) -> int:
    """How many it is where nobody says: one for each guest that it is for, once, or the least that is sold."""
    return {ExtraBasis.PER_PERSON: extra.people(party), ExtraBasis.PER_BOOKING: 1}.get(
        ExtraBasis(extra.basis), extra.least
    )


def _extra_line(terms: Terms, extra: ExtraTerms, quantity: int, party: Mapping[str, int]) -> Line:
    people = extra.people(party)
    if not people:
        raise ExtraForNobody(extra=extra.code)
    least, most = {ExtraBasis.PER_PERSON: (1, people), ExtraBasis.PER_BOOKING: (1, 1)}.get(
        ExtraBasis(extra.basis), (extra.least, extra.most)
    )
    if extra.required and extra.basis == ExtraBasis.PER_PERSON:
        least = people
    if not least <= quantity <= most:
        raise ExtraQuantityRefused(extra=extra.code, least=least, most=most, asked=quantity)
    return Line(
        code=extra.code,
        rule=f"extra:{extra.code}",
        label_en=extra.label_en,
        label_ar=extra.label_ar,
        quantity=quantity,
        unit=extra.amount,
        amount=round_money(extra.amount * quantity, terms.currency),
    )
