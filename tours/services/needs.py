"""What follows when a tour needs other guides, vehicles or equipment than before."""

from uuid import UUID

from django.db import transaction

from tours.errors import ResourcesMissing
from tours.models import Departure, Engagement, EngagementState, TourOption
from tours.services.limits import follow_limits
from tours.services.resources import follow_seats


@transaction.atomic
def follow_needs(*, tour_id: UUID) -> None:
    """Mark the tour's options and departures as limited or not, and engage what its sold departures must have.

    What cannot be had shows as a red flag: the places are sold already. Safe to repeat.
    """
    follow_limits(TourOption.objects.filter(tour_id=tour_id).values_list("pk", flat=True))
    sold = Departure.objects.filter(tour_id=tour_id).upcoming().sold()
    departures = list(sold.select_for_update(of=("self",), no_key=True).order_by("pk"))
    Engagement.objects.filter(departure__in=departures, need=None, state=EngagementState.TENTATIVE).delete()
    for departure in departures:
        try:
            with transaction.atomic():
                follow_seats(departure.pk)
        except ResourcesMissing:
            continue
