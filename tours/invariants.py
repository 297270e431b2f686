"""What must always be true of the catalogue."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.utils.timezone import now

from config.invariants import invariant
from notifications.models import Delivery, DeliveryStatus
from tours.published import faults_in_facts

# Who brings the public list up to date on a fact (`tours/receivers.py`).
PUBLISHERS = (
    "tours.publish_facts",
    "tours.publish_what_refers",
    "tours.compare_prices_anew",
    "tours.advertise_anew",
)
ON_ITS_WAY = timedelta(minutes=10)


@invariant("tours.published_facts")
def published_facts_are_the_tours() -> Iterator[str]:
    """What the public list shows is what the tours say, but for changes on their way there: ten minutes at most.

    A change that arrives while this looks would seem a fault; what is one stands there at a second look, too.
    """
    first = set(faults_in_facts())
    if not first:
        return
    recent = Delivery.objects.filter(
        subscriber__in=PUBLISHERS, status=DeliveryStatus.WAITING, event__occurred_at__gt=now() - ON_ITS_WAY
    )
    coming = {
        "tour.changed": set(recent.filter(event__type="tour.changed").values_list("event__subject_id", flat=True)),
        "departure.changed": {
            UUID(tour)
            for tour in recent.filter(event__type="departure.changed").values_list("event__data__tour", flat=True)
        },
    }
    if recent.exclude(event__type__in=coming).exists():
        return  # a destination, a tax, a rate: any tour may be concerned
    coming_tours = set().union(*coming.values())
    for tour_id, sentence in faults_in_facts():
        if (tour_id, sentence) in first and tour_id not in coming_tours:
            yield sentence


@invariant("tours: no pool is sold beyond its places")
def pools_suffice() -> Iterator[str]:
    """At no moment do the departures that share places take more than there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT pool.name_en, pool.capacity, moment.at, sum(d.seats_held + d.seats_booked + d.seats_allotted) AS load
            FROM tours_pool pool
            JOIN (
                SELECT DISTINCT m.pool_id, d.starts_at AS at
                FROM tours_poolmember m JOIN tours_departure d ON d.option_id = m.option_id
                WHERE d.ends_at > now() AND d.is_limited
            ) moment ON moment.pool_id = pool.id
            JOIN tours_poolmember m ON m.pool_id = pool.id
            JOIN tours_departure d ON d.option_id = m.option_id AND d.is_limited AND d.status <> 'CANCELLED'
              AND d.starts_at <= moment.at AND d.ends_at > moment.at
            GROUP BY pool.id, pool.name_en, pool.capacity, moment.at
            HAVING sum(d.seats_held + d.seats_booked + d.seats_allotted) > pool.capacity
            ORDER BY moment.at LIMIT 100
            """
        )
        for name, capacity, at, load in cursor.fetchall():
            yield f"“{name}” has {capacity} places, {load} are taken at {at:%Y-%m-%d %H:%M}"


@invariant("tours: departures know what limits them")
def flags_follow_pools() -> Iterator[str]:
    """Each departure to come whose option shares something is marked so, or it would be sold past the limit."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT d.id FROM tours_departure d JOIN tours_touroption o ON o.id = d.option_id
            WHERE d.starts_at > now() AND d.is_limited <> o.is_limited
            UNION
            SELECT d.id FROM tours_departure d JOIN tours_poolmember m ON m.option_id = d.option_id
            WHERE d.starts_at > now() AND NOT d.is_limited
            LIMIT 100
            """
        )
        for (departure,) in cursor.fetchall():
            yield f"departure {departure} is not marked by what limits it"


@invariant("tours: nobody and nothing is in two places")
def resources_are_in_one_place() -> Iterator[str]:
    """No guide or vehicle is engaged twice at a time, and of no equipment more than there is."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.name_en, lower(a.span) FROM tours_engagement a
            JOIN tours_engagement b ON b.resource_id = a.resource_id AND b.id > a.id AND b.span && a.span
              AND b.state NOT IN ('DECLINED', 'RELEASED')
            JOIN tours_resource r ON r.id = a.resource_id AND r.kind <> 'EQUIPMENT'
            WHERE a.state NOT IN ('DECLINED', 'RELEASED')
            UNION
            SELECT r.name_en, lower(a.span) FROM tours_engagement a
            JOIN tours_resource r ON r.id = a.resource_id AND r.kind = 'EQUIPMENT'
            WHERE a.state NOT IN ('DECLINED', 'RELEASED') AND upper(a.span) > now()
              AND tours_most_engaged(r.id, a.span) > r.quantity
            ORDER BY 2 LIMIT 100
            """
        )
        for name, at in cursor.fetchall():
            yield f"“{name}” is engaged beyond what there is at {at:%Y-%m-%d %H:%M}"
