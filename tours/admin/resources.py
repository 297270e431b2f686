"""Guides, vehicles and equipment: their cards, what tours need of them, and the minimum to run."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.forms import PaginationInlineFormSet

from accounts.admin_audit import AuditedAdmin
from config.admin import link_to_copy
from tours.admin.editor import OPTION, TOUR
from tours.admin.pages import CatalogueAdmin, offer_options
from tours.guides import page_address
from tours.models import Resource, ResourceKind, ResourceNeed, Tour
from tours.services.needs import follow_needs
from tours.services.resources import renew_address


class ResourceForm(forms.ModelForm):
    def clean_skills(self) -> list[str]:
        return _words(self.cleaned_data["skills"])

    def clean_languages(self) -> list[str]:
        return _words(self.cleaned_data["languages"])

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("kind") != ResourceKind.VEHICLE:
            values["seats"] = None
        quantity = values.get("quantity")
        if self.instance.pk and quantity and "quantity" in self.changed_data:
            engaged = _most_engaged(self.instance)
            if engaged > quantity:
                self.add_error("quantity", _("{n} of it are engaged at once already.").format(n=engaged))
        return values


def _words(lines: list[str]) -> list[str]:
    """Each once, in small letters, so that tours and resources mean the same by the same word."""
    return list(dict.fromkeys(line.strip().casefold() for line in lines if line.strip()))


def _most_engaged(resource: Resource) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tours_most_engaged(%s::uuid, tstzrange(now(), NULL))", [resource.pk])
        return int(cursor.fetchone()[0])


@admin.register(Resource)
class ResourceAdmin(CatalogueAdmin):
    empty_hint = gettext_lazy(
        "Guides, vehicles and equipment that departures need. Who is free is then known when a departure is sold."
    )
    form = ResourceForm
    list_display = ["name_en", "name_ar", "kind", "can_shown", "size_shown", "is_active", "calendar_shown"]
    list_filter = [("kind", ChoicesDropdownFilter), "is_active"]
    search_fields = ["name_en", "name_ar", "email"]
    autocomplete_fields = ["user"]
    fieldsets = [
        (None, {"fields": [("kind", "is_active"), ("name_en", "name_ar"), ("seats", "quantity")]}),
        (gettext_lazy("What it can do"), {"fields": [("skills", "languages")]}),
        (
            gettext_lazy("Time"),
            {
                "fields": [("minutes_before", "minutes_after")],
                "description": gettext_lazy("For departures from now on; what is engaged already keeps its times."),
            },
        ),
        (gettext_lazy("How to reach it"), {"fields": [("email", "phone"), ("language", "user"), "address_shown"]}),
    ]
    readonly_fields = ["address_shown"]
    actions_submit_line = ["renew_address"]

    @display(description=gettext_lazy("own page and calendar"))
    def address_shown(self, resource: Resource) -> str:
        if resource._state.adding:
            return "–"
        return link_to_copy(page_address(resource))

    @action(description=gettext_lazy("New address of the page"), permissions=["change"])
    def renew_address(self, request: HttpRequest, obj: Resource) -> None:
        """The old one, and those in mails, open nothing any more."""
        renew_address(resource_id=obj.pk, actor=request.user)
        messages.success(request, _("The old address opens nothing any more."))

    @display(description=gettext_lazy("skills and languages"))
    def can_shown(self, resource: Resource) -> str:
        return " · ".join([*resource.skills, *resource.languages]) or "–"

    @display(description=gettext_lazy("seats or number"))
    def size_shown(self, resource: Resource) -> str:
        return {ResourceKind.VEHICLE: str(resource.seats), ResourceKind.EQUIPMENT: str(resource.quantity)}.get(
            ResourceKind(resource.kind), "–"
        )

    @display(description=gettext_lazy("calendar"))
    def calendar_shown(self, resource: Resource) -> str:
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}?kind={}">{}</a>',
            reverse("admin:resource_calendar"),
            resource.kind,
            _("Calendar"),
        )


class NeedForm(forms.ModelForm):
    def has_changed(self) -> bool:
        """A row that was added as it stands says something too: one guide, and warn us."""
        return bool(self.instance._state.adding or super().has_changed())

    def clean_skill(self) -> str:
        return str(self.cleaned_data["skill"]).strip().casefold()

    def clean_language(self) -> str:
        return str(self.cleaned_data["language"]).strip().casefold()


class NeedFormSet(PaginationInlineFormSet):
    """Offers the options of the tour at hand only, so that no other is accepted."""

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)
        if "option" in form.fields:
            offer_options(form.fields["option"], self.instance)
        return form

    @property
    def empty_form(self) -> Any:
        form = super().empty_form
        offer_options(form.fields["option"], self.instance)
        return form


class _Saver:
    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save()


class AuditedRows(AuditedAdmin, _Saver):
    """Saves the rows of an inline with their audit entries."""


class NeedInline(TabularInline):
    model = ResourceNeed
    form = NeedForm
    formset = NeedFormSet
    fields = ["kind", "skill", "language", "count", "per_guests", "option", "on_shortage"]
    extra = 0
    hide_title = True

    @staticmethod
    def save_rows(request: HttpRequest, tour: Tour, formset: Any) -> None:
        AuditedRows().save_formset(request, None, formset, True)
        if formset.has_changed():
            follow_needs(tour_id=tour.pk)


TOUR.inline("resources", NeedInline, order=10)
OPTION.fields(
    "capacity",
    ("min_to_run", "decide_hours_before"),
    "below_minimum",
    title=gettext_lazy("Minimum to run"),
    order=20,
)
