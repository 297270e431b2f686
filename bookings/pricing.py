"""The only place where a price is made: everyone who sells asks `quote`.

The price list's lines and taxes come from `tours.prices`; partner, member, offer and voucher rules are put on top here.
Unit prices are converted and rounded once, so that on each line price times quantity is the amount. All amounts are
`Decimal` major units of the quote's currency.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.utils.timezone import now

from bookings.errors import CutoffPassed, NotOnSaleYet, VoucherUnknown
from bookings.models import Partner
from bookings.net_rates import partnership
from bookings.partners import partner_of
from config.i18n import language_now
from ledger.errors import NoRate
from ledger.money import amount_text
from ledger.rates import rate_on
from tours.deposits import Deposit, deposit_of
from tours.errors import DepartureNotFound
from tours.models import PickupKind
from tours.pickups import Ride, ride_of
from tours.prices import (
    Line,
    Partnership,
    TaxLine,
    Terms,
    checked_party,
    load_terms,
    price_lines,
    seats_of,
    total_of,
)


@dataclass(frozen=True, slots=True)
class Quote:
    """What a party would pay for a departure, and why. Frozen on holds and bookings as `as_json()`.

    `partner` and `price_group` are the codes of those at whose prices it was made.
    `rate` is what one unit of the price list's currency was worth in `currency`; `fingerprint` changes with any amount.
    """

    departure_id: UUID
    tour_id: UUID
    option_id: UUID
    title: dict[str, str]
    option: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    guests: dict[str, int]
    extras: list[dict[str, Any]]
    seats: int
    lines: list[Line]
    tax_lines: list[TaxLine]
    total: Decimal
    currency: str
    price_list_currency: str
    rate: Decimal
    generated_at: datetime
    guest_labels: dict[str, dict[str, str]]
    partner: str = ""
    price_group: str = ""
    fingerprint: str = ""
    # Sold by opening hours: any time from start to end.
    any_time: bool = False
    # Asked for by a partner, whose cut-off may be another than everybody's. Not part of what is stored.
    by_partner: bool = False
    deposit: Deposit | None = None
    ride: Ride | None = None

    def as_json(self) -> dict[str, Any]:
        """The quote as it is stored: amounts as text with the currency's decimals, texts in both languages."""
        return {
            "departure_id": str(self.departure_id),
            "tour_id": str(self.tour_id),
            "option_id": str(self.option_id),
            "title": self.title,
            "option": self.option,
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
            "time_zone": self.time_zone,
            "guests": self.guests,
            "extras": self.extras,
            "seats": self.seats,
            "lines": [self._line(line) for line in self.lines],
            "tax_lines": [self._tax_line(line) for line in self.tax_lines],
            "total": amount_text(self.total, self.currency),
            "currency": self.currency,
            "price_list_currency": self.price_list_currency,
            "rate": format(self.rate.normalize(), "f"),
            "guest_labels": self.guest_labels,
            "partner": self.partner,
            "price_group": self.price_group,
            "fingerprint": self.fingerprint,
            "any_time": self.any_time,
            "generated_at": self.generated_at.isoformat(),
            "deposit": self._deposit(),
            "pickup": self.ride.as_json(self.starts_at) if self.ride else None,
        }

    def _deposit(self) -> dict[str, Any] | None:
        made = self.deposit
        if made is None:
            return None
        return {
            "amount": amount_text(made.amount, self.currency),
            "balance": amount_text(made.balance, self.currency),
            "balance_due_at": made.balance_due_at.isoformat(),
            "remind_at": made.remind_at.isoformat(),
            "cancel_at": made.cancel_at.isoformat() if made.cancel_at else None,
        }

    def _line(self, line: Line) -> dict[str, Any]:
        return {
            "code": line.code,
            "rule": line.rule,
            "label_en": line.label_en,
            "label_ar": line.label_ar,
            "quantity": line.quantity,
            "unit": amount_text(line.unit, self.currency),
            "amount": amount_text(line.amount, self.currency),
            "was": None if line.was is None else amount_text(line.was, self.currency),
            "because": [
                {
                    "rule": step.rule,
                    "text_en": step.text_en,
                    "text_ar": step.text_ar,
                    "unit": amount_text(step.unit, self.currency),
                }
                for step in line.because
            ],
        }

    def _tax_line(self, line: TaxLine) -> dict[str, Any]:
        return {
            "code": line.code,
            "label_en": line.label_en,
            "label_ar": line.label_ar,
            "percent": format(line.percent.normalize(), "f"),
            "inclusive": line.inclusive,
            "amount": amount_text(line.amount, self.currency),
        }


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
    return replace(made, fingerprint=fingerprint_of(made))


def _extra(terms: Terms, line: Line) -> dict[str, Any]:
    """An extra as the quote keeps it; what is true of few of them is said only there."""
    extra = terms.extras.get(line.code)
    if extra is None:  # a room for one
        return {"code": line.code, "quantity": line.quantity}
    marks = {"required": extra.required, "stocked": extra.stocked}
    return {"code": line.code, "quantity": line.quantity, **{name: True for name, holds in marks.items() if holds}}


def asked_again(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What a stored quote was asked for, as arguments of `quote`: for the same party on another departure."""
    extras = [{"code": one["code"], "quantity": one["quantity"]} for one in stored["extras"] if not one.get("required")]
    return {"guests": stored["guests"], "extras": extras, "currency": stored["currency"], **ride_asked(stored)}


def ride_asked(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The `pickup` or `transfer` that a stored quote was made for; nothing where there is none."""
    ride = stored.get("pickup")
    if not ride:
        return {}
    if "destination" not in ride:
        return {"pickup": _asked(ride)}
    return {"transfer": {"origin": _asked(ride), "destination": _asked(ride["destination"])}}


def _asked(point: Mapping[str, Any]) -> dict[str, Any]:
    if point["place_id"]:
        return {"place_id": UUID(point["place_id"])}
    return {"zone": point["zone"], "text": point["name_en"]}


def shifted_deposit(deposit: Mapping[str, Any] | None, by: timedelta, starts_at: datetime) -> dict[str, Any] | None:
    """A stored deposit whose days move with the departure, which now `starts_at`.

    Nobody loses a booking because the new day is near: where the balance would be overdue at once, the wait that was agreed
    begins now, and where that ends after the start, staff decide.
    """
    if not deposit:
        return None
    days = {name: deposit[name] for name in ("balance_due_at", "remind_at", "cancel_at") if deposit[name]}
    moved = {name: datetime.fromisoformat(day) + by for name, day in days.items()}
    shifted = {**deposit, **{name: day.isoformat() for name, day in moved.items()}}
    if "cancel_at" in moved:
        wait = max(moved["cancel_at"] - moved["balance_due_at"], timedelta(days=1))
        until = max(moved["cancel_at"], now() + wait) if moved["balance_due_at"] <= now() else moved["cancel_at"]
        shifted["cancel_at"] = until.isoformat() if until < starts_at else None
    return shifted


def shifted_pickup(ride: Mapping[str, Any] | None, by: timedelta) -> dict[str, Any] | None:
    """A stored ride whose time moves with the departure."""
    return {**ride, "at": (datetime.fromisoformat(ride["at"]) + by).isoformat()} if ride else None


def stocked_extras(stored: Mapping[str, Any]) -> dict[str, int]:
    """How many of which extras, of those there are only so many of, a stored quote takes."""
    return {one["code"]: one["quantity"] for one in stored.get("extras", ()) if one.get("stocked")}


def fingerprint_of(made: Quote) -> str:
    """32 hexadecimal digits over what is sold and every amount; not over texts, times or the language."""
    return fingerprint_of_stored(made.as_json())


def fingerprint_of_stored(shown: Mapping[str, Any]) -> str:
    """The same of a quote as it is stored."""
    priced = [
        shown["departure_id"],
        shown["currency"],
        shown["seats"],
        [[line["rule"], line["quantity"], line["unit"], line["amount"]] for line in shown["lines"]],
        [[line["code"], line["inclusive"], line["amount"]] for line in shown["tax_lines"]],
        shown["total"],
    ]
    return hashlib.sha256(orjson.dumps(priced)).hexdigest()[:32]


def when(stored: Mapping[str, Any]) -> dict[str, Any]:
    """When a stored quote is for, at the place: a date with a time, or by opening hours a date and the hours."""
    zone = ZoneInfo(stored["time_zone"])
    start = datetime.fromisoformat(stored["starts_at"]).astimezone(zone)
    end = datetime.fromisoformat(stored["ends_at"]).astimezone(zone)
    any_time = bool(stored.get("any_time"))
    return {
        "any_time": any_time,
        "date": start.date().isoformat(),
        "time": None if any_time else f"{start:%H:%M}",
        "opening_hours": {"opens": f"{start:%H:%M}", "closes": f"{end:%H:%M}"} if any_time else None,
    }


def in_words(stored: dict[str, Any], language: str | None = None) -> dict[str, Any]:
    """A stored quote as the API shows it: each text in the language at hand, with both beside it."""
    wanted = language or language_now()
    return {
        **stored,
        **when(stored),
        "title": stored["title"][wanted],
        "option": stored["option"][wanted],
        "lines": [_line_in_words(line, wanted) for line in stored["lines"]],
        "tax_lines": [{**line, "label": line[f"label_{wanted}"]} for line in stored["tax_lines"]],
        "pickup": ride_in_words(stored.get("pickup"), wanted),
    }


def _line_in_words(line: dict[str, Any], language: str) -> dict[str, Any]:
    """Lines of before rules said nothing of `was` and `because`."""
    because = [{**step, "text": step[f"text_{language}"]} for step in line.get("because", ())]
    return {**line, "label": line[f"label_{language}"], "was": line.get("was"), "because": because}


def ride_in_words(ride: Mapping[str, Any] | None, language: str) -> dict[str, Any] | None:
    """A stored ride with the names of its places in a language, both beside them."""
    if not ride:
        return None
    named = {**ride, "name": ride[f"name_{language}"], "zone_name": ride[f"zone_{language}"]}
    return named | ({"destination": ride_in_words(ride["destination"], language)} if "destination" in ride else {})
