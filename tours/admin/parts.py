"""The parts of a tour on its page: options and itinerary."""

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import StackedInline, TabularInline
from unfold.decorators import display

from tours.admin.pages import KnownRows, TwoLanguages
from tours.admin.shown import prices_of
from tours.models import ItineraryDay, TourOption


class OptionRows(KnownRows):
    @staticmethod
    def rows_of(tour: Any) -> list[Any]:
        return list(tour.options.all())


class OptionInline(TwoLanguages, TabularInline):
    model = TourOption
    formset = OptionRows
    fields = ["name_en", "name_ar", "code", "capacity", "duration_minutes", "is_default", "price_list"]
    readonly_fields = ["price_list"]
    extra = 0
    hide_title = True

    @display(description=gettext_lazy("prices and schedule"))
    def price_list(self, option: TourOption) -> str:
        if option._state.adding:
            return _("Save first, then add prices.")
        return format_html(
            '{}<a class="text-primary-600 dark:text-primary-500 font-medium" href="{}">{}</a>',
            prices_of(option, option.tour.currency_id),
            reverse("admin:tours_touroption_change", args=[option.pk]),
            _("Prices and schedule"),
        )


class ItineraryInline(TwoLanguages, StackedInline):
    model = ItineraryDay
    fields = [
        "day",
        ("title_en", "title_ar"),
        ("description_en", "description_ar"),
        ("activities_en", "activities_ar"),
        ("breakfast", "lunch", "dinner"),
    ]
    extra = 0
    collapsible = True
