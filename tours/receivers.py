"""What the catalogue does on facts announced by itself and by apps below."""

from functools import partial
from uuid import UUID

from django.db import transaction

from config.tenancy import tenant_at_hand
from notifications.models import Event
from notifications.outbox import on
from tours import caching, published
from tours.models import Tour

# How a tour refers to what it shows of other rows.
REFERENCES = {
    "tours.destination": "destination",
    "tours.category": "category",
    "tours.cancellationpolicy": "cancellation_policy",
    "tours.taxrate": "tax",
    "tours.pricecategory": "options__prices__category",
}


@on("tour.changed")
def publish_facts(event: Event) -> None:
    """The public list and page follow the tour."""
    published.publish_facts(event.subject_id)


@on("catalogue.changed")
def publish_what_refers(event: Event) -> None:
    """The public list and pages follow the destination, category, policy, tax or price category that they show."""
    if event.subject_type not in REFERENCES:
        return
    showing = Tour.objects.public().filter(**{REFERENCES[event.subject_type]: event.subject_id})
    published.publish_facts(*showing.values_list("pk", flat=True).distinct())


@on("rate.changed")
def compare_prices_anew(event: Event) -> None:
    """Tours in other currencies than the operator's own are compared by the new rate."""
    foreign = Tour.objects.public().exclude(currency=tenant_at_hand().currency)
    published.publish_facts(*foreign.values_list("pk", flat=True))


@on("departure.changed")
def forget_availability(event: Event) -> None:
    """What was remembered of the places left no longer holds."""
    transaction.on_commit(partial(caching.seats_changed, UUID(event.data["tour"])))
