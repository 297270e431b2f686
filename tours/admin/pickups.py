"""Pickup zones with their places, and what tours charge for driving there."""

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline, TabularInline
from unfold.decorators import display

from tours.admin.editor import TOUR
from tours.admin.pages import (
    CatalogueAdmin,
    KnownRows,
    PricedFormSet,
    SharedChoices,
    TwoLanguages,
    WordedForm,
    add_faults,
    offer_options,
)
from tours.limits import faults_of_pickup_price, faults_of_transfer, faults_of_zone
from tours.models import PickupPlace, PickupPrice, PickupRule, PickupZone, TransferPrice


class ZoneForm(WordedForm):
    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        add_faults(self, faults_of_zone(self.instance))


class PlaceInline(TwoLanguages, TabularInline):
    model = PickupPlace
    fields = ["name_en", "name_ar", "address", "minutes_earlier", "is_active"]
    extra = 0
    hide_title = True


@admin.register(PickupZone)
class PickupZoneAdmin(CatalogueAdmin):
    empty_hint = _("Where guests are fetched and brought back. Each tour then says what a zone costs.")
    form = ZoneForm
    list_display = ["name_en", "name_ar", "code", "places_shown", "is_active"]
    search_fields = ["name_en", "name_ar", "code", "places__name_en", "places__name_ar"]
    search_help_text = _("Zone or place, in English or Arabic")
    inlines = [PlaceInline]
    fieldsets = [
        (None, {"fields": [("name_en", "name_ar"), ("code", "is_active")]}),
        (_("Addresses that are not listed"), {"fields": [("latitude", "longitude", "radius_km")]}),
    ]

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).annotate(places_count=Count("places"))

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[str]:
        return ["code"] if obj else []

    @display(description=_("places"), ordering="places_count")
    def places_shown(self, zone: Any) -> int:
        return int(zone.places_count)


class OneRule(KnownRows):
    @staticmethod
    def rows_of(tour: Any) -> list[Any]:
        return [tour.pickup_rule] if hasattr(tour, "pickup_rule") else []


class PickupRuleInline(StackedInline):
    model = PickupRule
    formset = OneRule
    fields = ["kind", ("allows_unlisted", "change_until_minutes")]
    extra = 0
    max_num = 1


class OfItsTour(PricedFormSet):
    @property
    def currency(self) -> str:
        return str(self.instance.currency_id)

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name in ("zone", "origin", "destination"):
            if name in form.fields:
                form.fields[name].queryset = PickupZone.objects.all()
        if "option" in form.fields:
            offer_options(form.fields["option"], self.instance)


class PickupPriceForm(WordedForm):
    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        add_faults(self, faults_of_pickup_price(self.instance))


class PickupPriceInline(SharedChoices, TabularInline):
    model = PickupPrice
    form = PickupPriceForm
    formset = OfItsTour
    fields = ["zone", "basis", "amount", "vehicle_seats", "minutes_before"]
    hide_title = True
    extra = 0

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).select_related("zone")


class TransferForm(WordedForm):
    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        add_faults(self, faults_of_transfer(self.instance))


class TransferInline(SharedChoices, TabularInline):
    model = TransferPrice
    form = TransferForm
    formset = OfItsTour
    fields = ["origin", "destination", "both_ways", "option", "amount", "vehicle_seats"]
    hide_title = True
    extra = 0

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).select_related("origin", "destination", "option__tour")


TOUR.inline("extras", PickupRuleInline, order=30)
TOUR.inline("extras", PickupPriceInline, order=40)
TOUR.inline("extras", TransferInline, order=50)
