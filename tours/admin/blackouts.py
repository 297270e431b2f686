"""Blackouts: days on which nothing runs, one by one or a whole year's list at once."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from config.admin import page
from config.errors import DomainError
from config.i18n import in_language
from tours.admin.pages import CatalogueAdmin
from tours.admin.planning import LooksFirst, looked_at_first, to_the_preview
from tours.models import Blackout, Destination, Tour
from tours.services.operations import BLACKOUT_FIELDS, written

MOST_LINES = 200


@admin.register(Blackout)
class BlackoutAdmin(LooksFirst, CatalogueAdmin, ModelAdmin):
    empty_hint = gettext_lazy("Days on which nothing runs: of one tour, one destination, or everywhere.")
    list_display = ["days", "scope", "reason"]
    list_select_related = ["tour", "destination"]
    list_filter = ["destination"]
    search_fields = ["reason_en", "reason_ar", "tour__title_en", "tour__title_ar"]
    ordering = ["-first_day"]
    autocomplete_fields = ["tour", "destination"]
    actions_list = ["enter_many"]
    fieldsets = [
        (
            None,
            {
                "fields": [("tour", "destination"), ("first_day", "last_day"), ("reason_en", "reason_ar")],
                "description": gettext_lazy("Without a tour and a destination, nothing at all runs on these days."),
            },
        )
    ]

    @action(description=gettext_lazy("Enter many at once"), icon="playlist_add", permissions=["add"])
    def enter_many(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:blackout_list")

    def save_model(self, request: HttpRequest, obj: Blackout, form: Any, change: bool) -> None:
        data = written({name: form.cleaned_data[name] for name in BLACKOUT_FIELDS})
        operation: dict[str, Any] = {"op": "blackout.add", "data": data}
        if change:
            operation |= {"op": "blackout.change", "blackout": str(obj.pk)}
        done = looked_at_first(request, [operation], _("Blackout {days}").format(days=obj))
        if done is not None and done.done and not change:
            obj.pk = done.done[0].subject.pk

    def delete_model(self, request: HttpRequest, obj: Blackout) -> None:
        operation = {"op": "blackout.delete", "blackout": str(obj.pk)}
        looked_at_first(request, [operation], _("Blackout {days} lifted").format(days=obj))

    @display(description=gettext_lazy("days"), ordering="first_day")
    def days(self, blackout: Blackout) -> str:
        first, last = (date_format(day, "D j M Y") for day in (blackout.first_day, blackout.last_day))
        return first if blackout.first_day == blackout.last_day else f"{first} – {last}"

    @display(description=gettext_lazy("of"))
    def scope(self, blackout: Blackout) -> str:
        return str(blackout.tour or blackout.destination or _("everything"))

    @display(description=gettext_lazy("reason"))
    def reason(self, blackout: Blackout) -> str:
        return str(in_language(blackout, "reason"))


class ManyForm(forms.Form):
    """A list as it stands in a calendar of holidays."""

    tour: Any = forms.ModelChoiceField(
        label=gettext_lazy("Tour"), queryset=None, required=False, widget=UnfoldAdminSelectWidget
    )
    destination: Any = forms.ModelChoiceField(
        label=gettext_lazy("Destination"), queryset=None, required=False, widget=UnfoldAdminSelectWidget
    )
    lines = forms.CharField(
        label=gettext_lazy("Days"),
        max_length=40_000,
        widget=UnfoldAdminTextareaWidget({"rows": 12, "dir": "auto"}),
        help_text=gettext_lazy(
            "One a line: 2027-01-07 | Coptic Christmas | عيد الميلاد. Several days: 2027-03-09 - 2027-03-12 | … | …"
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tour"].queryset = Tour.objects.alive().order_by("title_en")  # type: ignore[attr-defined]
        self.fields["destination"].queryset = Destination.objects.all()  # type: ignore[attr-defined]

    def clean_lines(self) -> list[dict[str, Any]]:
        """Every line's days and reasons; each faulty line is named."""
        found, faults = [], []
        lines = [line.strip() for line in self.cleaned_data["lines"].splitlines()]
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            parts = [part.strip() for part in line.split("|")]
            first, _dash, last = parts[0].partition(" - ")
            try:
                days = date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip())
            except ValueError:
                faults.append(_("Line {n}: the day is written 2027-01-31.").format(n=number))
                continue
            if days[1] < days[0]:
                faults.append(_("Line {n}: the last day cannot be before the first.").format(n=number))
            elif days[1] < localdate():
                faults.append(_("Line {n}: this is over.").format(n=number))
            elif len(parts) != 3 or not all(parts) or max(len(part) for part in parts[1:]) > 200:
                faults.append(_("Line {n}: say why in both languages, with | between.").format(n=number))
            else:
                found.append({"first_day": days[0], "last_day": days[1], "reason_en": parts[1], "reason_ar": parts[2]})
        if len(found) > MOST_LINES:
            faults.append(_("At most {most} lines.").format(most=MOST_LINES))
        if faults:
            raise forms.ValidationError(faults)
        return found

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("tour") and values.get("destination"):
            self.add_error("destination", _("Choose a tour or a destination, not both."))
        return values


@page("blackouts/many/", name="blackout_list", permission="tours.add_blackout")
def enter_many(request: HttpRequest) -> HttpResponse:
    """A year's holidays at once; with a look first where departures are there."""
    form = ManyForm(request.POST or None)
    status = 400 if request.method == "POST" and not form.is_valid() else 200
    if form.is_valid():
        scope = {"tour": form.cleaned_data["tour"], "destination": form.cleaned_data["destination"]}
        rows = form.cleaned_data["lines"]
        operations = [{"op": "blackout.add", "data": written(scope | row)} for row in rows]
        try:
            looked_at_first(request, operations, _("Blackouts: {n}").format(n=len(rows)))
        except DomainError as refusal:
            messages.error(request, str(refusal))
            status = refusal.status
        else:
            return to_the_preview(request) or redirect("admin:tours_blackout_changelist")
    context = {**admin.site.each_context(request), "title": _("Blackouts"), "form": form}
    return TemplateResponse(request, "admin/tours/blackout_list.html", context, status=status)
