"""Moving a booking to another departure of its tour. The old seats are kept until the new ones are won.

The price is that of the new departure today, or with `keep_price` stays what was agreed: then only date and seats change. What
is missing becomes due, what is too much goes back (`payments`, on `booking.moved`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from accounts.audit import record
from bookings import pricing
from bookings.errors import (
    BookingEnded,
    DearerAfterRefund,
    HoldExpired,
    MoveByStaffOnly,
    NotMovable,
    OtherTour,
    PriceChanged,
)
from bookings.models import Booking, BookingItem, BookingStatus, Hold, HoldStatus
from bookings.partners import partner_of
from bookings.services.attendance import forget_absences
from bookings.services.bookings import OVER, note
from bookings.services.cancellation import cancellation_terms
from bookings.services.dues import is_due_on_the_day, write_due
from bookings.services.expiry import let_go_overdue
from bookings.services.extras import release_extras
from bookings.services.holds import take_plainly
from bookings.services.locks import free_seats, holds_of, lock_all, lock_booking, move_seats
from bookings.services.returns import goes_back, has_gone_back
from bookings.services.settlement import payment_state, record_payment
from ledger.money import amount_text
from notifications.outbox import announce
from tours.caching import seats_changed
from tours.errors import DepartureNotFound
from tours.models import Departure
from tours.prices import load_terms

MOVABLE = frozenset({BookingStatus.PENDING_PAYMENT, BookingStatus.CONFIRMED})


@dataclass(frozen=True)
class MoveTerms:
    """What moving would mean. Amounts are major units of the booking's currency; `quote` is the one that would be stored."""

    booking: Booking
    departure: Departure
    quote: dict[str, Any]
    keeps_price: bool

    @property
    def total(self) -> Decimal:
        return Decimal(self.quote["total"])

    @property
    def difference(self) -> Decimal:
        """How much dearer the new departure is; below zero where it is cheaper."""
        return self.total - self.booking.total

    @property
    def to_pay(self) -> Decimal:
        """What would be due afterwards; nothing where money went back already, as `Booking.amount_due` says."""
        if self.booking.amount_refunded > 0:
            return Decimal(0)
        return max(self.total - self.booking.amount_kept, Decimal(0))

    @property
    def refund(self) -> Decimal:
        """What would go back because of this move."""
        return goes_back(self.booking, self.total)


def move_terms(booking: Booking, departure_id: UUID, *, actor: Any, keep_price: bool = False) -> MoveTerms:
    """What moving the booking there would mean, for staff (`bookings.change_booking`) or its customer. It changes nothing.

    Raises `BookingEnded`, `NotMovable`, `HoldExpired`, `MoveByStaffOnly`, `DepartureNotFound`, `OtherTour`,
    `DearerAfterRefund`, and what `pricing.quote` raises.
    """
    refuse_unless_movable(booking)
    if not is_clerk(actor):
        if keep_price:
            raise MoveByStaffOnly(reference=booking.reference)
        _refuse_where_it_costs(booking)
    return _terms(booking, departure_id, actor, keep_price)


def refuse_unless_movable(booking: Booking) -> None:
    """Raises `BookingEnded`, `NotMovable`, `HoldExpired`."""
    if booking.status in OVER:
        raise BookingEnded(reference=booking.reference)
    if booking.status not in MOVABLE or booking.begins_by <= now():
        raise NotMovable(reference=booking.reference, status=booking.get_status_display())
    if booking.expires_at is not None and booking.expires_at <= now():
        raise HoldExpired


def is_clerk(actor: Any) -> bool:
    """Whether somebody may move bookings that are not their own."""
    return actor is not None and bool(actor.has_perm("bookings.change_booking"))


def _refuse_where_it_costs(booking: Booking) -> None:
    """Who cannot cancel for free cannot move either: a move to a distant day would be the way around the policy."""
    if Decimal(cancellation_terms(booking)["percent"]) < 100:
        raise MoveByStaffOnly(reference=booking.reference)


def _terms(booking: Booking, departure_id: UUID, actor: Any, keep_price: bool) -> MoveTerms:
    departure = Departure.objects.select_related("tour__destination", "option").filter(pk=departure_id).first()
    if departure is None:
        raise DepartureNotFound
    if str(departure.tour_id) != booking.quote["tour_id"]:
        raise OtherTour(reference=booking.reference)
    quote = kept_quote(booking, departure) if keep_price else _new_quote(booking, departure_id, actor).as_json()
    terms = MoveTerms(booking, departure, quote, keep_price)
    if terms.difference > 0 and has_gone_back(booking):
        raise DearerAfterRefund(reference=booking.reference)
    return terms


def kept_quote(booking: Booking, departure: Departure) -> dict[str, Any]:
    """The quote as it was agreed, for another departure."""
    option, tour = departure.option, departure.tour
    return {
        **booking.quote,
        "departure_id": str(departure.pk),
        "option_id": str(option.pk),
        "option": {"en": option.name_en, "ar": option.name_ar},
        "title": {"en": tour.title_en, "ar": tour.title_ar or tour.title_en},
        "starts_at": departure.starts_at.isoformat(),
        "ends_at": departure.ends_at.isoformat(),
        "time_zone": tour.destination.time_zone,
        "any_time": departure.any_time,
        "deposit": pricing.shifted_deposit(
            booking.quote.get("deposit"), departure.starts_at - booking.starts_at, departure.starts_at
        ),
        "pickup": pricing.shifted_pickup(booking.quote.get("pickup"), departure.starts_at - booking.starts_at),
    }


def _new_quote(booking: Booking, departure_id: UUID, actor: Any) -> pricing.Quote:
    terms = load_terms(departure_id)
    if is_clerk(actor):  # staff sell until the start, and what is not shown to the public
        last = terms.ends_at if terms.any_time else terms.starts_at
        terms = replace(terms, cutoff_at=last, partner_cutoff_at=None, opens_at=None, on_sale=True)
    return pricing.quote(
        departure_id=departure_id,
        **pricing.asked_again(booking.quote),
        customer=booking.agent or booking.customer,  # members and partners keep their prices, whoever moves it
        terms=terms,
    )


@transaction.atomic
def move_booking(
    *,
    booking_id: UUID,
    departure_id: UUID,
    actor: Any,
    reason: str = "",
    keep_price: bool = False,
    fingerprint: str = "",
) -> Booking:
    """Move a booking to another departure of its tour, for staff or its customer. Safe to repeat.

    With `fingerprint`, that of the quote which was shown, another price is refused. Raises what `move_terms` raises,
    `BookingNotFound`, `PriceChanged`, `SeatsUnavailable`, `DepartureClosed`, `NotOnSaleYet`, `CutoffPassed`.
    """
    booking = _lock(booking_id, departure_id)
    if _item_of(booking).departure_id == departure_id:
        return booking
    terms = move_terms(booking, departure_id, actor=actor, keep_price=keep_price)
    if fingerprint and fingerprint != terms.quote["fingerprint"]:
        raise PriceChanged(details={"quote": pricing.in_words(terms.quote)})
    return _move(terms, actor=actor, reason=reason, late=is_clerk(actor))


@transaction.atomic
def move_for_the_operator(*, booking_id: UUID, departure_id: UUID, actor: Any, reason: str) -> Booking:
    """Move a booking because of us: at the price that was agreed, whatever the policy and the cut-off say. Safe to repeat.

    `actor` is the guest (None) who chose it, or staff. The guest reads the reason, in their language.

    Raises `BookingNotFound`, `BookingEnded`, `NotMovable`, `HoldExpired`, `DepartureNotFound`, `OtherTour`, `SeatsUnavailable`,
    `DepartureClosed`.
    """
    booking = _lock(booking_id, departure_id)
    if _item_of(booking).departure_id == departure_id:
        return booking
    refuse_unless_movable(booking)
    return _move(_terms(booking, departure_id, actor, True), actor=actor, reason=reason, late=True, tell=reason)


def _lock(booking_id: UUID, departure_id: UUID) -> Booking:
    """The booking, after its departures and the new one, all by id."""
    own = BookingItem.objects.filter(booking_id=booking_id, departure__isnull=False).values_list(
        "departure_id", flat=True
    )
    lock_all(Departure.objects.filter(pk__in={*own, departure_id}), extras_follow=True)
    let_go_overdue(departure_id)
    return lock_booking(booking_id)


def _item_of(booking: Booking) -> BookingItem:
    items = list(booking.items.filter(departure__isnull=False).select_related("departure", "hold")[:2])
    if len(items) != 1:
        raise NotMovable(reference=booking.reference, status=booking.get_status_display())
    return items[0]


def _move(terms: MoveTerms, *, actor: Any, reason: str, late: bool, tell: str = "") -> Booking:
    booking, quote, refund = terms.booking, terms.quote, terms.refund
    item, (old,) = _item_of(booking), holds_of(booking)
    was_booked, before = old.status == HoldStatus.CONVERTED, booking.starts_at
    hold = Hold(
        departure_id=terms.departure.pk,
        customer_id=old.customer_id,
        token_hash=old.token_hash,
        seats=quote["seats"],
        quote=quote,
        extensions=old.extensions,
        expires_at=old.expires_at,
    )
    release_extras(old)  # of the same day: they are the same; where the new seats are not won, nothing of this happens
    hold.partner = partner_of(
        booking.agent or booking.customer
    )  # what is kept for them is there for their guests who move, too
    hold.by_partner = not late and partner_of(actor) is not None
    take_plainly(hold, None, late=late)
    if was_booked:
        hold.move_to(HoldStatus.CONVERTED)
        move_seats(hold.departure_id, held=-hold.seats, booked=hold.seats)
    item.departure, item.hold = terms.departure, hold
    item.title_en, item.title_ar = _title(quote, "en"), _title(quote, "ar")
    item.seats, item.amount = hold.seats, terms.total
    item.save(update_fields=["departure", "hold", "title_en", "title_ar", "seats", "amount"])
    old.move_to(HoldStatus.RELEASED)
    free_seats(old, booked=was_booked)
    if before <= now():  # it was open already, and some may be marked as not coming there
        forget_absences(booking, actor=actor, reason="moved")
    told = _in_history(terms, before)
    _rewrite(booking, terms)
    note(booking.pk, "moved", actor, told, reason)
    record("bookings.booking.moved", booking, actor=actor, before={"starts_at": before}, after=told, reason=reason)
    for tour_id in {UUID(old.quote["tour_id"]), terms.departure.tour_id}:
        transaction.on_commit(partial(seats_changed, tour_id))
    if booking.status == BookingStatus.PENDING_PAYMENT:
        record_payment(booking_id=booking.pk, paid=booking.amount_paid, refunded=booking.amount_refunded, actor=actor)
        booking.refresh_from_db()
    announce("booking.moved", booking, refund=amount_text(refund, booking.currency), reason=tell, **told)
    return booking


def _rewrite(booking: Booking, terms: MoveTerms) -> None:
    quote, on_the_day = terms.quote, is_due_on_the_day(booking)
    was_covered = booking.amount_kept >= booking.total
    booking.quote, booking.total = quote, terms.total
    booking.starts_at = datetime.fromisoformat(quote["starts_at"])
    booking.ends_at = datetime.fromisoformat(quote["ends_at"])
    fields = ["quote", "total", "starts_at", "ends_at"]
    if booking.status == BookingStatus.CONFIRMED:
        booking.payment_status = payment_state(booking.total, booking.amount_paid, booking.amount_refunded)
        fields.append("payment_status")
    booking.save(update_fields=[*fields, *write_due(booking, was_covered=was_covered, on_the_day=on_the_day)])


def _in_history(terms: MoveTerms, before: datetime) -> dict[str, Any]:
    told = {"from": before.isoformat(), "to": terms.quote["starts_at"], "time_zone": terms.quote["time_zone"]}
    if terms.difference:
        told |= {"difference": amount_text(terms.difference, terms.booking.currency)}
    return told


def _title(quote: Mapping[str, Any], language: str) -> str:
    return f"{quote['title'][language]} · {quote['option'][language]}"[:320]
