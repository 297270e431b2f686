"""Base prices: what a party pays for a departure by the price list, with extras and tax, and the public "price from".

`load_terms` reads, everything else is pure. Amounts are `Decimal` major units of `terms.currency`. What partners, members,
offers and vouchers change comes on top in `bookings.pricing`, which is what everyone who sells calls.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from config.errors import InvalidInput
from config.tenancy import tenant_id_or_raise
from ledger.money import round_money
from tours.deposits import DepositTerms
from tours.errors import (
    DepartureNotFound,
    ExtraForNobody,
    ExtraQuantityRefused,
    NobodyTakesASeat,
    PartyTooLarge,
    PartyTooSmall,
    TourHasNoPrice,
    UnknownExtra,
    UnknownPriceCategory,
)
from tours.models import ExtraBasis, Tour


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a quote. `rule` names what made the price: `price_list:<option>:<category>` or `extra:<code>`."""

    code: str
    rule: str
    label_en: str
    label_ar: str
    quantity: int
    unit: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TaxLine:
    """A tax: contained in the lines (`inclusive`) or to be added to them."""

    code: str
    label_en: str
    label_ar: str
    percent: Decimal
    inclusive: bool
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CategoryPrice:
    """What one guest of a category pays, and how many seats that guest takes."""

    code: str
    label_en: str
    label_ar: str
    amount: Decimal
    seats: int


@dataclass(frozen=True, slots=True)
class ExtraTerms:
    code: str
    label_en: str
    label_ar: str
    basis: str
    amount: Decimal
    most: int
    least: int = 1
    required: bool = False
    stocked: bool = False
    categories: frozenset[str] | None = None  # of which guests; None: of all

    def people(self, party: Mapping[str, int]) -> int:
        """How many of the party it is for."""
        return sum(number for code, number in party.items() if self.categories is None or code in self.categories)


@dataclass(frozen=True, slots=True)
class TaxTerms:
    code: str
    label_en: str
    label_ar: str
    percent: Decimal
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What a departure is sold for and under which conditions. Plain values: safe to keep for seconds, safe to pickle."""

    departure_id: UUID
    tour_id: UUID
    option_id: UUID
    option_code: str
    title_en: str
    title_ar: str
    option_en: str
    option_ar: str
    starts_at: datetime
    ends_at: datetime
    cutoff_at: datetime
    time_zone: str
    currency: str
    min_guests: int
    max_guests: int
    on_sale: bool
    policy_id: UUID
    prices: Mapping[str, CategoryPrice]
    extras: Mapping[str, ExtraTerms]
    tax: TaxTerms | None
    # When it is sold: from `opens_at` (None: always), by partners until `partner_cutoff_at` (None: as by everybody).
    opens_at: datetime | None = None
    partner_cutoff_at: datetime | None = None
    any_time: bool = False
    deposit: DepositTerms | None = None

    def converted(self, currency: str, rate: Decimal) -> "Terms":
        """The same terms in another currency, one unit of ours being worth `rate` of it.

        Unit prices are rounded here, once, so that on each line the price shown times the quantity is the amount shown.
        """
        return replace(
            self,
            currency=currency,
            prices={
                code: replace(price, amount=round_money(price.amount * rate, currency))
                for code, price in self.prices.items()
            },
            extras={
                code: replace(extra, amount=round_money(extra.amount * rate, currency))
                for code, extra in self.extras.items()
            },
            deposit=self.deposit.converted(currency, rate) if self.deposit else None,
        )


TERMS = """
SELECT d.id, t.id, o.id, o.code, t.title_en, t.title_ar, o.name_en, o.name_ar, d.starts_at, d.ends_at, d.cutoff_at,
    g.time_zone, t.currency_id, t.min_guests, t.max_guests, t.status = 'ACTIVE' AND t.deleted_at IS NULL,
    t.cancellation_policy_id,
    (SELECT json_agg(json_build_array(c.code, c.name_en, c.name_ar, p.amount::text, c.seats)
            ORDER BY c.display_order, c.code)
        FROM tours_optionprice p JOIN tours_pricecategory c ON c.id = p.category_id WHERE p.option_id = o.id),
    (SELECT json_agg(json_build_array(e.code, e.name_en, e.name_ar, e.basis, e.amount::text, e.max_quantity,
                e.min_quantity, e.is_required, e.stock IS NOT NULL,
                (SELECT json_agg(c.code) FROM tours_extracategory y JOIN tours_pricecategory c ON c.id = y.category_id
                    WHERE y.extra_id = e.id)) ORDER BY e.code)
        FROM tours_extra e WHERE e.tour_id = t.id AND e.is_active AND (
            NOT EXISTS (SELECT FROM tours_extraoption y WHERE y.extra_id = e.id)
            OR EXISTS (SELECT FROM tours_extraoption y WHERE y.extra_id = e.id AND y.option_id = o.id))),
    x.code, x.name_en, x.name_ar, x.percent, x.is_inclusive, d.opens_at, d.partner_cutoff_at, d.any_time,
    (SELECT json_build_array(r.basis, r.amount::text, r.balance_days, r.reminder_days, r.overdue, r.grace_days)
        FROM tours_depositrule r WHERE r.tour_id = t.id)
FROM tours_departure d
JOIN tours_touroption o ON o.id = d.option_id
JOIN tours_tour t ON t.id = d.tour_id
JOIN tours_destination g ON g.id = t.destination_id
LEFT JOIN tours_taxrate x ON x.id = t.tax_id
WHERE d.id = %s::uuid AND d.tenant_id = %s::uuid
"""


def load_terms(departure_id: UUID) -> Terms:
    """The terms of a departure, in one statement, because every quote and hold asks it. Raises `DepartureNotFound`."""
    with connection.cursor() as cursor:
        cursor.execute(TERMS, [departure_id, tenant_id_or_raise()])
        row = cursor.fetchone()
    if row is None:
        raise DepartureNotFound
    *plain, prices, extras, tax_code, tax_en, tax_ar, percent, inclusive = row[:-4]
    opens_at, partner_cutoff_at, any_time, deposit = row[-4:]
    return Terms(
        *plain,
        prices={
            code: CategoryPrice(code, label_en, label_ar, Decimal(amount), seats)
            for code, label_en, label_ar, amount, seats in prices or ()
        },
        extras={
            code: ExtraTerms(
                code, label_en, label_ar, basis, Decimal(amount), *rest, frozenset(categories) if categories else None
            )
            for code, label_en, label_ar, basis, amount, *rest, categories in extras or ()
        },
        tax=TaxTerms(tax_code, tax_en, tax_ar, percent, inclusive) if tax_code else None,
        opens_at=opens_at,
        partner_cutoff_at=partner_cutoff_at,
        any_time=any_time,
        deposit=DepositTerms.of(deposit) if deposit else None,
    )


@lru_cache(maxsize=4096)
def _kept_terms(departure_id: UUID, tenant_id: UUID, span: int) -> Terms:
    return load_terms(departure_id)


def recent_terms(departure_id: UUID) -> Terms:
    """The terms as of the last `PRICES_KEPT_SECONDS` seconds (0: as of now), kept by this process. As `load_terms` otherwise.

    For the rush on a departure: what was a customer's price a moment ago may be theirs. Whoever refuses by them looks again
    at the terms of now first.
    """
    if not settings.PRICES_KEPT_SECONDS:
        return load_terms(departure_id)
    return _kept_terms(departure_id, tenant_id_or_raise(), int(time.monotonic() / settings.PRICES_KEPT_SECONDS))


def price_lines(
    terms: Terms, guests: Mapping[str, int], extras: Sequence[Mapping[str, Any]] = ()
) -> tuple[list[Line], list[TaxLine]]:
    """The lines of a party by the price list, and the taxes on their sum. Rounded once a line, in `terms.currency`.

    `guests` counts people by price category (`{"adult": 2}`; zeros are left out), `extras` are `{"code", "quantity"}`; without
    a quantity an extra per person is for everyone, any other is taken once. The order of what is asked changes nothing.
    Raises `InvalidInput`, `UnknownPriceCategory`, `PartyTooSmall`, `PartyTooLarge`, `NobodyTakesASeat`, `UnknownExtra`,
    `ExtraForNobody`, `ExtraQuantityRefused`.
    """
    party = checked_party(terms, guests)
    lines = [_guest_line(terms, price, party[code]) for code, price in terms.prices.items() if code in party]
    lines += _extra_lines(terms, party, extras)
    return lines, taxes_on(terms, sum((line.amount for line in lines), Decimal(0)))


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
    return sum(terms.prices[category].seats * number for category, number in guests.items())


def taxes_on(terms: Terms, amount: Decimal) -> list[TaxLine]:
    """The taxes on a sum: the part of it that is tax where prices contain it, else what comes on top."""
    tax = terms.tax
    if tax is None:
        return []
    base = Decimal(100) + tax.percent if tax.inclusive else Decimal(100)
    share = round_money(amount * tax.percent / base, terms.currency)
    return [TaxLine(tax.code, tax.label_en, tax.label_ar, tax.percent, tax.inclusive, share)]


def total_of(lines: Iterable[Line], taxes: Iterable[TaxLine]) -> Decimal:
    """What the customer pays: the lines, and the taxes that they do not contain."""
    return sum((line.amount for line in lines), Decimal(0)) + sum(
        (tax.amount for tax in taxes if not tax.inclusive), Decimal(0)
    )


def price_from(tour: Tour) -> tuple[Decimal, Decimal | None]:
    """The lowest price of an adult over the tour's options, and the "was" price beside it, in the tour's currency.

    Where no option prices adults, the lowest price of a guest who takes a seat. Raises `TourHasNoPrice`. Asks no query
    when `options__prices__category` is prefetched.
    """
    listed = [price for option in tour.options.all() for price in option.prices.all()]
    seated = [price for price in listed if price.category.seats]
    wanted = [price for price in seated if price.category.code == "adult"] or seated
    if not wanted:
        raise TourHasNoPrice(tour=tour)
    lowest = min(wanted, key=lambda price: price.amount)
    return lowest.amount, lowest.original_amount


def _guest_line(terms: Terms, price: CategoryPrice, number: int) -> Line:
    return Line(
        code=price.code,
        rule=f"price_list:{terms.option_code}:{price.code}",
        label_en=price.label_en,
        label_ar=price.label_ar,
        quantity=number,
        unit=price.amount,
        amount=round_money(price.amount * number, terms.currency),
    )


def _extra_lines(terms: Terms, party: Mapping[str, int], asked: Sequence[Mapping[str, Any]]) -> list[Line]:
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
    return [_extra_line(terms, extra, wanted[code], party) for code, extra in terms.extras.items() if code in wanted]


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
