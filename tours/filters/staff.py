"""Filters of the staff's lists."""

from typing import Any

import django_filters
from django.db.models import F, Q

from tours.models import Departure, DepartureStatus, Tour, TourKind, TourStatus


class TourFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="matching", max_length=200, help_text="Part of a title, in either language.")
    status = django_filters.MultipleChoiceFilter(choices=TourStatus.choices)
    kind = django_filters.MultipleChoiceFilter(choices=TourKind.choices)
    destination = django_filters.CharFilter(field_name="destination__slug", max_length=80)
    category = django_filters.CharFilter(field_name="category__code", max_length=40)
    featured = django_filters.BooleanFilter(field_name="is_featured")

    class Meta:
        model = Tour
        fields: list[str] = []

    def matching(self, tours: Any, name: str, value: str) -> Any:
        return tours.filter(Q(title_en__icontains=value) | Q(title_ar__icontains=value) | Q(slug__icontains=value))


class DepartureFilter(django_filters.FilterSet):
    tour = django_filters.UUIDFilter(field_name="tour_id")
    destination = django_filters.CharFilter(field_name="tour__destination__slug", max_length=80)
    status = django_filters.MultipleChoiceFilter(choices=DepartureStatus.choices)
    date_from = django_filters.DateFilter(field_name="local_date", lookup_expr="gte")
    date_to = django_filters.DateFilter(field_name="local_date", lookup_expr="lte")
    sold_out = django_filters.BooleanFilter(method="by_places_left")

    class Meta:
        model = Departure
        fields: list[str] = []

    def by_places_left(self, departures: Any, name: str, value: bool) -> Any:
        full = Q(capacity__lte=F("seats_held") + F("seats_booked") + F("seats_allotted"))
        return departures.filter(full if value else ~full)
