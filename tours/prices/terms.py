"""What a departure is sold for and under which conditions, and the lines that come of it: plain values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils.timezone import localdate

from ledger.errors import NoRate
from ledger.money import round_money
from tours.deposits import DepositTerms
from tours.models import DepositBasis, FeeBasis, PricingBasis, RuleEffect
from tours.pickups import Ride
from tours.rules import RuleTerms


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
    percent: Decimal | None = None  # of a fee that is so many percent of the lines before it


@dataclass(frozen=True, slots=True)
class TaxLine:
    """A tax: contained in the lines (`inclusive`) or to be added to them."""

    code: str
    label_en: str
    label_ar: str
    percent: Decimal
    inclusive: bool
    amount: Decimal
    on_fee: bool = True


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
    min_age: int | None = None
    max_age: int | None = None


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
