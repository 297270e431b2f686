"""Asking a customer to pay: a mail with a link to a page that takes any way to pay we offer."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import transaction

from bookings.errors import HoldBooked, HoldExpired, HoldNotFound, HoldReleased, NoMoreExtensions
from bookings.models import Booking
from bookings.services import extend_hold, lock_booking, note
from notifications.outbox import announce
from payments.services.attempts import refuse_unpayable
from payments.services.ways import ways_by_link


@transaction.atomic
def send_payment_link(*, booking_id: UUID, actor: Any) -> Booking:
    """Mail the booking's contact a link to pay by, in the booking's language; sent again, it is another mail.

    The time to pay begins anew where the hold may still be extended; the link works until it is over.
    Raises `BookingNotFound`, `BookingEnded`, `TimeToPayOver`, `NothingDue`, `NoWayToPay`.
    """
    booking = lock_booking(booking_id)
    refuse_unpayable(booking)
    ways_by_link(booking)
    for hold_id in booking.items.filter(hold__isnull=False).order_by("departure_id").values_list("hold_id", flat=True):
        with suppress(NoMoreExtensions, HoldBooked, HoldExpired, HoldNotFound, HoldReleased):
            extend_hold(hold_id=hold_id, actor=actor)
    line = note(booking_id=booking.pk, action="payment_link_sent", actor=actor)
    announce("booking.payment_link_asked", booking, event=str(line.pk))
    return Booking.objects.get(pk=booking.pk)
