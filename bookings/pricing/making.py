"""Making a quote: the price list's lines and taxes (`tours.prices`), with partner, member, offer and voucher rules on top.

Unit prices are converted and rounded once, so that on each line price times quantity is the amount.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.timezone import now

from bookings.errors import CutoffPassed, NotOnSaleYet, VoucherUnknown
from bookings.models import Partner
from bookings.net_rates import partnership
from bookings.partners import partner_of
from bookings.pricing.quotes import Quote
from bookings.pricing.stored import fingerprint_of_stored
from ledger.errors import NoRate
from ledger.rates import rate_on
from tours.deposits import deposit_of
from tours.errors import DepartureNotFound
from tours.models import PickupKind
from tours.pickups import ride_of
from tours.prices import (
    Line,
    Partnership,
    Terms,
    checked_party,
    load_terms,
    price_lines,
    seats_of,
    total_of,
)


def quote(
    *,
    departure_id: UUID,
    guests: Mapping[str, int],
    extras: Sequence[Mapping[str, Any]] = (),
    currency: str | None = None,
    voucher_code: str = "",
    pickup: Mapping[str, Any] | None = None,
    transfer: Mapping[str, Any] | None = None,
    customer: Any = None,
    terms: Terms | None = None,
    partner: Partner | None = None,
) -> Quote:
    """The price of a party on a departure, in the currency asked for (else the partner's, else the price list's), as of now.

    `pickup` and `transfer` say where to fetch the party (`tours.pickups`). `terms` are the departure's where they were read
    already. `customer` is who pays: their price group counts, and the
    partner for whom they act, unless `partner` names one.
    It takes no seat and says nothing of seats left. Raises `DepartureNotFound` (also for tours not on sale),
    `NotOnSaleYet`, `CutoffPassed`, what `tours.prices.price_lines` and `tours.pickups.ride_of` refuse, `NoRate`,
    `VoucherUnknown`.
    """
    terms = terms or load_terms(departure_id)
    if not terms.on_sale:
        raise DepartureNotFound
    partner = partner or partner_of(customer)
    refuse_out_of_time(terms, partner is not None)
    if voucher_code:  # vouchers are rows that do not exist before the promotions do
        raise VoucherUnknown(code=voucher_code)
    if pickup or transfer or terms.pickup in (PickupKind.REQUIRED, PickupKind.TRANSFER):
        ride = ride_of(tour_id=terms.tour_id, option_id=terms.option_id, pickup=pickup, transfer=transfer)
        terms = replace(terms, ride=ride)
    made = quote_of_terms(
        terms,
        guests,
        extras,
        currency=currency,
        group=getattr(customer, "price_group", "") or "",
        partner=partner,
    )
    return replace(made, by_partner=partner is not None and terms.partner_cutoff_at is not None)


def refuse_out_of_time(sold: Any, by_partner: bool) -> None:
    """Raises `NotOnSaleYet` and `CutoffPassed`. `sold` are terms, or a departure."""
    moment = now()
    if sold.opens_at is not None and sold.opens_at > moment:
        raise NotOnSaleYet(opens=sold.opens_at.isoformat())
    cutoff_at = (sold.partner_cutoff_at or sold.cutoff_at) if by_partner else sold.cutoff_at
    if cutoff_at <= moment:
        raise CutoffPassed


def quote_of_terms(
    terms: Terms,
    guests: Mapping[str, int],
    extras: Sequence[Mapping[str, Any]] = (),
    *,
    currency: str | None = None,
    group: str = "",
    partner: Partner | None = None,
    at: datetime | None = None,
) -> Quote:
    """The quote by terms as they were read, as of `at` (now), whether they are on sale or not."""
    wanted = currency or (partner.currency_id if partner else terms.currency)
    rate: Decimal | None = Decimal(1)
    listed = terms.currency
    if wanted != terms.currency:
        if terms.is_listed_in(wanted):
            listed = wanted
        try:
            rate = rate_on(terms.currency, wanted)
        except NoRate:
            if listed != wanted:
                raise
            rate = None  # whatever was not fixed in this currency is refused where it is asked for
        terms = terms.converted(wanted, rate)
    local = terms.starts_at.astimezone(ZoneInfo(terms.time_zone)).date()
    return price(
        terms,
        guests,
        extras,
        rate if rate is not None and listed != wanted else Decimal(1),
        listed,
        group=group,
        partner=partner,
        special=partnership(partner, terms.option_id, local) if partner else None,
        at=at,
    )


def price(
    terms: Terms,
    guests: Mapping[str, int],
    extras: Sequence[Mapping[str, Any]],
    rate: Decimal,
    price_list_currency: str,
    *,
    group: str = "",
    partner: Partner | None = None,
    special: Partnership | None = None,
    at: datetime | None = None,
) -> Quote:
    """The quote by these terms (already in the wanted currency). Pure but for the time it notes."""
    party = checked_party(terms, guests)
    moment = at or now()
    lines, tax_lines = price_lines(terms, party, extras, at=moment, group=group, partnership=special)
    total = total_of(lines, tax_lines)
    made = Quote(
        departure_id=terms.departure_id,
        tour_id=terms.tour_id,
        option_id=terms.option_id,
        title={"en": terms.title_en, "ar": terms.title_ar},
        option={"en": terms.option_en, "ar": terms.option_ar},
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
        time_zone=terms.time_zone,
        guests=party,
        extras=[_extra(terms, line) for line in lines if line.rule.startswith(("extra:", "single:"))],
        seats=seats_of(terms, party),
        lines=lines,
        tax_lines=tax_lines,
        total=total,
        currency=terms.currency,
        price_list_currency=price_list_currency,
        rate=rate,
        generated_at=moment,
        any_time=terms.any_time,
        guest_labels={code: {"en": terms.prices[code].label_en, "ar": terms.prices[code].label_ar} for code in party},
        guest_ages=_ages(terms, party),
        partner=partner.code if partner else "",
        price_group=group,
        deposit=deposit_of(
            terms.deposit,
            total=total,
            guests=sum(party.values()),
            currency=terms.currency,
            starts_at=terms.starts_at,
            at=moment,
        ),
        ride=terms.ride,
    )
    return replace(made, fingerprint=fingerprint_of_stored(made.as_json()))


def _ages(terms: Terms, party: Mapping[str, int]) -> dict[str, list[int | None]]:
    ages = {code: [terms.prices[code].min_age, terms.prices[code].max_age] for code in party}
    return {code: limits for code, limits in ages.items() if limits != [None, None]}


def _extra(terms: Terms, line: Line) -> dict[str, Any]:
    """An extra as the quote keeps it; what is true of few of them is said only there."""
    extra = terms.extras.get(line.code)
    if extra is None:  # a room for one
        return {"code": line.code, "quantity": line.quantity}
    marks = {"required": extra.required, "stocked": extra.stocked}
    return {"code": line.code, "quantity": line.quantity, **{name: True for name, holds in marks.items() if holds}}
