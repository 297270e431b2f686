"""How often a tour was booked: what "popular" sorts by."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import F

from tours.models import PublishedTour, Tour


@transaction.atomic
def count_bookings(*, tour_ids: Iterable[UUID], step: int) -> None:
    """Add to the number of bookings of these tours, and to what the public list sorts by.

    Nothing that is remembered is emptied: the order of the popular ones may be five minutes old.
    """
    for tour_id in sorted(set(tour_ids)):
        Tour.objects.filter(pk=tour_id).update(bookings_count=F("bookings_count") + step)
        PublishedTour.objects.filter(pk=tour_id).update(popularity=F("popularity") + step)
