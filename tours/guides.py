"""What guides see without signing in: their answer to a departure, and their calendar, both behind signed addresses."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import override
from icalendar import Calendar, Event

from config.i18n import in_language
from config.tenancy import tenant_at_hand, tenant_id_or_raise
from notifications.mail import site_url
from tours.errors import EngagementNotFound
from tours.models import Engagement, EngagementState, Resource

SALT = "tours.guide"
PAST = timedelta(days=30)  # so long a departure stays in the calendar
STATUS = {
    EngagementState.ACCEPTED: "CONFIRMED",
    EngagementState.ASSIGNED: "TENTATIVE",
}


def token_of(resource: Resource) -> str:
    """The secret part of a guide's addresses. Raising `link_version` makes all of them worthless. Nothing is stored."""
    content = resource.pk.bytes + tenant_id_or_raise().bytes + resource.link_version.to_bytes(4, "big")
    return signing.Signer(salt=SALT).sign(urlsafe_b64encode(content).rstrip(b"=").decode())


def opened_by(token: str) -> tuple[UUID, UUID, int]:
    """Resource, tenant and version that a token names. Raises `EngagementNotFound` for a forged one."""
    try:
        text = signing.Signer(salt=SALT).unsign(token)
        content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return UUID(bytes=content[:16]), UUID(bytes=content[16:32]), int.from_bytes(content[32:], "big")
    except (signing.BadSignature, ValueError) as fault:
        raise EngagementNotFound from fault


def page_address(resource: Resource) -> str:
    return f"{site_url(tenant_at_hand())}/g/{token_of(resource)}"


def calendar_address(resource: Resource) -> str:
    return f"{page_address(resource)}/calendar.ics"


def work_of(resource: Resource) -> Any:
    """What a guide was asked for or accepted, from a month ago on, in order of time."""
    return (
        Engagement.objects.filter(resource=resource, state__in=list(STATUS), departure__ends_at__gt=now() - PAST)
        .select_related("departure__tour__destination", "departure__option")
        .order_by("departure__starts_at")
    )


def calendar_of(resource: Resource) -> bytes:
    """An iCalendar feed (RFC 5545) of the guide's departures, to be subscribed to."""
    calendar = Calendar()
    calendar.add("prodid", "-//Rihla//Guides//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", f"{in_language(tenant_at_hand(), 'name', resource.language)} · {resource}")
    host = urlsplit(settings.PUBLIC_URL).hostname
    with override(resource.language):
        for each in work_of(resource):
            departure = each.departure
            event = Event()
            event.add("uid", f"{each.pk}@{host}")
            event.add("dtstamp", each.answered_at or each.made_at)
            event.add("dtstart", departure.starts_at)
            event.add("dtend", departure.ends_at)
            event.add("summary", in_language(departure.tour, "title"))
            event.add("location", in_language(departure.tour, "meeting_point"))
            guests = departure.seats_booked
            event.add(
                "description",
                f"{in_language(departure.option, 'name')} · {_('Guests booked: {n}').format(n=guests)}",
            )
            event.add("status", STATUS[EngagementState(each.state)])
            calendar.add_component(event)
    return bytes(calendar.to_ical())
