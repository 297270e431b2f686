"""A guide on leave, a vehicle in the workshop; and the address of a guide's own page."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.translation import gettext as _

from accounts.audit import record
from config.errors import InvalidInput
from tours.errors import ResourcesMissing
from tours.models import Departure, Engagement, EngagementState, Resource
from tours.services.resources.free import lock_resources
from tours.services.resources.keeping import follow_seats
from tours.services.resources.spans import lock_resource, refusing_double_bookings, told

State = EngagementState
LONGEST_LEAVE = timedelta(days=366 * 2)


@transaction.atomic
def add_leave(
    *,
    resource_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    actor: Any,
    note: str = "",
    quantity: int | None = None,
) -> Engagement:
    """A guide is away, a vehicle in the workshop, equipment (some of it) out of order.

    What the system only kept is moved to others where it can be; raises `ResourceBusy` for what was asked or accepted,
    with where, and `ResourceNotFound`, `InvalidInput`.
    """
    if ends_at <= starts_at:
        raise InvalidInput(details={"ends_at": [_("This is before the beginning.")]})
    if ends_at - starts_at > LONGEST_LEAVE:
        raise InvalidInput(details={"ends_at": [_("Two years at most.")]})
    span = DateTimeTZRange(starts_at, ends_at)
    kept = Engagement.objects.filter(resource_id=resource_id, state=State.TENTATIVE, span__overlap=span)
    departures = sorted({each.departure_id for each in kept if each.departure_id})
    list(Departure.objects.select_for_update(no_key=True).filter(pk__in=departures).order_by("pk"))
    lock_resources(departures)
    resource = lock_resource(resource_id)
    if resource.is_whole:
        kept.delete()
    with refusing_double_bookings(resource):
        made = Engagement.objects.create(
            resource=resource,
            span=span,
            quantity=1 if resource.is_whole else min(quantity or resource.quantity, resource.quantity),
            is_whole=resource.is_whole,
            state=State.LEAVE,
            note=note.strip()[:300],
        )
    record("tours.engagement.leave", made, actor=actor, after=told(made))
    for departure_id in departures if resource.is_whole else ():
        try:
            with transaction.atomic():
                follow_seats(departure_id)
        except ResourcesMissing:  # it shows as a red flag; being away is a fact all the same
            continue
    return made


@transaction.atomic
def renew_address(*, resource_id: UUID, actor: Any) -> Resource:
    """Make the addresses of a guide's page and calendar worthless; there are new ones. Raises `ResourceNotFound`."""
    resource = lock_resource(resource_id)
    resource.link_version += 1
    resource.save(update_fields=["link_version"])
    record("tours.resource.address_renewed", resource, actor=actor)
    return resource
