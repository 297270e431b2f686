"""What the catalogue does on facts announced by itself and by apps below."""

from functools import partial, reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from config.i18n import in_language
from config.tenancy import tenant_at_hand
from notifications.mail import write_message
from notifications.models import Event
from notifications.outbox import on
from tours import caching, published
from tours.guides import page_address
from tours.lowest import has_rules, lasting_rules
from tours.models import Engagement, EngagementState, Tour
from tours.services.images import delete_dropped

# How a tour refers to what it shows of other rows.
REFERENCES = {
    "tours.destination": ["destination"],
    "tours.category": ["category"],
    "tours.cancellationpolicy": ["cancellation_policy"],
    "tours.taxrate": ["tax", "more_taxes__tax"],
    "tours.pricecategory": ["options__prices__category"],
    "tours.season": ["price_rules__season"],
    "tours.pricerule": ["price_rules"],
}


@on("tour.changed")
def publish_facts(event: Event) -> None:
    """The public list and page follow the tour."""
    published.publish_facts(event.subject_id)


@on("catalogue.changed")
def publish_what_refers(event: Event) -> None:
    """The public list and pages follow the destination, category, policy, tax, season … that they show.

    A rule that is no tour's own, and a season that such a rule looks at, concern all of them.
    """
    tours = Tour.objects.public()
    of_all = lasting_rules().filter(tour=None)
    is_everywhere = event.data.get("everywhere") or (
        event.subject_type == "tours.season" and of_all.filter(season=event.subject_id).exists()
    )
    if not is_everywhere:
        ways = [Q(**{way: event.subject_id}) for way in REFERENCES[event.subject_type]]
        tours = tours.filter(reduce(or_, ways))
    published.publish_facts(*tours.values_list("pk", flat=True).distinct())


@on("rate.changed")
def compare_prices_anew(event: Event) -> None:
    """Tours in other currencies than the operator's own are compared by the new rate."""
    foreign = Tour.objects.public().exclude(currency=tenant_at_hand().currency)
    published.publish_facts(*foreign.values_list("pk", flat=True))


@on("picture.dropped")
def delete_files(event: Event) -> None:
    """Files of deleted pictures, and sizes that are out of use, go from the storage."""
    delete_dropped(event.data["files"])


@on("departure.changed")
def forget_availability(event: Event) -> None:
    """What was remembered of the places left no longer holds."""
    transaction.on_commit(partial(caching.seats_changed, UUID(event.data["tour"])))


@on("departure.changed")
def advertise_anew(event: Event) -> None:
    """Where rules make prices differ by day, the lowest one follows the days on which the tour runs."""
    tour_id = UUID(event.data["tour"])
    if has_rules(tour_id):
        published.publish_facts(tour_id)


@on("resource.assigned")
def ask_the_guide(event: Event) -> None:
    """A mail with the page on which they accept or decline; none where they have no address or were taken off again."""
    engagement = _engagement(event)
    if engagement is not None and engagement.state == EngagementState.ASSIGNED:
        _mail_guide("guide_assigned", engagement, event)


@on("resource.released")
def tell_the_guide(event: Event) -> None:
    engagement = _engagement(event)
    if engagement is not None and engagement.state == EngagementState.RELEASED:
        _mail_guide("guide_released", engagement, event)


def _engagement(event: Event) -> Engagement | None:
    return (
        Engagement.objects.select_related("resource", "departure__tour__destination", "departure__option")
        .filter(pk=event.subject_id, departure__isnull=False)
        .exclude(resource__email="")
        .first()
    )


def _mail_guide(template: str, engagement: Engagement, event: Event) -> None:
    resource, language = engagement.resource, engagement.resource.language
    departure: Any = engagement.departure
    with override(language):
        start = departure.local_start()
        when = f"{date_format(start, 'l j F Y')} · {start:%H:%M}"
        tour = in_language(departure.tour, "title", language)
        values = {
            "name": in_language(resource, "name", language),
            "tour": tour,
            "when": when,
            "link": f"{page_address(resource)}?language={language}",
            "rows": [
                (_("Trip"), tour),
                (_("Option"), in_language(departure.option, "name", language)),
                (_("When"), when),
                (_("Meeting point"), in_language(departure.tour, "meeting_point", language)),
                (_("Guests"), str(departure.seats_booked)),
            ],
        }
    write_message(
        template,
        to=resource.email,
        language=language,
        once_key=f"engagement:{engagement.pk}:{event.pk}",
        context=values,
        about=engagement,
        secret=True,
    )
