"""Filters of the back-office's lists that the theme does not have."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.dateparse import parse_date
from django.utils.timezone import make_aware
from unfold.contrib.filters.admin import RangeDateFilter


class DaysFilter(RangeDateFilter):
    """Moments from one day to another, both whole days of the clock that the page shows.

    The theme's own compares with the midnight of UTC at which the last day begins, and so leaves that day out.
    """

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        first, last = self._day("from"), self._day("to")
        if first is not None:
            queryset = queryset.filter(**{f"{self.field_path}__gte": _midnight(first)})
        if last is not None:
            queryset = queryset.filter(**{f"{self.field_path}__lt": _midnight(last + timedelta(days=1))})
        return queryset

    def _day(self, end: str) -> date | None:
        """The day that was asked for; None where there is none, or nothing that a calendar knows."""
        try:
            day = parse_date(self.used_parameters.get(f"{self.parameter_name}_{end}", ""))
        except ValueError:
            return None
        return day if day is not None and 1900 <= day.year <= 9000 else None


def _midnight(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))
