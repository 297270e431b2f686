"""Fetching a party elsewhere than was booked: until the tour's cut-off, with the difference in price charged or given back."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from bookings.errors import BookingEnded, DifferenceChanged, NoRide, PickupFixed
from bookings.models import Booking, BookingItem, BookingStatus, Hold
from bookings.pricing import fingerprint_of_stored
from bookings.services.bookings import note
from bookings.services.drafts import deposit_columns
from bookings.services.locks import lock_booking
from bookings.services.settlement import record_payment
from ledger.money import amount_text, round_money
from ledger.rates import rate_on
from notifications.outbox import announce
from tours.models import PickupRule
from tours.pickups import Ride, ride_of
from tours.prices import ride_line

CHANGEABLE = (BookingStatus.PENDING_PAYMENT, BookingStatus.CONFIRMED)


def changed_quote(booking: Booking, ride: Ride | None) -> dict[str, Any]:
    """The booking's quote with another ride: its other lines as they were agreed, its taxes following the difference."""
    quote, currency = booking.quote, booking.currency
    kept = [line for line in quote["lines"] if not line["rule"].startswith(("pickup:", "transfer:"))]
    before = sum((Decimal(line["amount"]) for line in quote["lines"]), Decimal(0))
    starts_at = datetime.fromisoformat(quote["starts_at"])
    made = []
    if ride is not None:
        line = ride_line(ride.converted(currency, _rate(booking)), sum(quote["guests"].values()), currency)
        made = [
            {
                "code": line.code,
                "rule": line.rule,
                "label_en": line.label_en,
                "label_ar": line.label_ar,
                "quantity": line.quantity,
                "unit": amount_text(line.unit, currency),
                "amount": amount_text(line.amount, currency),
                "was": None,
                "because": [],
            }
        ]
    after = sum((Decimal(line["amount"]) for line in kept + made), Decimal(0))
    contained = sum((Decimal(line["percent"]) for line in quote["tax_lines"] if line["inclusive"]), Decimal(0))
    taxes = [_tax_after(line, after - before, contained, currency) for line in quote["tax_lines"]]
    added = sum((Decimal(line["amount"]) for line in taxes if not line["inclusive"]), Decimal(0))
    total = after + added
    changed = {
        **quote,
        "lines": kept + made,
        "tax_lines": taxes,
        "total": amount_text(total, currency),
        "pickup": ride.as_json(starts_at) if ride else None,
        "deposit": _deposit_after(quote.get("deposit"), total, currency),
    }
    return changed | {"fingerprint": fingerprint_of_stored(changed)}


def _rate(booking: Booking) -> Decimal:
    """The rate that was fixed with the price; today's, where the price was listed in the booking's own currency."""
    home = booking.trip.tour.currency_id
    if home == booking.currency:
        return Decimal(1)
    if booking.quote["price_list_currency"] == home:
        return Decimal(booking.quote["rate"])
    return rate_on(home, booking.currency)


def _tax_after(line: Mapping[str, Any], difference: Decimal, contained: Decimal, currency: str) -> dict[str, Any]:
    """A tax on what the price has become: `contained` are the percents of all taxes that prices contain."""
    base = 100 + contained if line["inclusive"] else Decimal(100)
    more = round_money(difference * Decimal(line["percent"]) / base, currency)
    return {**line, "amount": amount_text(Decimal(line["amount"]) + more, currency)}


def _deposit_after(deposit: Mapping[str, Any] | None, total: Decimal, currency: str) -> dict[str, Any] | None:
    """The deposit stays what it was; the difference is the balance's. Where nothing is left of that, all is due at once."""
    if not deposit or Decimal(deposit["amount"]) >= total:
        return None
    return {**deposit, "balance": amount_text(total - Decimal(deposit["amount"]), currency)}


def pickup_change(
    *,
    booking_id: UUID,
    pickup: Mapping[str, Any] | None = None,
    transfer: Mapping[str, Any] | None = None,
    actor: Any = None,
) -> tuple[dict[str, Any], Decimal]:
    """What the quote would be, and by how much the total would change. It changes nothing. Raises as `change_pickup`."""
    booking = Booking.objects.for_display().get(pk=booking_id)
    refuse_unless_changeable(booking, actor)
    return _wanted(booking, pickup, transfer)


@transaction.atomic
def change_pickup(
    *,
    booking_id: UUID,
    pickup: Mapping[str, Any] | None = None,
    transfer: Mapping[str, Any] | None = None,
    expected_difference: Decimal | None = None,
    actor: Any = None,
) -> Booking:
    """Fetch the party elsewhere. What it costs more is due (`amount_due`), what was paid too much goes back.

    With `expected_difference`, what the caller was shown, another one is refused. Staff who may change bookings may do it
    after the tour's cut-off too, until the start. Raises `BookingNotFound`, `BookingEnded`, `NoRide`, `PickupFixed`,
    `DifferenceChanged`, and what `tours.pickups.ride_of` raises.
    """
    booking = lock_booking(booking_id)
    refuse_unless_changeable(booking, actor)
    before = booking.quote.get("pickup")
    quote, difference = _wanted(booking, pickup, transfer)
    if expected_difference is not None and expected_difference != difference:
        shown = amount_text(difference, booking.currency)
        raise DifferenceChanged(difference=shown, currency=booking.currency, details={"difference": shown})
    if quote == booking.quote:
        return booking
    booking.quote, booking.total = quote, Decimal(quote["total"])
    columns = deposit_columns(quote) if not quote["deposit"] and booking.deposit_amount is not None else {}
    for name, value in columns.items():
        setattr(booking, name, value)
    booking.save(update_fields=["quote", "total", *columns])
    item = BookingItem.objects.get(booking=booking, departure__isnull=False)
    BookingItem.objects.filter(pk=item.pk).update(amount=booking.total)
    Hold.objects.filter(pk=item.hold_id).update(quote=quote)
    line = note(
        booking_id=booking.pk,
        action="pickup_changed",
        actor=actor,
        data={
            "from": before["name_en"] if before else "",
            "to": quote["pickup"]["name_en"] if quote["pickup"] else "",
            "amount": amount_text(difference, booking.currency),
            "currency": booking.currency,
        },
    )
    too_much = max(booking.amount_kept - booking.total, Decimal(0))
    announce("booking.pickup_changed", booking, event=str(line.pk), refund=amount_text(too_much, booking.currency))
    record_payment(booking_id=booking.pk, paid=booking.amount_paid, refunded=booking.amount_refunded, actor=actor)
    return Booking.objects.get(pk=booking.pk)


def refuse_unless_changeable(booking: Booking, actor: Any) -> None:
    """Raises `BookingEnded`, `NoRide`, `PickupFixed`."""
    if booking.status not in CHANGEABLE:
        raise BookingEnded(reference=booking.reference)
    rule = PickupRule.objects.filter(tour_id=booking.trip.tour_id).first()
    if rule is None:
        raise NoRide(reference=booking.reference)
    is_clerk = actor is not None and actor.has_perm("bookings.change_booking")
    until = booking.starts_at - timedelta(minutes=0 if is_clerk else rule.change_until_minutes)
    if until <= now():
        raise PickupFixed(reference=booking.reference)


def _wanted(
    booking: Booking, pickup: Mapping[str, Any] | None, transfer: Mapping[str, Any] | None
) -> tuple[dict[str, Any], Decimal]:
    departure = booking.trip
    ride = ride_of(tour_id=departure.tour_id, option_id=departure.option_id, pickup=pickup, transfer=transfer)
    quote = changed_quote(booking, ride)
    return quote, Decimal(quote["total"]) - booking.total
