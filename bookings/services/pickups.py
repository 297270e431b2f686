"""Fetching a party elsewhere than was booked: until the tour's cut-off, with the difference in price charged or given back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from bookings.errors import BookingEnded, DearerPickupAfterRefund, DifferenceChanged, NoRide, PickupFixed
from bookings.models import Booking, BookingItem, BookingStatus, Hold
from bookings.pricing import fingerprint_of_stored
from bookings.services.bookings import note
from bookings.services.dues import write_due
from bookings.services.locks import lock_booking
from bookings.services.returns import goes_back, has_gone_back
from bookings.services.settlement import record_payment
from ledger.money import amount_text, round_money
from ledger.rates import rate_on
from notifications.outbox import announce
from tours.models import PickupRule
from tours.pickups import Ride, ride_of
from tours.prices import ride_line

CHANGEABLE = (BookingStatus.PENDING_PAYMENT, BookingStatus.CONFIRMED)


def changed_quote(booking: Booking, ride: Ride | None) -> dict[str, Any]:
    """The booking's quote with another ride: its other lines as they were agreed, fee and taxes following the difference."""
    quote, currency = booking.quote, booking.currency
    lines, fees = _apart(quote["lines"])
    kept = [line for line in lines if not line["rule"].startswith(("pickup:", "transfer:"))]
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
    sold = kept + made
    changed_fees = [_fee_after(line, _sum(sold), currency) for line in fees]
    more, more_fee = _sum(sold) - _sum(lines), _sum(changed_fees) - _sum(fees)
    taxes = [
        _tax_after(line, quote["tax_lines"], more, more_fee, currency, is_on_fee=line.get("on_fee", True))
        for line in quote["tax_lines"]
    ]
    total = _sum(sold + changed_fees) + _sum([line for line in taxes if not line["inclusive"]])
    changed = {
        **quote,
        "lines": sold + changed_fees,
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


def _apart(lines: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is sold, and the fee on it."""
    fees = [line for line in lines if line["rule"].startswith("fee:")]
    return [line for line in lines if line not in fees], fees


def _sum(lines: Sequence[Mapping[str, Any]]) -> Decimal:
    return sum((Decimal(line["amount"]) for line in lines), Decimal(0))


def _fee_after(line: dict[str, Any], sold: Decimal, currency: str) -> dict[str, Any]:
    """The fee on what is sold by then; one that is an amount stays, as does one of before its percent was kept."""
    if "percent" not in line:
        return line
    amount = amount_text(round_money(sold * Decimal(line["percent"]) / 100, currency), currency)
    return {**line, "unit": amount, "amount": amount}


def _tax_after(
    line: dict[str, Any],
    taxes: Sequence[Mapping[str, Any]],
    more: Decimal,
    more_fee: Decimal,
    currency: str,
    *,
    is_on_fee: bool,
) -> dict[str, Any]:
    """A tax on what price and fee have become by these differences; those that prices contain are contained together."""
    contained = [tax for tax in taxes if tax["inclusive"]] if line["inclusive"] else []
    on_lines = 100 + sum((Decimal(tax["percent"]) for tax in contained), Decimal(0))
    on_fee = 100 + sum((Decimal(tax["percent"]) for tax in contained if tax.get("on_fee", True)), Decimal(0))
    share = more / on_lines + (more_fee / on_fee if is_on_fee else Decimal(0))
    amount = Decimal(line["amount"]) + round_money(share * Decimal(line["percent"]), currency)
    return {**line, "amount": amount_text(amount, currency)}


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
    `DearerPickupAfterRefund`, `DifferenceChanged`, and what `tours.pickups.ride_of` raises.
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
    total, was_covered = Decimal(quote["total"]), booking.amount_kept >= booking.total
    refund = amount_text(goes_back(booking, total), booking.currency)
    has_day = not was_covered and (bool(quote["deposit"]) or booking.deposit_amount is None)
    booking.quote, booking.total = quote, total
    columns = [] if has_day else write_due(booking, was_covered=was_covered)
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
    announce("booking.pickup_changed", booking, event=str(line.pk), refund=refund)
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
    difference = Decimal(quote["total"]) - booking.total
    if difference > 0 and has_gone_back(booking):
        raise DearerPickupAfterRefund(reference=booking.reference)
    return quote, difference
