"""The manifest as a table for spreadsheets."""

from django.utils.translation import gettext as _

from bookings.selectors import Manifest
from config.tables import csv_lines


def manifest_csv(manifest: Manifest) -> bytes:
    """A row for each booking; who waits for payment last."""
    header = [
        _("Booking"),
        _("Contact"),
        _("Phone"),
        _("Language"),
        _("Guests"),
        _("Party"),
        _("Travellers"),
        _("Status"),
        _("Paid"),
        _("Still to pay"),
        _("Came"),
        _("Did not come"),
        _("Checked in at"),
        _("Pickup"),
        _("Flight"),
        _("Extras"),
        _("Dietary needs"),
        _("Accessibility"),
        _("Special requests"),
        _("Note for staff"),
        _("Emergency contact"),
    ]
    rows = []
    for party in [*manifest.expected, *manifest.unconfirmed]:
        booking = party.booking
        came = [step for step in party.steps if step.action == "CAME"]
        rows.append(
            [
                booking.reference,
                booking.contact_name,
                str(booking.contact_phone),
                party.language,
                party.guests,
                party.words,
                "; ".join(party.names),
                booking.get_status_display(),
                party.paid,
                party.due,
                party.came,
                party.absent,
                came[-1].time if came else "",
                party.pickup,
                party.flight,
                party.extras,
                booking.dietary_needs,
                booking.accessibility_needs,
                booking.special_requests,
                booking.staff_note,
                party.emergency,
            ]
        )
    return b"".join(csv_lines(header, rows))
