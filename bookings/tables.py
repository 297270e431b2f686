"""Bookings as a table, for accountants and spreadsheets. Outward only: a booking is made by its service."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import F

from bookings import wording
from bookings.models import BookingItem
from ledger.money import amount_text

BOOKING_COLUMNS = (
    *("reference", "status", "payment_status", "source", "tour", "option", "starts_at", "guests", "party"),
    *("contact_name", "contact_email", "contact_phone", "language", "customer", "agent"),
    *("currency", "total", "paid", "refunded", "due", "made_at", "confirmed_at", "cancelled_at"),
    *("special_requests", "dietary_needs", "accessibility_needs", "pickup", "staff_note"),
)


def bookings_table(date_from: date, date_to: date) -> Iterator[list[Any]]:
    """A line for each item whose departure is on these local days, in the order of `BOOKING_COLUMNS`. Times are local."""
    items = (
        BookingItem.objects.filter(departure__local_date__range=(date_from, date_to))
        .select_related("booking__customer", "booking__agent")
        .annotate(option_code=F("departure__option__code"))
        .order_by("departure__starts_at", "booking__reference")
    )
    for item in items.iterator(chunk_size=2000):
        booking = item.booking
        zone = booking.quote["time_zone"]

        def local(moment: Any, zone: str = zone) -> str:
            return f"{wording.local(moment, zone):%Y-%m-%d %H:%M}" if moment else ""

        yield [
            *(booking.reference, booking.status, booking.payment_status, booking.source),
            *(item.title_en, item.option_code, local(booking.starts_at), booking.guests),
            wording.party_in_words(booking, "en"),
            *(booking.contact_name, booking.contact_email, str(booking.contact_phone), booking.language),
            *(str(booking.customer or ""), str(booking.agent or ""), booking.currency),
            *(
                amount_text(amount, booking.currency)
                for amount in (booking.total, booking.amount_paid, booking.amount_refunded, booking.amount_due)
            ),
            *(local(booking.created_at), local(booking.confirmed_at), local(booking.cancelled_at)),
            *(booking.special_requests, booking.dietary_needs, booking.accessibility_needs, booking.pickup),
            booking.staff_note,
        ]
