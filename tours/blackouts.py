"""On which days the schedule rests."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.timezone import localdate

from tours.models import Blackout, Tour


@dataclass(frozen=True)
class RestDays:
    """The blackouts that are not over yet, as they were read."""

    blackouts: list[Blackout]

    def include(self, tour: Tour, day: date) -> bool:
        """Whether the tour rests on that local day."""
        return any(
            one.first_day <= day <= one.last_day
            and one.tour_id in (None, tour.pk)
            and one.destination_id in (None, tour.destination_id)
            for one in self.blackouts
        )


def rest_days() -> RestDays:
    """One query, whatever they are of. Those that ended lately count: somewhere it is still yesterday."""
    return RestDays(list(Blackout.objects.filter(last_day__gte=localdate() - timedelta(days=2))))
