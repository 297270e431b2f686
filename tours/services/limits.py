"""What departures share – places of a pool, resources – and the flag on options and departures that says so.

Locks are taken in this order: options, departures, pools (by day), resources. Selling begins with the departure.
"""

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from tours.caching import seats_changed
from tours.errors import PoolBelowSold
from tours.models import (
    Departure,
    DepartureStatus,
    OnShortage,
    Pool,
    PoolMember,
    ResourceNeed,
    Tour,
    TourOption,
)


def limited_options(option_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the options for which more counts than the places of their departures."""
    ids = list(option_ids)
    must = ResourceNeed.objects.filter(on_shortage=OnShortage.STOP)
    needing = TourOption.objects.filter(
        Q(pk__in=must.filter(option__isnull=False).values("option_id"))
        | Q(tour_id__in=must.filter(option=None).values("tour_id")),
        pk__in=ids,
    )
    sharing = PoolMember.objects.filter(option_id__in=ids).values_list("option_id", flat=True)
    return {*sharing, *needing.values_list("pk", flat=True)}


@transaction.atomic
def follow_limits(option_ids: Iterable[UUID]) -> None:
    """Bring `is_limited` of options and of their departures to come in line with pools and needs. Safe to repeat.

    The lock on an option waits for departures of it that are being made, and they for it.
    """
    ids = list(option_ids)
    tours = Tour.objects.filter(pk__in=TourOption.objects.filter(pk__in=ids).values("tour_id"))
    list(tours.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
    options = list(TourOption.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk"))
    limited = limited_options(option.pk for option in options)
    for option in options:
        is_limited = option.pk in limited
        if option.is_limited != is_limited:
            option.is_limited = is_limited
            option.save(update_fields=["is_limited"])
        wrong = Departure.objects.filter(option=option).upcoming().exclude(is_limited=is_limited)
        ids = list(wrong.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
        Departure.objects.filter(pk__in=ids).update(is_limited=is_limited)
    for tour_id in {option.tour_id for option in options}:
        transaction.on_commit(partial(seats_changed, tour_id))


@transaction.atomic
def follow_pool(*, pool_id: UUID, left: Iterable[UUID] = ()) -> Pool:
    """Bring everything in line with a pool that was changed; `left` are options that belong to it no more.

    Raises `PoolBelowSold` where more is sold at some moment to come than it has places, with how many.
    """
    pool = Pool.objects.select_for_update().get(pk=pool_id)
    members = set(PoolMember.objects.filter(pool=pool).values_list("option_id", flat=True))
    follow_limits({*members, *left})
    coming = Departure.objects.filter(option_id__in=members).upcoming().exclude(status=DepartureStatus.CANCELLED)
    list(coming.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    sold, fullest = _fullest_moment(pool)
    if sold > pool.capacity:
        departure = Departure.objects.select_related("tour__destination").get(pk=fullest)
        raise PoolBelowSold(
            sold=sold,
            asked=pool.capacity,
            pool=pool,
            departure=departure,
            details={"sold": sold, "asked": pool.capacity, "departure_id": str(fullest)},
        )
    return pool


FULLEST = """
SELECT d.id, (
    SELECT sum(x.seats_held + x.seats_booked + x.seats_allotted)
    FROM tours_poolmember xm JOIN tours_departure x ON x.option_id = xm.option_id
    WHERE xm.pool_id = %(pool)s::uuid AND x.status <> 'CANCELLED'
      AND x.starts_at <= d.starts_at AND x.ends_at > d.starts_at
) AS load
FROM tours_poolmember m JOIN tours_departure d ON d.option_id = m.option_id
WHERE m.pool_id = %(pool)s::uuid AND d.status <> 'CANCELLED' AND d.ends_at > now()
ORDER BY load DESC, d.starts_at LIMIT 1
"""


def _fullest_moment(pool: Pool) -> tuple[int, UUID | None]:
    with connection.cursor() as cursor:
        cursor.execute(FULLEST, {"pool": pool.pk})
        row = cursor.fetchone()
    return (int(row[1] or 0), row[0]) if row else (0, None)
