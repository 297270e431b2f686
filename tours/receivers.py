"""What the catalogue does on facts announced by itself and by apps below."""

from functools import partial
from uuid import UUID

from django.db import transaction

from notifications.models import Event
from notifications.outbox import on
from tours import caching, published


@on("tour.changed")
def publish_facts(event: Event) -> None:
    """The public list and page follow the tour."""
    published.publish_facts(event.subject_id)


@on("departure.changed")
def forget_availability(event: Event) -> None:
    """What was remembered of the places left no longer holds."""
    transaction.on_commit(partial(caching.seats_changed, UUID(event.data["tour"])))
