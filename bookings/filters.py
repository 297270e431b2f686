"""How lists of bookings are narrowed."""

from typing import Any

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, BookingStatus, PaymentState


class BookingFilter(django_filters.FilterSet):
    """For customers. Days are those of the start, in UTC, both included."""

    status = django_filters.MultipleChoiceFilter(choices=BookingStatus.choices)
    payment_status = django_filters.MultipleChoiceFilter(choices=PaymentState.choices)
    tour = django_filters.UUIDFilter(field_name="items__departure__tour_id", distinct=True)
    date_from = django_filters.DateFilter(field_name="starts_at", lookup_expr="date__gte")
    date_to = django_filters.DateFilter(field_name="starts_at", lookup_expr="date__lte")
    ordering = django_filters.OrderingFilter(
        fields=["created_at", "starts_at", "total"], help_text=_("A minus before the name turns the order round.")
    )

    class Meta:
        model = Booking
        fields: list[str] = []


class StaffBookingFilter(BookingFilter):
    """For staff: also by what was typed into a search box, by departure, and by the day it was made."""

    q = django_filters.CharFilter(method="search", max_length=100, help_text=_("Reference, name, e-mail or phone."))
    departure = django_filters.UUIDFilter(field_name="items__departure_id", distinct=True)
    created_from = django_filters.DateFilter(field_name="created_at", lookup_expr="date__gte")
    created_to = django_filters.DateFilter(field_name="created_at", lookup_expr="date__lte")
    balance = django_filters.ChoiceFilter(
        choices=[("open", "open"), ("overdue", "overdue")], method="owing", help_text=_("With something still to pay.")
    )

    def owing(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.balance_overdue() if value == "overdue" else queryset.balance_open()

    def search(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(
            Q(reference__icontains=value)
            | Q(contact_name__resembles=value)
            | Q(contact_email__icontains=value)
            | Q(contact_phone__icontains=value.replace(" ", ""))
        )
