"""How many places can still be sold, with all that limits them."""

from collections.abc import Collection
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import Case, F, Func, IntegerField, When

from tours.models import Departure, PoolMember


def places_left(departure: Departure) -> int:
    """Places that anybody can still buy: the departure's own, or fewer where it shares them. Never below zero."""
    if not departure.is_limited:
        return max(departure.seats_left, 0)
    return places_left_of([departure]).get(departure.pk, 0)


def places_left_of(departures: Collection[Departure]) -> dict[UUID, int]:
    """The same of many departures, in one statement at most."""
    left = {departure.pk: max(departure.seats_left, 0) for departure in departures}
    limited = [departure.pk for departure in departures if departure.is_limited]
    if limited:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, tours_places_left(id) FROM unnest(%s::uuid[]) AS id", [limited])
            left.update({pk: max(found or 0, 0) for pk, found in cursor.fetchall()})
    return left


# As `tours.guards.fullness_sql`, for querysets of departures.
FULLNESS = Case(
    When(is_limited=True, then=Func(F("pk"), function="tours_fullness")),
    default=Func(F("seats_held") + F("seats_booked"), F("capacity"), template="ARRAY[%(expressions)s]"),
    output_field=ArrayField(IntegerField()),
)


def departures_sharing(departure_id: UUID) -> list[UUID]:
    """The departures that run at the same time and take places from the same pools; none where it shares nothing."""
    departure = Departure.objects.filter(pk=departure_id, is_limited=True).first()
    if departure is None:
        return []
    pools = PoolMember.objects.filter(option_id=departure.option_id).values("pool_id")
    options = PoolMember.objects.filter(pool__in=pools).values("option_id")
    overlapping = Departure.objects.filter(
        option__in=options, is_limited=True, starts_at__lt=departure.ends_at, ends_at__gt=departure.starts_at
    )
    return list(overlapping.exclude(pk=departure_id).values_list("pk", flat=True))
