"""Changes of what many tours share: destinations, categories, price categories, policies, taxes."""

from uuid import UUID

from django.db.models import Model

from notifications.models import Event
from notifications.outbox import announce
from tours.models import Departure, Destination
from tours.services.departures import refuse_departures_to_come


def reference_changed(row: Model) -> Event:
    """Announce `catalogue.changed`: what every tour shows of it is out of date. Called in the transaction of the change."""
    return announce("catalogue.changed", row)


def refuse_moved_zone(destination_id: UUID, time_zone: str) -> None:
    """Raise `ScheduleFixed` if the time zone differs from the stored one while departures there are still to come."""
    if not Destination.objects.filter(pk=destination_id).exclude(time_zone=time_zone).exists():
        return
    refuse_departures_to_come(Departure.objects.filter(tour__destination=destination_id).upcoming())
