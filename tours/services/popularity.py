"""What "popular" sorts by. One formula:

    popularity = bookings ever + what the last 90 days brought:
                 20 for each booking confirmed, 5 for each time saved, 1 for each view,
                 each worth half as much for every 30 days that have passed since

A booking counts at once, the rest with the hourly refresh. What is cancelled is taken off the day on which it was confirmed.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils.timezone import localdate

from config.ids import uuid7
from config.tenancy import tenant_id_or_raise
from tours.counting import put_back, taken_views
from tours.models import PublishedTour, Tour, TourDay

OF_A_BOOKING, OF_A_SAVING, OF_A_VIEW = 20, 5, 1
HALF_LIFE, WINDOW = 30, 90  # days
KEPT = 400  # days that views and bookings by day are kept
MOST = 2_000_000_000
AT_ONCE = 500

ADD_TO_DAY = """
INSERT INTO tours_tourday (id, tenant_id, tour_id, day, views, bookings)
SELECT new.id, %(tenant)s::uuid, t.id, %(day)s::date, new.views, new.bookings
FROM unnest(%(ids)s::uuid[], %(tours)s::uuid[], %(views)s::int[], %(bookings)s::int[]) new (id, tour_id, views, bookings)
JOIN tours_tour t ON t.id = new.tour_id AND t.tenant_id = %(tenant)s::uuid
ORDER BY t.id
ON CONFLICT (tour_id, day) DO UPDATE
SET views = tours_tourday.views + excluded.views, bookings = tours_tourday.bookings + excluded.bookings
"""
OUTDATED = f"""
WITH brought AS (
    SELECT tour_id, day, {OF_A_BOOKING} * bookings + {OF_A_VIEW} * views AS points
    FROM tours_tourday WHERE tenant_id = %(tenant)s::uuid AND day > %(today)s::date - {WINDOW}
    UNION ALL
    SELECT tour_id, saved_at::date, {OF_A_SAVING}
    FROM tours_savedtour WHERE tenant_id = %(tenant)s::uuid AND saved_at::date > %(today)s::date - {WINDOW}
), points AS (
    SELECT tour_id, sum(points * power(0.5, greatest(0, %(today)s::date - day) / {HALF_LIFE}.0)) AS points
    FROM brought GROUP BY tour_id
), found AS (
    SELECT t.id, least({MOST}, greatest(0, t.bookings_count + round(coalesce(p.points, 0))))::int AS popularity
    FROM tours_tour t LEFT JOIN points p ON p.tour_id = t.id
    WHERE t.tenant_id = %(tenant)s::uuid AND t.deleted_at IS NULL
)
SELECT t.id, found.popularity FROM found JOIN tours_tour t USING (id)
WHERE t.popularity <> found.popularity ORDER BY t.id
"""
UPDATE_TOURS = """
UPDATE tours_tour t SET popularity = new.popularity
FROM unnest(%(ids)s::uuid[], %(points)s::int[]) new (id, popularity)
WHERE t.id = new.id AND t.tenant_id = %(tenant)s::uuid
"""
UPDATE_FACTS = """
UPDATE tours_publishedtour p SET popularity = t.popularity
FROM tours_tour t WHERE t.id = p.tour_id AND t.id = ANY(%(ids)s::uuid[]) AND p.tenant_id = %(tenant)s::uuid
"""


@transaction.atomic
def count_bookings(*, tour_ids: Iterable[UUID], step: int, day: date | None = None) -> None:
    """Add to the bookings of these tours: ever, of the day (today), and to what the public list sorts by.

    Nothing that is remembered is emptied: the order of the popular ones may be five minutes old.
    """
    tours = sorted(set(tour_ids))
    more = step * (1 + OF_A_BOOKING)
    for tour_id in tours:
        popularity = Greatest(F("popularity") + more, Value(0))
        Tour.objects.filter(pk=tour_id).update(bookings_count=F("bookings_count") + step, popularity=popularity)
        PublishedTour.objects.filter(pk=tour_id).update(popularity=popularity)
    _add_to_day(day or localdate(), dict.fromkeys(tours, (0, step)))


def gather_views() -> int:
    """Write down the views counted since the last time; returns how many."""
    gathered = 0
    for day, views in taken_views():
        try:
            with transaction.atomic():
                _add_to_day(day, {tour_id: (number, 0) for tour_id, number in views.items()})
        except BaseException:
            put_back(day, views)
            raise
        gathered += sum(views.values())
    return gathered


def refresh_popularity() -> int:
    """Bring every tour's popularity up to date by the formula; returns how many changed. Forgets days long past."""
    TourDay.objects.filter(day__lt=localdate() - timedelta(days=KEPT)).delete()
    tenant = tenant_id_or_raise()
    with connection.cursor() as cursor:
        cursor.execute(OUTDATED, {"tenant": tenant, "today": localdate()})
        outdated: list[Any] = cursor.fetchall()
    for start in range(0, len(outdated), AT_ONCE):
        part = outdated[start : start + AT_ONCE]
        values: dict[str, Any] = {"tenant": tenant, "ids": [row[0] for row in part], "points": [row[1] for row in part]}
        with transaction.atomic(), connection.cursor() as cursor:
            # As everybody does who writes a tour's facts: first its lock, in the order of ids.
            list(
                Tour.objects.select_for_update(no_key=True)
                .filter(pk__in=values["ids"])
                .order_by("pk")
                .values_list("pk")
            )
            cursor.execute(UPDATE_TOURS, values)
            cursor.execute(UPDATE_FACTS, values)
    return len(outdated)


def _add_to_day(day: date, more: dict[UUID, tuple[int, int]]) -> None:
    """Add views and bookings to the tours' rows of a day; ids that are no tour's are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            ADD_TO_DAY,
            {
                "tenant": tenant_id_or_raise(),
                "day": day,
                "ids": [uuid7() for _tour in more],
                "tours": list(more),
                "views": [views for views, _bookings in more.values()],
                "bookings": [bookings for _views, bookings in more.values()],
            },
        )
