"""What guests pay by price list, tiers and rules, and the taxes on it. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils import translation
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.errors import InvalidInput
from config.i18n import LANGUAGES
from ledger.errors import NoRate
from ledger.money import format_money, round_money
from tours.errors import (
    NobodyTakesASeat,
    PartyTooLarge,
    PartyTooSmall,
    TourHasNoPrice,
    UnknownPriceCategory,
)
from tours.models import PricingBasis, RuleEffect, Tour
from tours.prices.beside import SINGLE, extra_lines, fee_lines, single_lines
from tours.prices.terms import Because, CategoryPrice, Line, TaxLine, Terms, Tier
from tours.rules import AmountUnknown, Sale, Step, steps

Partnership = Callable[[Terms, str | None, Decimal], Step | None]


def price_lines(
    terms: Terms,
    guests: Mapping[str, int],
    extras: Sequence[Mapping[str, Any]] = (),
    *,
    at: datetime | None = None,
    group: str = "",
    partnership: Partnership | None = None,
) -> tuple[list[Line], list[TaxLine]]:
    """The lines of a party by price list and rules, and the taxes on them. Rounded once a line, in `terms.currency`.

    `guests` counts people by price category (`{"adult": 2}`; zeros are left out), `extras` are `{"code", "quantity"}`; without
    a quantity an extra per person is for everyone, any other is taken once. The order of what is asked changes nothing.
    `at` is when it is bought (now), `group` the buyer's price group; `partnership` says what a partner pays instead of the
    price of a category (None: the group's).
    Raises `InvalidInput`, `UnknownPriceCategory`, `PartyTooSmall`, `PartyTooLarge`, `NobodyTakesASeat`, `UnknownExtra`,
    `ExtraForNobody`, `ExtraQuantityRefused`, `SinglesRefused`, `TourHasNoPrice`, `NoRate`.
    """
    party = checked_party(terms, guests)
    sale = Sale.of(terms.starts_at, terms.time_zone, at or now(), terms.sold, terms.capacity, group)
    lines = _guest_lines(terms, party, sale, partnership)
    others = [item for item in extras if item["code"] != SINGLE or not terms.has_rooms]
    if terms.has_rooms:
        lines += single_lines(terms, party, [item for item in extras if item["code"] == SINGLE])
    if terms.lost_extras and (others or any(one.required and one.people(party) for one in terms.lost_extras.values())):
        raise NoRate(base=terms.home_currency, quote=terms.currency, day=localdate().isoformat())
    lines += extra_lines(terms, party, others)
    fees = [] if partnership else fee_lines(terms, sum((line.amount for line in lines), Decimal(0)))
    return [*lines, *fees], _taxes(terms, lines, fees)


def checked_party(terms: Terms, guests: Mapping[str, int]) -> dict[str, int]:
    """The party without empty categories. Refuses what `price_lines` refuses of guests."""
    for category, number in guests.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise InvalidInput(details={"guests": [_("“{}” must be a whole number, 0 or more.").format(category)]})
    party = {category: number for category, number in guests.items() if number}
    for category in party:
        if category not in terms.prices:
            raise UnknownPriceCategory(category=category, known=", ".join(terms.prices))
    asked = sum(party.values())
    if asked < max(terms.min_guests, 1):
        raise PartyTooSmall(least=max(terms.min_guests, 1), asked=asked)
    if asked > terms.max_guests:
        raise PartyTooLarge(most=terms.max_guests, asked=asked)
    if not any(terms.prices[category].seats for category in party):
        raise NobodyTakesASeat
    return party


def seats_of(terms: Terms, guests: Mapping[str, int]) -> int:
    """How many seats the party takes (an infant on a lap: none). Raises `UnknownPriceCategory`."""
    for category in guests:
        if category not in terms.prices:
            raise UnknownPriceCategory(category=category, known=", ".join(terms.prices))
    seats = sum(terms.prices[category].seats * number for category, number in guests.items())
    if terms.basis == PricingBasis.PER_GROUP and terms.group_size:
        return groups_of(terms, seats) * terms.group_size  # a vehicle of one's own: nobody else sits in it
    return seats


def groups_of(terms: Terms, seated: int) -> int:
    """How many groups (vehicles) so many guests with a place need."""
    return -(-seated // terms.group_size) if terms.group_size else 1


def taxes_on(terms: Terms, amount: Decimal, fee: Decimal = Decimal(0)) -> list[TaxLine]:
    """The taxes on a sum and on a fee: the part of it that is tax where prices contain it, else what comes on top.

    Several taxes that prices contain are contained in them together: each is its percent of the price without all of them.
    """
    on_lines = Decimal(100) + sum(tax.percent for tax in terms.taxes if tax.inclusive)
    on_fee = Decimal(100) + sum(tax.percent for tax in terms.taxes if tax.inclusive and tax.on_fee)
    taxes = []
    for tax in terms.taxes:
        share = amount * tax.percent / (on_lines if tax.inclusive else 100)
        if tax.on_fee:
            share += fee * tax.percent / (on_fee if tax.inclusive else 100)
        rounded = round_money(share, terms.currency)
        taxes.append(TaxLine(tax.code, tax.label_en, tax.label_ar, tax.percent, tax.inclusive, rounded, tax.on_fee))
    return taxes


def _taxes(terms: Terms, lines: Sequence[Line], fees: Sequence[Line]) -> list[TaxLine]:
    zero = Decimal(0)
    return taxes_on(terms, sum((line.amount for line in lines), zero), sum((line.amount for line in fees), zero))


def total_of(lines: Iterable[Line], taxes: Iterable[TaxLine]) -> Decimal:
    """What the customer pays: the lines, and the taxes that they do not contain."""
    return sum((line.amount for line in lines), Decimal(0)) + sum(
        (tax.amount for tax in taxes if not tax.inclusive), Decimal(0)
    )


def price_from(tour: Tour) -> tuple[Decimal, Decimal | None]:
    """The lowest price of an adult over the tour's options, and the "was" price beside it, in the tour's currency.

    Where no option prices adults, the lowest price of a guest who takes a seat; where all are sold per group, of a group.
    What `tours.lowest.advertise` found by rules comes before the list. Raises `TourHasNoPrice`. Asks no query when
    `options__prices__category` is prefetched (and `options__tiers`, for what is sold per group).
    """
    advertised: tuple[Decimal, Decimal | None] | None = tour.__dict__.get("advertised")
    if advertised is not None:
        return advertised
    options = list(tour.options.all())
    listed = [p for option in options if option.basis == PricingBasis.PER_PERSON for p in option.prices.all()]
    seated = [price for price in listed if price.category.seats]
    wanted = [price for price in seated if price.category.code == "adult"] or seated
    if wanted:
        lowest = min(wanted, key=lambda price: price.amount)
        return lowest.amount, lowest.original_amount
    groups = [
        tier.amount
        for option in options
        if option.basis == PricingBasis.PER_GROUP
        for tier in option.tiers.all()
        if tier.category_id is None and tier.currency_id is None
    ]
    if not groups:
        raise TourHasNoPrice(tour=tour)
    return min(groups), None


def _guest_lines(terms: Terms, party: Mapping[str, int], sale: Sale, partnership: Partnership | None) -> list[Line]:
    people = sum(party.values())
    if terms.basis == PricingBasis.PER_GROUP:
        tier = _tier(terms, None, people)
        if tier is None:
            raise TourHasNoPrice(tour=terms.title_en)
        start = CategoryPrice("group", terms.option_en, terms.option_ar, tier.amount, 0, listed=tier.currency)
        seated = sum(terms.prices[code].seats * number for code, number in party.items())
        return [_unit_line(terms, start, groups_of(terms, seated), sale, partnership, None, None)]
    return [
        _unit_line(terms, price, party[code], sale, partnership, code, _tier(terms, code, people))
        for code, price in terms.prices.items()
        if code in party
    ]


def _tier(terms: Terms, category: str | None, people: int) -> Tier | None:
    """The last tier that the party reaches."""
    reached = [
        tier
        for tier in terms.tiers
        if tier.category == category and tier.from_guests <= people and _is_ours(terms, tier)
    ]
    return max(reached, key=lambda tier: tier.from_guests, default=None)


def _is_ours(terms: Terms, tier: Tier) -> bool:
    return tier.currency == terms.currency or tier.currency == terms.home_currency


def _unit_line(
    terms: Terms,
    price: CategoryPrice,
    quantity: int,
    sale: Sale,
    partnership: Partnership | None,
    category: str | None,
    tier: Tier | None,
) -> Line:
    """One line: the list's price, then what changes it, each step noted; `was` is the highest of them that is above the end."""
    rule = f"price_list:{terms.option_code}:{price.code}"
    if price.listed and price.listed != (terms.home_currency or terms.currency):
        rule += f":{price.listed}"
    because: list[Because] = []
    seen = [] if price.original is None else [price.original]
    try:
        unit = _known(price.amount)
        seen.append(unit)
        if tier is not None:
            unit = _known(tier.amount)
            because.append(Because(f"{rule}:from-{tier.from_guests}", *_from_guests(tier.from_guests), unit))
            seen.append(unit)
        found = steps(terms.rules, unit, sale, category)
        unit = found[-1].unit if found else unit
        special = partnership(terms, category, unit) if partnership else None
        if special is not None:
            found = [special] if special.effect == RuleEffect.PRICE else [*found, special]
            unit = special.unit
    except AmountUnknown:
        raise NoRate(base=terms.home_currency, quote=terms.currency, day=localdate().isoformat()) from None
    because += [Because(step.rule, *_said(step, terms.currency), step.unit) for step in found]
    for step in found:
        if step.effect == RuleEffect.PRICE:
            rule = step.rule
        seen.append(step.unit)
    unit, most = round_money(unit, terms.currency), round_money(max(seen), terms.currency)
    return Line(
        code=price.code,
        rule=rule,
        label_en=price.label_en,
        label_ar=price.label_ar,
        quantity=quantity,
        unit=unit,
        amount=round_money(unit * quantity, terms.currency),
        was=most if most > unit else None,
        because=tuple(replace(step, unit=round_money(step.unit, terms.currency)) for step in because),
    )


def _known(amount: Decimal | None) -> Decimal:
    if amount is None:
        raise AmountUnknown
    return amount


@lru_cache(maxsize=1024)
def _from_guests(number: int) -> tuple[str, str]:
    """“From 10 guests” in both languages."""
    texts = []
    for language in LANGUAGES:
        with translation.override(language):
            texts.append(ngettext("From {n} guest", "From {n} guests", number).format(n=number))
    return texts[0], texts[1]


def _said(step: Step, currency: str) -> tuple[str, str]:
    """What a step did, in both languages: “High season: +20 %”."""
    labels = {"en": step.label_en, "ar": step.label_ar}
    texts = []
    for language in LANGUAGES:
        if step.effect == RuleEffect.PERCENT:
            done = f"{step.value.normalize():+f} %"
        elif step.effect == RuleEffect.AMOUNT:
            sign = "+" if step.value > 0 else ""
            done = sign + format_money(step.value, currency, language)
        else:
            done = format_money(step.value, currency, language)
        texts.append(f"{labels[language]}: {done}")
    return texts[0], texts[1]
