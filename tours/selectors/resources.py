"""Who is where, and what departures still lack."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.timezone import get_current_timezone, now

from tours.models import Departure, DepartureStatus, Engagement, EngagementState, Resource, ResourceKind, ResourceNeed
from tours.services.resources import is_met, units_wanted

MOST_SHORT = 40  # departures in need on a page


@dataclass
class Short:
    """A departure that lacks something: how many of it, and what suits and is free."""

    departure: Departure
    need: ResourceNeed
    missing: int
    declined: list[Engagement] = field(default_factory=list)
    free: list[Resource] = field(default_factory=list)


def shortfalls(departures: Sequence[Departure]) -> list[Short]:
    """What departures with guests still lack, in four queries at most. What the system kept counts as there."""
    with_guests = [one for one in departures if one.seats_held + one.seats_booked and one.status != "CANCELLED"]
    if not with_guests:
        return []
    needs: dict[UUID, list[ResourceNeed]] = defaultdict(list)
    for need in ResourceNeed.objects.filter(tour__in={one.tour_id for one in with_guests}).order_by("kind", "pk"):
        needs[need.tour_id].append(need)
    concerned = [one for one in with_guests if needs.get(one.tour_id)]
    if not concerned:
        return []
    engaged: dict[tuple[UUID, UUID | None], list[Engagement]] = defaultdict(list)
    declined: dict[UUID, list[Engagement]] = defaultdict(list)
    for each in Engagement.objects.filter(departure__in=concerned).select_related("resource").order_by("made_at"):
        if each.departure_id and each.state == EngagementState.DECLINED:
            declined[each.departure_id].append(each)
        elif each.departure_id and each.state != EngagementState.RELEASED:
            engaged[each.departure_id, each.need_id].append(each)
    found = []
    for one in concerned:
        guests = one.seats_held + one.seats_booked
        for need in needs[one.tour_id]:
            there = engaged[one.pk, need.pk]
            if need.option_id not in (None, one.option_id) or is_met(need, there, guests):
                continue
            wanted = 1 if need.kind == ResourceKind.VEHICLE else units_wanted(need, guests)
            missing = max(1, wanted - sum(each.quantity for each in there))
            found.append(Short(one, need, missing, declined[one.pk]))
    return found


def add_free(found: Sequence[Short]) -> None:
    """Fill in what is free for each, in two queries."""
    if not found:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.place, f.resource_id FROM unnest(%s::int[], %s::uuid[], %s::uuid[]) AS w(place, departure, need)"
            " CROSS JOIN LATERAL tours_free_resources(w.departure, w.need) f WHERE f.units > 0",
            [list(range(len(found))), [one.departure.pk for one in found], [one.need.pk for one in found]],
        )
        pairs = cursor.fetchall()
    resources = Resource.objects.in_bulk({resource for _place, resource in pairs})
    for place, resource in pairs:
        found[place].free.append(resources[resource])
    for one in found:
        one.free.sort(key=str)


@dataclass(frozen=True)
class Row:
    """A resource and what it does on each day of the week."""

    resource: Resource
    days: list[list[Engagement]]


@dataclass(frozen=True)
class Week:
    days: list[date]
    rows: list[Row]
    short: list[Short]


def week(first: date, *, kind: str = "") -> Week:
    """The seven days from `first`: every resource in service with its engagements, and the departures that lack something."""
    days = [first + timedelta(days=number) for number in range(7)]
    zone = get_current_timezone()
    begin = datetime.combine(first, datetime.min.time(), zone)
    span = DateTimeTZRange(begin, begin + timedelta(days=7))
    resources = Resource.objects.filter(is_active=True)
    if kind:
        resources = resources.filter(kind=kind)
    by_resource: dict[UUID, list[Engagement]] = defaultdict(list)
    engagements = Engagement.objects.live().filter(span__overlap=span, resource__in=resources)
    for each in engagements.select_related("departure__tour__destination", "departure__option", "need").order_by(
        "span"
    ):
        by_resource[each.resource_id].append(each)
    rows = [
        Row(resource, [[each for each in by_resource[resource.pk] if is_on(each, day)] for day in days])
        for resource in resources.order_by("kind", "name_en")
    ]
    coming = (
        Departure.objects.filter(local_date__range=(days[0], days[-1]), ends_at__gt=now())
        .filter(tour__in=ResourceNeed.objects.values("tour"))
        .exclude(status=DepartureStatus.CANCELLED)
        .sold()
        .select_related("tour__destination", "option")
        .order_by("starts_at")
    )
    short = [one for one in shortfalls(list(coming)) if kind in ("", one.need.kind)][:MOST_SHORT]
    add_free(short)
    return Week(days, rows, short)


def is_on(engagement: Engagement, day: date) -> bool:
    """Whether it falls on a local day: work on the days of its departure, leave by our own clocks."""
    departure = engagement.departure
    if departure is None:
        zone = get_current_timezone()
        last = engagement.span.upper - timedelta(microseconds=1)
        return bool(engagement.span.lower.astimezone(zone).date() <= day <= last.astimezone(zone).date())
    last_day = departure.local_date + (departure.ends_at - departure.starts_at - timedelta(microseconds=1))
    return bool(departure.local_date <= day <= last_day)


def engaged_for(departure_ids: Collection[UUID]) -> dict[UUID, list[Engagement]]:
    """Who and what goes along on departures, guides first; in one query."""
    found: dict[UUID, list[Engagement]] = defaultdict(list)
    engagements = Engagement.objects.live().filter(departure__in=list(departure_ids)).select_related("resource")
    for each in engagements:
        if each.departure_id:
            found[each.departure_id].append(each)
    order = list(ResourceKind.values)
    for rows in found.values():
        rows.sort(key=lambda each: (order.index(each.resource.kind), str(each.resource)))
    return found
