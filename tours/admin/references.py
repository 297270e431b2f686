"""What tours share: categories, destinations, price categories, cancellation policies, taxes."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.db.models import Count, Q
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelect2Widget

from tours.admin.pages import CatalogueAdmin
from tours.models import CancellationPolicy, CancellationTier, Category, Destination, PriceCategory, TaxRate
from tours.services.references import reference_changed, refuse_moved_zone

LIVING_TOURS = Count("tours", filter=Q(tours__deleted_at=None))


class ReferenceAdmin(CatalogueAdmin):
    """A change here shows on every tour that uses the row: it is announced once, with all that the page saved."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change and (form.has_changed() or any(formset.has_changed() for formset in formsets)):
            reference_changed(form.instance)


class WithTours:
    """Counts the tours of each row."""

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(tours_count=LIVING_TOURS)  # type: ignore[misc]

    @display(description=_("tours"), ordering="tours_count")
    def tours_shown(self, row: Any) -> int:
        return row.tours_count


@admin.register(Category)
class CategoryAdmin(WithTours, ReferenceAdmin):
    list_display = ["name_en", "name_ar", "code", "icon_shown", "display_order", "tours_shown"]
    search_fields = ["name_en", "name_ar", "code"]
    fieldsets = [(None, {"fields": [("name_en", "name_ar"), "code", ("icon", "display_order")]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["code"] if obj else []

    @display(description=_("icon"))
    def icon_shown(self, category: Category) -> Any:
        return format_html('<span class="material-symbols-outlined">{}</span>', category.icon)


class DestinationForm(ModelForm):
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=[(zone, zone) for zone in sorted(available_timezones()) if "/" in zone],
        widget=UnfoldAdminSelect2Widget,
        help_text=_("Departures are planned and shown in it. It is fixed while departures are still to come."),
    )


@admin.register(Destination)
class DestinationAdmin(WithTours, ReferenceAdmin):
    form = DestinationForm
    list_display = ["city_en", "city_ar", "country", "region_en", "time_zone", "tours_shown"]
    list_filter = ["country"]
    search_fields = ["city_en", "city_ar", "region_en", "region_ar", "slug"]
    prepopulated_fields = {"slug": ["city_en"]}
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("city_en", "city_ar"),
                    ("region_en", "region_ar"),
                    ("country", "slug"),
                    ("latitude", "longitude"),
                    "time_zone",
                ]
            },
        )
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["slug"] if obj else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return {} if obj else self.prepopulated_fields

    def save_model(self, request: HttpRequest, obj: Destination, form: Any, change: bool) -> None:
        if change:
            refuse_moved_zone(obj.pk, obj.time_zone)
        super().save_model(request, obj, form, change)


@admin.register(PriceCategory)
class PriceCategoryAdmin(ReferenceAdmin):
    list_display = ["name_en", "name_ar", "code", "ages", "seats", "display_order"]
    search_fields = ["name_en", "name_ar", "code"]
    fieldsets = [
        (None, {"fields": [("name_en", "name_ar"), "code", ("min_age", "max_age"), ("seats", "display_order")]})
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["code"] if obj else []

    @display(description=_("ages"))
    def ages(self, category: PriceCategory) -> str:
        if category.min_age is None and category.max_age is None:
            return "–"
        if category.max_age is None:
            return f"{category.min_age}+"
        return f"{category.min_age or 0}–{category.max_age}"


class TierInline(TabularInline):
    model = CancellationTier
    fields = ["hours_before", "refund_percent"]
    extra = 0


@admin.register(CancellationPolicy)
class CancellationPolicyAdmin(WithTours, ReferenceAdmin):
    list_display = ["name_en", "name_ar", "tiers_shown", "tours_shown"]
    search_fields = ["name_en", "name_ar"]
    fieldsets = [(None, {"fields": [("name_en", "name_ar")]})]
    inlines = [TierInline]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("tiers")

    @display(description=_("what comes back"))
    def tiers_shown(self, policy: CancellationPolicy) -> str:
        return " · ".join(str(tier) for tier in policy.tiers.all()) or "0 %"


@admin.register(TaxRate)
class TaxRateAdmin(WithTours, ReferenceAdmin):
    list_display = ["name_en", "name_ar", "percent", "is_inclusive", "on_fee", "tours_shown"]
    search_fields = ["name_en", "name_ar", "code"]
    fieldsets = [(None, {"fields": [("name_en", "name_ar"), "code", ("percent", "is_inclusive", "on_fee")]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["code"] if obj else []
