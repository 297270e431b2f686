"""The rating that a tour shows: written down from rows that an app above keeps."""

from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, DecimalField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Round

from notifications.outbox import announce
from tours.models import Tour

EXACT: Any = DecimalField(max_digits=20, decimal_places=10)
DECIMAL: Any = DecimalField(max_digits=3, decimal_places=2)


def lock_rating(tour_id: UUID) -> None:
    """Whoever changes what counts for a tour's rating waits here for the one before."""
    list(Tour.objects.select_for_update(no_key=True, of=("self",)).filter(pk=tour_id).values_list("pk"))


def rate_tour(*, tour_id: UUID, ratings: QuerySet[Any]) -> None:
    """Write average and number of these rows (each with `tour` and `rating`) onto the tour, and announce `tour.changed`.

    Call it in the transaction that changed them, last. Under the tour's lock the statement sees every row that others have
    committed; nothing is added up in Python, so nothing can drift.
    """
    lock_rating(tour_id)
    of_tour = ratings.filter(tour=OuterRef("pk")).order_by().values("tour")
    average = of_tour.annotate(value=Cast(Round(Cast(Avg("rating"), EXACT), 2), DECIMAL)).values("value")
    number = of_tour.annotate(value=Count("pk")).values("value")
    Tour.objects.filter(pk=tour_id).update(
        rating_average=Coalesce(Subquery(average), Value(0, output_field=DECIMAL), output_field=DECIMAL),
        rating_count=Coalesce(Subquery(number), Value(0)),
    )
    announce("tour.changed", Tour.objects.get(pk=tour_id))
