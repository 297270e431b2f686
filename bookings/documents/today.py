"""The day as a table for spreadsheets."""

from django.utils.translation import gettext as _

from bookings.selectors import Day
from config.tables import csv_lines


def today_csv(day: Day) -> bytes:
    """A row for each departure."""
    header = [
        _("Date"),
        _("Time"),
        _("Tour"),
        _("Option"),
        _("Destination"),
        _("Status"),
        _("Guests"),
        _("Waiting for payment"),
        _("Held"),
        _("Capacity"),
        _("Came"),
        _("Did not come"),
        _("Paid"),
        _("Still to pay"),
        _("Red flags"),
        _("Requests"),
        _("Note for guests"),
    ]
    rows = [
        [
            row.start.date().isoformat(),
            row.time,
            row.title,
            row.option,
            row.city,
            row.status_words,
            row.guests,
            row.unpaid_guests,
            row.seats_held,
            row.capacity,
            row.came,
            row.absent,
            "; ".join(row.paid_words),
            "; ".join(row.due_words),
            "; ".join(f"{flag.reference} {flag.reason}".strip() for flag in row.flags),
            "; ".join(f"{booking.reference}: {text}" for _kind, booking, text in row.needs),
            row.note,
        ]
        for row in day.rows
    ]
    return b"".join(csv_lines(header, rows))
