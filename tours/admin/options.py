"""An option of a tour with its price list and its schedule."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline, TabularInline
from unfold.decorators import display

from config.i18n import in_language
from tours.admin.editor import OPTION, TOUR, EditedInTabs
from tours.admin.pages import CatalogueAdmin, PricedFormSet, SharedChoices, WordedForm
from tours.admin.planning import LooksFirst
from tours.admin.schedule import (
    RULE_FIELDS,
    RuleForm,
    change_rules,
    rule_data,
    rule_operation,
    span_in_words,
    tell,
)
from tours.admin.shown import prices_of
from tours.models import OptionPrice, ScheduleRule, TourOption
from tours.services import create_rule
from tours.services.departures import follow_options
from tours.services.facts import settle_tour


class PriceFormSet(PricedFormSet):
    prices = ["amount", "original_amount"]

    @property
    def currency(self) -> str:
        return str(self.instance.tour.currency_id)


class PriceInline(SharedChoices, TabularInline):
    model = OptionPrice
    form = WordedForm
    formset = PriceFormSet
    fields = ["category", "amount", "original_amount"]
    extra = 0
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("category").order_by("category__display_order")


class RuleInline(SharedChoices, StackedInline):
    model = ScheduleRule
    form = RuleForm
    fields = [*RULE_FIELDS, "is_active"]
    extra = 0
    collapsible = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("option__tour")

    @staticmethod
    def save_rows(request: HttpRequest, option: TourOption, formset: Any) -> None:
        """New rules are made at once; the others are changed together, after a look where departures are there."""
        formset.save(commit=False)
        operations = [rule_operation("delete", rule) for rule in formset.deleted_objects]
        for row in formset.forms:
            if not row.has_changed() or row.cleaned_data.get("DELETE"):
                continue
            if row.instance in formset.new_objects:
                tell(request, create_rule(option_id=option.pk, data=rule_data(row), actor=request.user))
            else:
                operations.append(rule_operation("change", row.instance, row))
        if operations:
            change_rules(request, operations, _("Schedule of {option}").format(option=option))


OPTION.fields(
    "option",
    "tour",
    ("name_en", "name_ar"),
    ("code", "capacity"),
    ("duration_minutes", "display_order"),
    ("by_opening_hours", "opens_days_before"),
    "is_default",
    order=10,
    shown=("tour",),
)
OPTION.inline("prices", PriceInline, order=10)
OPTION.inline("schedule", RuleInline, order=10)


def schedule_of_tour(request: HttpRequest, tour: Any) -> dict[str, Any]:
    """The rules of all options, each with the departures it still has. Two queries."""
    options = list(tour.options.all())
    coming = Count("departures", filter=Q(departures__starts_at__gt=now()))
    rules = ScheduleRule.objects.filter(option__in=options).select_related("option").annotate(coming=coming)
    pages = {option.pk: reverse("admin:tours_touroption_change", args=[option.pk]) for option in options}
    return {
        "options": [
            {"name": in_language(option, "name"), "address": f"{pages[option.pk]}#tab-schedule"} for option in options
        ],
        "rules": [
            {
                "option": in_language(rule.option, "name"),
                "rule": rule,
                "span": span_in_words(rule),
                "coming": rule.coming,
                "address": reverse("admin:tours_schedulerule_change", args=[rule.pk]),
            }
            for rule in rules.order_by("option__display_order", "start_time", "valid_from")
        ],
        "calendar": f"{reverse('admin:departure_calendar')}?tour={tour.pk}",
    }


TOUR.panel("schedule", "admin/tours/editor/schedule.html", schedule_of_tour)


class OptionForm(forms.ModelForm):
    def clean_by_opening_hours(self) -> bool:
        wanted: bool = self.cleaned_data["by_opening_hours"]
        if "by_opening_hours" in self.changed_data and self.instance.departures.upcoming().exists():
            raise forms.ValidationError(_("There are departures to come: opening hours and start times do not mix."))
        return wanted


@admin.register(TourOption)
class TourOptionAdmin(LooksFirst, EditedInTabs, CatalogueAdmin):
    """Reached from its tour, where options are added. What its page is made of: `tours.admin.editor.OPTION`."""

    editor = OPTION
    form = OptionForm

    list_display = ["tour", "name_en", "name_ar", "code", "capacity", "price_list"]
    list_select_related = ["tour"]
    search_fields = ["tour__title_en", "tour__title_ar", "name_en", "name_ar", "code"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .filter(tour__deleted_at=None)
            .select_related("tour")
            .prefetch_related("prices__category")
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if {"duration_minutes", "opens_days_before", "by_opening_hours"} & set(form.changed_data):
            follow_options(form.instance.tour_id)
        if form.has_changed() or any(formset.has_changed() for formset in formsets):
            settle_tour(form.instance.tour_id)

    def delete_model(self, request: HttpRequest, obj: TourOption) -> None:
        tour_id = obj.tour_id
        super().delete_model(request, obj)
        settle_tour(tour_id)

    def response_post_save_change(self, request: HttpRequest, obj: TourOption) -> HttpResponse:
        return redirect(f"{reverse('admin:tours_tour_change', args=[obj.tour_id])}#tab-prices")

    @display(description=_("prices"))
    def price_list(self, option: TourOption) -> str:
        return prices_of(option, option.tour.currency_id)
