"""What the screen of a phone booking shows for what was typed: read only, in a bounded number of queries."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.selectors import find_callers, people_here
from bookings import pricing, wording
from bookings.models import Hold
from bookings.partners import partner_of
from bookings.services import find_hold
from bookings.services.holds import extensions_left, is_usable
from config.errors import DomainError
from config.i18n import in_language, language_now
from ledger.models import Currency
from ledger.money import format_money
from payments.desk.typed import Typed
from payments.gateways.registry import offered_for
from payments.services.desk import PERMISSIONS
from tours.errors import DepartureNotFound
from tours.models import Departure, PickupKind, PickupRule, Tour
from tours.prices import Terms, load_terms
from tours.selectors.capacity import places_left
from tours.selectors.choices import left_of, zones_with_places
from tours.selectors.places import suggestions
from tours.selectors.staff import coming_departures


@dataclass
class Desk:
    """The screen's parts, each there as soon as it can be told."""

    typed: Typed
    user: Any
    notices: list[tuple[str, str]]
    customer: User | None = None
    callers: tuple[User, ...] = ()
    tour: Tour | None = None
    tours: tuple[dict[str, Any], ...] = ()
    departures: tuple[dict[str, Any], ...] = ()
    terms: Terms | None = None
    hold: Hold | None = None
    quote: dict[str, Any] | None = None
    price_fault: str = ""
    may_overbook: bool = False
    is_of_other_age: bool = False


def desk_of(typed: Typed, user: Any, notices: list[tuple[str, str]]) -> Desk:
    """Everything that can be told by now."""
    desk = Desk(typed, user, notices)
    _caller(desk)
    _trip(desk)
    _hold(desk)
    if desk.terms is not None:
        _price(desk)
    return desk


def _caller(desk: Desk) -> None:
    typed = desk.typed
    if typed.customer is not None:
        desk.customer = people_here().filter(pk=typed.customer).first()
    if desk.customer is None:
        typed.customer = None
        desk.callers = tuple(find_callers(typed.texts["q"]))
    elif typed.texts["filled_from"] != str(typed.customer):
        _fill_contact(typed, desk.customer)


def _fill_contact(typed: Typed, customer: User) -> None:
    """A customer who was just chosen brings name, e-mail, phone and language along."""
    typed.texts |= {
        "contact_name": customer.get_full_name(),
        "contact_email": customer.email,
        "contact_phone": str(customer.phone),
        "filled_from": str(customer.pk),
    }
    typed.language = customer.language
    for field in ("contact_name", "contact_email", "contact_phone"):
        typed.faults.pop(field, None)


def _trip(desk: Desk) -> None:
    typed = desk.typed
    if typed.tour is not None:
        desk.tour = Tour.objects.filter(pk=typed.tour, deleted_at=None).first()
    if desk.tour is None:
        typed.tour = typed.departure = None
        desk.tours = tuple(orjson.loads(suggestions(typed.texts["tq"], language=language_now()))["tours"])
        return
    starts = coming_departures(desk.tour.pk, since=typed.since)
    if typed.departure is None and len(starts) == 1:
        typed.departure = starts[0].pk
    desk.departures = tuple(_start(departure) for departure in starts)
    if typed.departure is not None:
        desk.terms = _terms(typed)


def _terms(typed: Typed) -> Terms | None:
    """The terms of the departure, if it is of the tour that was chosen."""
    if typed.departure is None:
        return None
    try:
        terms = load_terms(typed.departure)
    except DepartureNotFound:
        terms = None
    if terms is None or terms.tour_id != typed.tour:
        typed.departure = None
        return None
    # What another tour had, and this one has not, is no longer asked for.
    typed.guests = {code: number for code, number in typed.guests.items() if code in terms.prices}
    typed.extras = {code: number for code, number in typed.extras.items() if code in terms.extras}
    return terms


def _start(departure: Departure) -> dict[str, Any]:
    start = departure.local_start()
    end = wording.local(departure.ends_at, departure.tour.destination.time_zone)
    return {
        "id": departure.pk,
        "day": wording.day_in_words(start),
        "time": wording.hours_in_words(start, end) if departure.any_time else wording.time_in_words(start),
        "option": in_language(departure.option, "name"),
        "left": places_left(departure),
        "capacity": departure.capacity,
        "taken": 100 - places_left(departure) * 100 // max(departure.capacity, 1),
        "note": in_language(departure, "note"),
    }


def _hold(desk: Desk) -> None:
    typed = desk.typed
    if typed.hold is None:
        return
    try:
        hold = find_hold(hold_id=typed.hold, actor=desk.user)
    except DomainError:
        hold = None
    if hold is not None and hold.customer_id == desk.user.pk and is_usable(hold):
        desk.hold = hold
        return
    typed.hold = None
    desk.notices.append(("bad", _("The seats are no longer held. Nothing that you typed is lost: hold them again.")))


def _price(desk: Desk) -> None:
    typed = desk.typed
    if desk.hold is not None and is_held(desk.hold, typed, desk.customer):
        desk.quote = desk.hold.quote
        return
    if not typed.party or typed.departure is None:
        return
    try:
        made = pricing.quote(
            departure_id=typed.departure,
            guests=typed.party,
            extras=typed.extras_wanted,
            currency=typed.currency or None,
            customer=payer(desk.customer),
            **typed.ride,
        )
    except DomainError as refusal:
        desk.price_fault = str(refusal)
        return
    desk.quote = made.as_json()


def payer(customer: User | None) -> User | AnonymousUser:
    """At whose prices a caller buys: their own where they are known, else everybody's; never the clerk's."""
    return customer or AnonymousUser()


def is_held(hold: Hold, typed: Typed, customer: User | None) -> bool:
    """Whether the hold is for just what the form says now, at this caller's prices."""
    quote, partner = hold.quote, partner_of(customer)
    return (
        quote.get("partner", "") == (partner.code if partner else "")
        and quote.get("price_group", "") == (customer.price_group if customer else "")
        and hold.departure_id == typed.departure
        and {code: number for code, number in quote["guests"].items() if number} == typed.party
        and _counted(quote["extras"]) == _counted(typed.extras_wanted)
        and quote["currency"] == (typed.currency or (partner.currency_id if partner else quote["price_list_currency"]))
        and pricing.ride_asked(quote) == typed.ride
    )


def _counted(extras: list[dict[str, Any]]) -> dict[str, int]:
    return {one["code"]: one["quantity"] for one in extras if not one.get("required")}


def in_words(desk: Desk) -> dict[str, Any]:
    """The screen's context."""
    typed, quote = desk.typed, desk.quote
    context: dict[str, Any] = {
        "desk": desk,
        "typed": typed,
        "texts": typed.texts,
        "faults": typed.faults,
        "notices": desk.notices,
        "categories": _categories(desk),
        "extras": _extras(desk),
        "rides": _rides(desk),
        "travellers": _travellers(desk),
        "currencies": list(Currency.objects.filter(is_active=True).values_list("code", flat=True)),
        "may": {
            "create": desk.user.has_perm("accounts.add_user"),
            "overbook": desk.user.has_perm("tours.overbook"),
            "override": desk.user.has_perm("bookings.override_policy"),
            **{way: desk.user.has_perm(permission) for way, permission in PERMISSIONS.items()},
        },
        "hold_minutes": int(settings.HOLD_FOR.total_seconds() // 60),
    }
    if quote is not None:
        context |= _quote_in_words(quote)
        ways = offered_for(Decimal(quote["total"]), quote["currency"])
        context["may"]["link"] = context["may"]["link"] and bool(ways)
    if desk.hold is not None:
        context |= {
            "seconds_left": max(0, int((desk.hold.expires_at - now()).total_seconds())),
            "extensions_left": extensions_left(desk.hold),
            "is_held": is_held(desk.hold, typed, desk.customer),
        }
    return context


def _quote_in_words(quote: dict[str, Any]) -> dict[str, Any]:
    currency, words = quote["currency"], wording.quote_in_words(quote)
    lines = [
        (line["label"], line["quantity"], format_money(Decimal(line["unit"]), currency), _money(line, currency))
        for line in words["lines"]
    ]
    taxes = [(line["label"], line["percent"], line["inclusive"], _money(line, currency)) for line in words["tax_lines"]]
    return {
        "lines": lines,
        "taxes": taxes,
        "total": format_money(Decimal(quote["total"]), currency),
        "fingerprint": quote["fingerprint"],
        "seats": quote["seats"],
        **_deposit_in_words(quote),
    }


def _deposit_in_words(quote: dict[str, Any]) -> dict[str, Any]:
    deposit = quote.get("deposit")
    if not deposit:
        return {}
    due_at = wording.local(datetime.fromisoformat(deposit["balance_due_at"]), quote["time_zone"])
    rest, day = format_money(Decimal(deposit["balance"]), quote["currency"]), wording.day_in_words(due_at)
    return {
        "deposit": format_money(Decimal(deposit["amount"]), quote["currency"]),
        "balance": _("The rest, {rest}, is due by {day}.").format(rest=rest, day=day),
    }


def _money(line: dict[str, Any], currency: str) -> str:
    return format_money(Decimal(line["amount"]), currency)


def _categories(desk: Desk) -> list[dict[str, Any]]:
    if desk.terms is None:
        return []
    terms, language = desk.terms, language_now()
    return [
        {
            "code": code,
            "label": getattr(price, f"label_{language}"),
            "price": "" if price.amount is None else format_money(price.amount, terms.currency),
            "number": desk.typed.data.get(f"guests-{code}", "0"),
            "faults": desk.typed.faults.get(f"guests-{code}", []),
        }
        for code, price in terms.prices.items()
    ]


def _extras(desk: Desk) -> list[dict[str, Any]]:
    if desk.terms is None:
        return []
    terms, language, left = desk.terms, language_now(), left_of(desk.terms)
    return [
        {
            "code": code,
            "label": getattr(extra, f"label_{language}"),
            "price": format_money(extra.amount, terms.currency),
            "most": extra.most,
            "left": left.get(code),
            "number": desk.typed.data.get(f"extra-{code}", "0"),
            "faults": desk.typed.faults.get(f"extra-{code}", []),
        }
        for code, extra in terms.extras.items()
        if not extra.required  # adds itself, and stands among the lines
    ]


def _rides(desk: Desk) -> list[dict[str, Any]]:
    """The fields for where the party is fetched, and of a transfer where it goes: places by zone, addresses by permission."""
    if desk.terms is None or desk.terms.pickup is None:
        return []
    rule = PickupRule.objects.get(tour_id=desk.terms.tour_id)
    is_transfer = rule.kind == PickupKind.TRANSFER
    fields = [("ride_from", _("From") if is_transfer else _("Pickup at"))]
    if is_transfer:
        fields.append(("ride_to", _("To")))
    zones = zones_with_places(rule)
    return [
        {
            "name": name,
            "label": label,
            "zones": zones,
            "chosen": desk.typed.texts[name],
            "text": desk.typed.texts[f"{name}_text"],
            "unlisted": rule.allows_unlisted,
            "is_transfer": is_transfer,
        }
        for name, label in fields
    ]


def _travellers(desk: Desk) -> list[dict[str, Any]]:
    """A row for each guest: those of a category keep what was typed, whatever number comes and goes."""
    if desk.terms is None:
        return []
    typed_by_category: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in desk.typed.travellers:
        typed_by_category[row["category"]].append(row)
    rows: list[dict[str, Any]] = []
    for code, price in desk.terms.prices.items():
        known = typed_by_category[code]
        for place in range(min(desk.typed.party.get(code, 0), 30)):
            written = known[place] if place < len(known) else {"first_name": "", "last_name": "", "age": ""}
            rows.append(written | {"category": code, "label": getattr(price, f"label_{language_now()}")})
    for place, shown in enumerate(rows):
        shown["faults"] = desk.typed.faults.get(f"traveller-{place}", [])
    return rows
