"""How much people care for a tour: looked at, saved, booked, and the figure that "popular" sorts by."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.html import format_html
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from tours.models import SavedTour, TourDay

DAYS = 30


def with_interest(tours: Any) -> Any:
    """Tours with `times_saved`, and `recent_views` of the last 30 days, in the same query."""
    saved = SavedTour.objects.filter(tour_id=OuterRef("pk")).order_by().values("tour_id")
    days = TourDay.objects.filter(tour_id=OuterRef("pk"), day__gt=localdate() - timedelta(days=DAYS))
    number = IntegerField()
    return tours.annotate(
        times_saved=Coalesce(Subquery(saved.annotate(n=Count("pk")).values("n")), Value(0, number)),
        recent_views=Coalesce(
            Subquery(days.order_by().values("tour_id").annotate(n=Sum("views")).values("n")), Value(0, number)
        ),
    )


class InterestShown:
    """For the admin of tours: a column for the list, and a line for the page."""

    @display(description=gettext_lazy("popularity"), ordering="-popularity")
    def interest_shown(self, tour: Any) -> str:
        hint = _("{views} views in 30 days, {saved} times saved, {bookings} bookings").format(
            views=tour.recent_views, saved=tour.times_saved, bookings=tour.bookings_count
        )
        return format_html(
            '<span title="{}"><b>{}</b><br><small class="rihla-interest"><bdi>{}</bdi> {} · <bdi>{}</bdi> {}</small></span>',
            hint,
            tour.popularity,
            tour.recent_views,
            icon("visibility"),
            tour.times_saved,
            icon("favorite"),
        )

    @display(description=gettext_lazy("interest"))
    def interest_line(self, tour: Any) -> str:
        if tour._state.adding:
            return "–"
        return _("{views} views in 30 days, {saved} times saved, {bookings} bookings, popularity {popularity}").format(
            views=tour.recent_views,
            saved=tour.times_saved,
            bookings=tour.bookings_count,
            popularity=tour.popularity,
        )


def icon(name: str) -> str:
    return format_html('<span class="material-symbols-outlined" aria-hidden="true">{}</span>', name)
