"""Base prices: what a party pays for a departure by price list and rules, with extras, fee and taxes.

`load_terms` reads, everything else is pure. Amounts are `Decimal` major units of `terms.currency`. What partners, offers and
vouchers change comes on top in `bookings.pricing`, which is what everyone who sells calls.

The order: the price list (in the currency, by the size of the party) → rules (`tours.rules`) → a partner's price → single
supplement → extras → service fee → taxes. A unit price is rounded once, at its end; price times quantity is the amount.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import translation
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.errors import InvalidInput
from config.i18n import LANGUAGES
from config.tenancy import tenant_id_or_raise
from ledger.errors import NoRate
from ledger.money import format_money, round_money
from tours.deposits import DepositTerms
from tours.errors import (
    DepartureNotFound,
    ExtraForNobody,
    ExtraQuantityRefused,
    NobodyTakesASeat,
    PartyTooLarge,
    PartyTooSmall,
    SinglesRefused,
    TourHasNoPrice,
    UnknownExtra,
    UnknownPriceCategory,
)
from tours.models import DepositBasis, ExtraBasis, FeeBasis, PricingBasis, RuleEffect, Tour
from tours.pickups import Ride
from tours.rules import AmountUnknown, RuleTerms, Sale, Step, steps

SINGLE = "single-supplement"  # asked for like an extra


@dataclass(frozen=True, slots=True)
class Because:
    """Why a unit price is what it is: a rule, what it did in words, and the price after it."""

    rule: str
    text_en: str
    text_ar: str
    unit: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a quote. `rule` names what made the price: `price_list:<option>:<category>`, `extra:<code>` …

    `because` are the rules that changed it since; `was` is what it would be without those that lowered it.
    """

    code: str
    rule: str
    label_en: str
    label_ar: str
    quantity: int
    unit: Decimal
    amount: Decimal
    was: Decimal | None = None
    because: tuple[Because, ...] = ()


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
    """What one guest of a category pays, and how many seats that guest takes. `original` is the list's "was" price.

    An amount of None has no value in the currency: nobody fixed one, and there is no rate. `listed` is the currency in which
    somebody did, where that is not the tour's.
    """

    code: str
    label_en: str
    label_ar: str
    amount: Decimal | None
    seats: int
    original: Decimal | None = None
    is_child: bool = False
    listed: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """From so many guests on: the price of a guest of the category, or of the group where there is none."""

    from_guests: int
    category: str | None
    currency: str
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """The service fee: so many percent, or an amount for each booking."""

    code: str
    label_en: str
    label_ar: str
    basis: str
    value: Decimal | None


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
    on_fee: bool = True


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
    taxes: tuple[TaxTerms, ...] = ()
    basis: str = PricingBasis.PER_PERSON.value
    group_size: int | None = None
    has_rooms: bool = False  # who sleeps alone pays the single supplement
    single_supplement: Decimal | None = None
    lists: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)  # by currency and category
    tiers: tuple[Tier, ...] = ()
    rules: tuple[RuleTerms, ...] = ()
    fee: FeeTerms | None = None
    capacity: int = 0
    sold: int = 0
    home_currency: str = ""  # the tour's, where the terms are in another
    # When it is sold: from `opens_at` (None: always), by partners until `partner_cutoff_at` (None: as by everybody).
    opens_at: datetime | None = None
    partner_cutoff_at: datetime | None = None
    any_time: bool = False
    deposit: DepositTerms | None = None
    lost_extras: Mapping[str, ExtraTerms] = field(default_factory=dict)  # those that no rate brings into this currency
    pickup: str | None = None  # how the tour fetches its guests (`PickupKind`)
    ride: Ride | None = None  # the one that was asked for

    def converted(self, currency: str, rate: Decimal | None) -> "Terms":
        """The same terms in another currency, one unit of ours being worth `rate` of it (None: nobody knows).

        A price that was fixed in that currency stays as it is; every other is rounded here, once, so that on each line the
        price shown times the quantity is the amount shown. Extras without a rate cannot be had.
        """

        def there(amount: Decimal | None) -> Decimal | None:
            return None if amount is None or rate is None else round_money(amount * rate, currency)

        fixed = self.lists.get(currency, {})
        return replace(
            self,
            currency=currency,
            home_currency=self.home_currency or self.currency,
            prices={
                code: replace(price, amount=fixed[code], original=None, listed=currency)
                if code in fixed
                else replace(price, amount=there(price.amount), original=there(price.original))
                for code, price in self.prices.items()
            },
            extras={
                code: replace(extra, amount=round_money(extra.amount * rate, currency))
                for code, extra in self.extras.items()
            }
            if rate is not None
            else {},
            tiers=self._tiers_in(currency, there),
            rules=tuple(
                rule if rule.effect == RuleEffect.PERCENT else replace(rule, value=there(rule.value))
                for rule in self.rules
            ),
            single_supplement=there(self.single_supplement),
            fee=replace(self.fee, value=there(self.fee.value))
            if self.fee and self.fee.basis == FeeBasis.AMOUNT
            else self.fee,
            lost_extras={} if rate is not None else self.extras,
            deposit=self._deposit_in(currency, rate),
            ride=self._ride_in(currency, rate),
        )

    def _deposit_in(self, currency: str, rate: Decimal | None) -> DepositTerms | None:
        if self.deposit is None or rate is not None:
            return self.deposit and self.deposit.converted(currency, rate or Decimal(0))
        if self.deposit.basis != DepositBasis.PERCENT:
            raise NoRate(base=self.currency, quote=currency, day=localdate().isoformat())
        return self.deposit

    def _ride_in(self, currency: str, rate: Decimal | None) -> Ride | None:
        if self.ride is None or rate is not None:
            return self.ride and self.ride.converted(currency, rate or Decimal(0))
        if self.ride.amount:
            raise NoRate(base=self.currency, quote=currency, day=localdate().isoformat())
        return self.ride

    def _tiers_in(self, currency: str, there: Callable[[Decimal | None], Decimal | None]) -> tuple[Tier, ...]:
        """Those fixed in the currency, and the others converted; a category with any of its own uses these alone."""
        fixed = [tier for tier in self.tiers if tier.currency == currency]
        own = {tier.category for tier in fixed}
        rest = [
            replace(tier, amount=there(tier.amount))
            for tier in self.tiers
            if tier.currency == self.currency != currency and tier.category not in own
        ]
        return tuple(sorted([*fixed, *rest], key=lambda tier: tier.from_guests))

    def is_listed_in(self, currency: str) -> bool:
        """Whether every price of the option was fixed by hand in that currency: no rate takes part in them."""
        if self.basis == PricingBasis.PER_GROUP:
            return any(tier.currency == currency for tier in self.tiers)
        return bool(self.prices) and set(self.prices) <= set(self.lists.get(currency, {}))


# Everything but the departure, from `tours_touroption o JOIN tours_tour t JOIN tours_destination g`.
_OFFER = """
    t.id, o.id, o.code, t.title_en, t.title_ar, o.name_en, o.name_ar,
    g.time_zone, t.currency_id, t.min_guests, t.max_guests, t.status = 'ACTIVE' AND t.deleted_at IS NULL,
    t.cancellation_policy_id, o.basis, o.group_size, o.single_supplement,
    (SELECT json_agg(json_build_array(c.code, c.name_en, c.name_ar, coalesce(p.amount, 0)::text, c.seats,
                p.original_amount::text, coalesce(c.max_age < 18, false)) ORDER BY c.display_order, c.code)
        FROM tours_pricecategory c LEFT JOIN tours_optionprice p ON p.category_id = c.id AND p.option_id = o.id
        WHERE c.tenant_id = o.tenant_id AND (p.id IS NOT NULL OR o.basis = 'PER_GROUP')),
    (SELECT json_agg(json_build_array(e.code, e.name_en, e.name_ar, e.basis, e.amount::text, e.max_quantity,
                e.min_quantity, e.is_required, e.stock IS NOT NULL,
                (SELECT json_agg(c.code) FROM tours_extracategory y JOIN tours_pricecategory c ON c.id = y.category_id
                    WHERE y.extra_id = e.id)) ORDER BY e.code)
        FROM tours_extra e WHERE e.tour_id = t.id AND e.is_active AND (
            NOT EXISTS (SELECT FROM tours_extraoption y WHERE y.extra_id = e.id)
            OR EXISTS (SELECT FROM tours_extraoption y WHERE y.extra_id = e.id AND y.option_id = o.id))),
    (SELECT json_agg(json_build_array(x.code, x.name_en, x.name_ar, x.percent::text, x.is_inclusive, x.on_fee)
            ORDER BY x.id = t.tax_id DESC, x.code)
        FROM tours_taxrate x
        WHERE x.id = t.tax_id OR x.id IN (SELECT m.tax_id FROM tours_tourtax m WHERE m.tour_id = t.id)),
    (SELECT json_agg(json_build_array(p.currency_id, c.code, p.amount::text) ORDER BY p.currency_id, c.code)
        FROM tours_currencyprice p JOIN tours_pricecategory c ON c.id = p.category_id WHERE p.option_id = o.id),
    (SELECT json_agg(json_build_array(p.from_guests, c.code, coalesce(p.currency_id, t.currency_id), p.amount::text)
            ORDER BY p.from_guests, c.code)
        FROM tours_grouptier p LEFT JOIN tours_pricecategory c ON c.id = p.category_id WHERE p.option_id = o.id),
    (SELECT json_agg(json_build_array(r.id, r.kind, r.effect, r.value::text, r.name_en, r.name_ar, r.categories,
                r.first_day, r.last_day,
                CASE WHEN r.season_id IS NOT NULL THEN coalesce((SELECT json_agg(json_build_array(s.first_day, s.last_day)
                    ORDER BY s.first_day) FROM tours_seasonrange s WHERE s.season_id = r.season_id), '[]'::json) END,
                r.weekdays, r.start_times, r.days_before, r.hours_before, r.occupancy_percent,
                (SELECT code FROM accounts_pricegroup WHERE id = r.price_group_id))
            ORDER BY r.priority DESC, (
                (r.tour_id IS NOT NULL)::int + (r.option_id IS NOT NULL)::int + (r.categories <> '{}')::int
                + (r.season_id IS NOT NULL)::int + (r.weekdays <> '{}')::int + (r.start_times <> '{}')::int
                + (r.price_group_id IS NOT NULL)::int + (coalesce(r.first_day, r.last_day) IS NOT NULL)::int) DESC,
                r.days_before DESC NULLS LAST, r.hours_before NULLS LAST, r.occupancy_percent DESC NULLS LAST,
                r.created_at, r.id)
        FROM tours_pricerule r
        WHERE r.tenant_id = o.tenant_id AND r.is_active AND (r.tour_id IS NULL OR r.tour_id = t.id)
          AND (r.option_id IS NULL OR r.option_id = o.id)),
    (SELECT json_build_array(f.id, f.name_en, f.name_ar, f.basis, f.value::text)
        FROM tours_servicefee f WHERE f.tenant_id = o.tenant_id AND f.is_active
          AND (f.tour_id = t.id OR f.tour_id IS NULL)
        ORDER BY f.tour_id IS NULL LIMIT 1),
    (SELECT json_build_array(r.basis, r.amount::text, r.balance_days, r.reminder_days, r.overdue, r.grace_days)
        FROM tours_depositrule r WHERE r.tour_id = t.id),
    (SELECT r.kind FROM tours_pickuprule r WHERE r.tour_id = t.id)
"""

TERMS = f"""
SELECT d.id, d.starts_at, d.ends_at, d.cutoff_at, d.capacity, d.seats_held + d.seats_booked, d.opens_at,
    d.partner_cutoff_at, d.any_time, {_OFFER}
FROM tours_departure d
JOIN tours_touroption o ON o.id = d.option_id
JOIN tours_tour t ON t.id = d.tour_id
JOIN tours_destination g ON g.id = t.destination_id
WHERE d.id = %s::uuid AND d.tenant_id = %s::uuid
"""

OFFERS = f"""
SELECT o.capacity, coalesce(o.duration_minutes, t.duration_minutes), t.cutoff_minutes, {_OFFER}
FROM tours_touroption o
JOIN tours_tour t ON t.id = o.tour_id
JOIN tours_destination g ON g.id = t.destination_id
WHERE t.id = ANY(%s::uuid[]) AND t.tenant_id = %s::uuid
ORDER BY o.display_order, o.code
"""

NO_DEPARTURE = UUID(int=0)
SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def load_terms(departure_id: UUID) -> Terms:
    """The terms of a departure, in one statement, because every quote and hold asks it. Raises `DepartureNotFound`."""
    with connection.cursor() as cursor:
        cursor.execute(TERMS, [departure_id, tenant_id_or_raise()])
        row = cursor.fetchone()
    if row is None:
        raise DepartureNotFound
    departure_id, starts_at, ends_at, cutoff_at, capacity, sold, opens_at, partner_cutoff_at, any_time, *offer = row
    return _terms(
        offer,
        departure_id=departure_id,
        starts_at=starts_at,
        ends_at=ends_at,
        cutoff_at=cutoff_at,
        capacity=capacity,
        sold=sold,
        opens_at=opens_at,
        partner_cutoff_at=partner_cutoff_at,
        any_time=any_time,
    )


def load_offers(tour_ids: Iterable[UUID]) -> list[Terms]:
    """The terms of each option of the tours, in one statement, of a departure that does not exist (see `starting`)."""
    with connection.cursor() as cursor:
        cursor.execute(OFFERS, [list(tour_ids), tenant_id_or_raise()])
        rows = cursor.fetchall()
    return [
        _terms(
            offer,
            departure_id=NO_DEPARTURE,
            starts_at=SOME_TIME,
            ends_at=SOME_TIME + timedelta(minutes=minutes),
            cutoff_at=SOME_TIME - timedelta(minutes=cutoff),
            capacity=capacity,
            sold=0,
        )
        for capacity, minutes, cutoff, *offer in rows
    ]


def starting(offer: Terms, starts_at: datetime) -> Terms:
    """What an offer of `load_offers` would be as a departure at that time, with all places free."""
    shift = starts_at - offer.starts_at
    return replace(offer, starts_at=starts_at, ends_at=offer.ends_at + shift, cutoff_at=offer.cutoff_at + shift)


def _terms(offer: Sequence[Any], **departure: Any) -> Terms:
    """What a row of `_OFFER` says, with a departure."""
    tour_id, option_id, option_code, title_en, title_ar, option_en, option_ar, time_zone, *rest = offer
    currency, min_guests, max_guests, on_sale, policy_id, basis, group_size, single, *rest = rest
    prices, extras, taxes, lists, tiers, rules, fee, deposit, pickup = rest
    by_currency: dict[str, dict[str, Decimal]] = {}
    for code, category, amount in lists or ():
        by_currency.setdefault(code, {})[category] = Decimal(amount)
    return Terms(
        **departure,
        tour_id=tour_id,
        option_id=option_id,
        option_code=option_code,
        title_en=title_en,
        title_ar=title_ar,
        option_en=option_en,
        option_ar=option_ar,
        time_zone=time_zone,
        currency=currency,
        min_guests=min_guests,
        max_guests=max_guests,
        on_sale=on_sale,
        policy_id=policy_id,
        basis=basis,
        group_size=group_size,
        has_rooms=single is not None,
        single_supplement=single,
        prices={
            code: CategoryPrice(
                code, label_en, label_ar, Decimal(amount), seats, Decimal(original) if original else None, is_child
            )
            for code, label_en, label_ar, amount, seats, original, is_child in prices or ()
        },
        extras={
            code: ExtraTerms(
                code,
                label_en,
                label_ar,
                charged,
                Decimal(amount),
                most=most,
                least=least,
                required=required,
                stocked=stocked,
                categories=frozenset(categories) if categories else None,
            )
            for code, label_en, label_ar, charged, amount, most, least, required, stocked, categories in extras or ()
        },
        taxes=tuple(
            TaxTerms(code, label_en, label_ar, Decimal(percent), inclusive, on_fee)
            for code, label_en, label_ar, percent, inclusive, on_fee in taxes or ()
        ),
        lists=by_currency,
        tiers=tuple(
            Tier(from_guests, category, code, Decimal(amount)) for from_guests, category, code, amount in tiers or ()
        ),
        rules=tuple(_rule(row) for row in rules or ()),
        fee=FeeTerms(f"fee:{fee[0]}", fee[1], fee[2], fee[3], Decimal(fee[4])) if fee else None,
        deposit=DepositTerms.of(deposit) if deposit else None,
        pickup=pickup,
    )


def _rule(row: Sequence[Any]) -> RuleTerms:
    key, kind, effect, value, label_en, label_ar, categories, first, last, season, weekdays, times, *rest = row
    days_before, hours_before, occupancy, group = rest
    return RuleTerms(
        id=key,
        kind=kind,
        effect=effect,
        value=Decimal(value),
        label_en=label_en,
        label_ar=label_ar,
        categories=tuple(categories),
        first_day=date.fromisoformat(first) if first else None,
        last_day=date.fromisoformat(last) if last else None,
        season=None
        if season is None
        else tuple((date.fromisoformat(begin), date.fromisoformat(end)) for begin, end in season),
        weekdays=tuple(weekdays),
        times=tuple(time[:5] for time in times),
        days_before=days_before,
        hours_before=hours_before,
        occupancy=occupancy,
        group=group,
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
        lines += _single_lines(terms, party, [item for item in extras if item["code"] == SINGLE])
    if terms.lost_extras and (others or any(one.required and one.people(party) for one in terms.lost_extras.values())):
        raise NoRate(base=terms.home_currency, quote=terms.currency, day=localdate().isoformat())
    lines += _extra_lines(terms, party, others)
    fees = [] if partnership else _fee_lines(terms, sum((line.amount for line in lines), Decimal(0)))
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
        taxes.append(TaxLine(tax.code, tax.label_en, tax.label_ar, tax.percent, tax.inclusive, rounded))
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


def _single_lines(terms: Terms, party: Mapping[str, int], asked: Sequence[Mapping[str, Any]]) -> list[Line]:
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


def _fee_lines(terms: Terms, amount: Decimal) -> list[Line]:
    fee = terms.fee
    if fee is None:
        return []
    if fee.value is None:
        raise NoRate(base=terms.home_currency, quote=terms.currency, day=localdate().isoformat())
    due = amount * fee.value / 100 if fee.basis == FeeBasis.PERCENT else fee.value
    due = round_money(due, terms.currency)
    return [Line("fee", fee.code, fee.label_en, fee.label_ar, 1, due, due)] if due else []


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
