"""The trip as an entry for people's calendars (RFC 5545)."""

from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override
from icalendar import Alarm, Calendar, Event, vCalAddress, vGeo, vText

from bookings import wording
from bookings.models import Booking
from config.i18n import in_language
from config.tenancy import tenant_at_hand
from tours.models import Departure


def calendar_ics(booking: Booking, language: str) -> bytes:
    """One event per departure, in UTC, with a reminder a day and two hours before. Its UID never changes."""
    tenant = tenant_at_hand()
    calendar = Calendar()
    calendar.add("prodid", "-//Rihla//Bookings//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    host = urlsplit(settings.PUBLIC_URL).hostname
    organizer = vCalAddress(f"mailto:{tenant.email or settings.DEFAULT_FROM_EMAIL.rpartition('<')[2].strip('>')}")
    organizer.params["CN"] = vText(in_language(tenant, "name", language))
    moves = booking.events.filter(action="moved").count()
    with override(language):
        for item in booking.items.all():
            if item.departure is None:
                continue
            tour, title = item.departure.tour, booking.quote["title"][language]
            event = Event()
            event.add("uid", f"{item.pk}@{host}")
            event.add("dtstamp", booking.confirmed_at or booking.created_at)
            event.add("sequence", moves)  # a calendar takes the later entry in place of the one before
            _add_times(event, item.departure)
            event.add("summary", title)
            pickup = wording.pickup_in_words(booking, language) if booking.quote.get("pickup") else ""
            event.add("location", pickup or in_language(tour, "meeting_point", language))
            event["geo"] = vGeo((float(tour.destination.latitude), float(tour.destination.longitude)))
            event.add("description", _description(booking, item.departure, language))
            event.add("status", "CONFIRMED")
            event["organizer"] = organizer
            for before in (timedelta(days=1), timedelta(hours=2)) if not item.departure.any_time else ():
                event.add_component(_alarm(title, before))
            calendar.add_component(event)
    return calendar.to_ical()


def _add_times(event: Event, departure: Departure) -> None:
    """In UTC; what is for any time of a day is an entry for the whole day, so that the day stays free."""
    if not departure.any_time:
        event.add("dtstart", departure.starts_at)
        event.add("dtend", departure.ends_at)
        return
    event.add("dtstart", departure.local_date)
    event.add("dtend", departure.local_date + timedelta(days=1))
    event.add("transp", "TRANSPARENT")


def _description(booking: Booking, departure: Departure, language: str) -> str:
    hours = [wording.start_in_words(booking, language)] if departure.any_time else []
    return "\n".join(
        [
            _("Booking {reference}").format(reference=booking.reference),
            *hours,
            wording.party_in_words(booking, language),
            booking.contact_name,
        ]
    )


def _alarm(title: str, before: timedelta) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", -before)
    return alarm
