"""When something is taken, and that nobody is in two places."""

from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from tours.errors import ResourceBusy, ResourceNotFound
from tours.models import Engagement, Resource


def lock_resource(resource_id: UUID) -> Resource:
    """Raises `ResourceNotFound`."""
    resource = Resource.objects.select_for_update(no_key=True).filter(pk=resource_id).first()
    if resource is None:
        raise ResourceNotFound
    return resource


def span_of(resource: Resource, starts_at: datetime, ends_at: datetime) -> DateTimeTZRange:
    """When a resource is taken by a departure, with what it needs before and after."""
    return DateTimeTZRange(
        starts_at - timedelta(minutes=resource.minutes_before), ends_at + timedelta(minutes=resource.minutes_after)
    )


@contextmanager
def refusing_double_bookings(resource: Resource) -> Any:
    """Turns what the database refuses into `ResourceBusy`."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as fault:
        name = getattr(getattr(fault.__cause__, "diag", None), "constraint_name", "")
        if name not in ("resource_in_one_place", "equipment_never_overbooked"):
            raise
        raise ResourceBusy(resource=resource, details={"resource_id": str(resource.pk)}) from fault


def told(engagement: Engagement) -> dict[str, Any]:
    """As the audit trail keeps it."""
    return {
        "resource": str(engagement.resource_id),
        "departure": str(engagement.departure_id or ""),
        "state": str(engagement.state),
        "quantity": engagement.quantity,
        "from": engagement.span.lower.isoformat(),
        "until": engagement.span.upper.isoformat(),
    }
