"""A booking taken on the phone: made and settled in one transaction, so that nothing is half done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from bookings.models import Booking, BookingItem
from bookings.services import confirm_booking, create_booking, name_travellers, write_staff_note
from payments.errors import DeskMayNot
from payments.services.attempts import amount_asked
from payments.services.cash import take_cash
from payments.services.links import send_payment_link

# What a way of settling asks for.
PERMISSIONS = {"cash": "payments.take_cash", "link": "bookings.change_booking", "later": "bookings.confirm"}


@dataclass(frozen=True)
class Settling:
    """How a phone booking is paid: `cash` with its receipt, a `link` by mail, or `later` with a reason.

    With `deposit` only that is taken over the counter; a link lets the customer choose.
    """

    way: str
    receipt: str = ""
    reason: str = ""
    deposit: bool = False


@transaction.atomic
def book_by_phone(
    *,
    hold_id: UUID,
    contact: Mapping[str, str],
    settling: Settling,
    actor: Any,
    customer_id: UUID | None = None,
    travellers: Sequence[Mapping[str, Any]] = (),
    details: Mapping[str, Any] | None = None,
    language: str = "en",
    staff_note: str = "",
    age_reason: str = "",
) -> Booking:
    """Book what the clerk's hold keeps, for the caller, and settle it as agreed; all or nothing.

    `travellers` may be fewer than were priced, and with `age_reason` of other ages than their categories'. Asked again for the
    same hold, it returns the booking that the first made.
    Raises `DeskMayNot`, and what `create_booking`, `name_travellers`, `take_cash`, `send_payment_link` and `confirm_booking`
    raise.
    """
    if not actor.has_perm(PERMISSIONS[settling.way]):
        raise DeskMayNot
    made = (
        BookingItem.objects.filter(hold_id=hold_id, booking__created_by_id=actor.pk).select_related("booking").first()
    )
    if made is not None:
        return made.booking
    booking = create_booking(
        hold_id=hold_id,
        contact=contact,
        details=details,
        language=language,
        customer_id=customer_id,
        actor=actor,
    )
    if travellers:
        name_travellers(booking_id=booking.pk, travellers=travellers, actor=actor, age_reason=age_reason)
    if staff_note:
        write_staff_note(booking_id=booking.pk, text=staff_note, actor=actor)
    if booking.amount_due > 0:
        settle(booking, settling, actor)
    return Booking.objects.get(pk=booking.pk)


def settle(booking: Booking, settling: Settling, actor: Any) -> None:
    """Have a booking paid in cash, asked for by link, or confirmed unpaid. Raises `DeskMayNot` and what these raise."""
    if not actor.has_perm(PERMISSIONS[settling.way]):
        raise DeskMayNot
    if settling.way == "cash":
        amount = amount_asked(booking, settling.deposit)
        take_cash(booking_id=booking.pk, amount=amount, receipt=settling.receipt, actor=actor)
    elif settling.way == "link":
        send_payment_link(booking_id=booking.pk, actor=actor)
    else:
        confirm_booking(booking_id=booking.pk, actor=actor, reason=settling.reason)
