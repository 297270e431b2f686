"""Departures: how full they are, closing with a reason, capacity."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    RangeDateFilter,
)
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminSingleDateWidget,
    UnfoldAdminSingleTimeWidget,
    UnfoldAdminTextareaWidget,
)

from config.admin import id_of
from config.errors import DomainError
from config.i18n import in_language
from tours.admin.pages import CatalogueAdmin
from tours.admin.shown import badge, local_time, occupancy
from tours.models import Departure, DepartureStatus, TourOption
from tours.selectors.resources import engaged_for
from tours.services import add_departure, change_departure, close_departures, reopen_departures
from tours.services.minimum import minimum_of

TONES = {DepartureStatus.OPEN: "good", DepartureStatus.CLOSED: "warn", DepartureStatus.CANCELLED: "bad"}


class WhenFilter(DropdownFilter):
    """Departures to come, unless asked otherwise."""

    title = gettext_lazy("when")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("past", _("Past")), ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "all":
            return queryset
        if self.value() == "past":
            return queryset.filter(starts_at__lte=now()).order_by("-starts_at")
        return queryset.filter(starts_at__gt=now())


class AddDepartureForm(forms.ModelForm):
    day = forms.DateField(label=gettext_lazy("Date"), widget=UnfoldAdminSingleDateWidget)
    at = forms.TimeField(
        label=gettext_lazy("Starts at"),
        widget=UnfoldAdminSingleTimeWidget,
        help_text=gettext_lazy("In the destination's time zone."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "capacity" in self.fields:
            self.fields["capacity"].required = False
            self.fields["capacity"].help_text = _("The option's, when left empty.")

    def _post_clean(self) -> None:
        """The service makes the row; what it refuses is shown as the page's message."""


class ChangeDepartureForm(forms.ModelForm):
    def clean_capacity(self) -> int:
        capacity: int = self.cleaned_data["capacity"]
        if "capacity" not in self.changed_data:
            return capacity
        sold = self.instance.seats_taken
        if capacity < max(sold, 1):
            raise forms.ValidationError(
                _("{sold} places are held or booked already.").format(sold=sold)
                if sold
                else _("A departure has at least one place.")
            )
        return capacity


class CloseForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text=gettext_lazy("Kept in the audit trail."),
    )


@admin.register(Departure)
class DepartureAdmin(CatalogueAdmin):
    list_display = ["start_shown", "tour_shown", "occupancy_shown", "status_shown", "cutoff_shown"]
    list_filter = [
        WhenFilter,
        ("tour", AutocompleteSelectFilter),
        ("local_date", RangeDateFilter),
        ("status", ChoicesDropdownFilter),
    ]
    list_select_related = ["tour__destination", "option"]
    date_hierarchy = "local_date"
    search_fields = ["tour__title_en", "tour__title_ar", "option__name_en", "option__name_ar"]
    ordering = ["starts_at"]
    autocomplete_fields = ["option"]
    actions = ["close_chosen", "reopen_chosen"]
    actions_detail = ["close_this"]
    actions_submit_line = ["reopen_this"]
    list_per_page = 50
    keeps_changes_of_others = True
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("tour_link", "start_shown"),
                    ("status_shown", "occupancy_shown"),
                    ("end_shown", "cutoff_shown"),
                    ("opens_shown", "partner_cutoff_shown"),
                    ("capacity", "min_to_run"),
                    ("note_en", "note_ar"),
                    "rule_shown",
                    ("crew_shown", "run_shown"),
                ]
            },
        )
    ]
    add_fieldsets = [
        (None, {"fields": ["option", ("day", "at"), "capacity", ("note_en", "note_ar")]}),
    ]
    readonly_fields = [
        "tour_link",
        "start_shown",
        "end_shown",
        "cutoff_shown",
        "opens_shown",
        "partner_cutoff_shown",
        "status_shown",
        "occupancy_shown",
        "rule_shown",
        "crew_shown",
        "run_shown",
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(tour__deleted_at=None).select_related("tour__destination", "option")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = ChangeDepartureForm if obj else AddDepartureForm
        return super().get_form(request, obj, change=change, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a departure is closed, never deleted: the schedule would only make it again

    def has_close_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("tours.close")

    def save_model(self, request: HttpRequest, obj: Departure, form: Any, change: bool) -> None:
        values = form.cleaned_data
        if change:
            data = {name: values[name] for name in form.changed_data}
            change_departure(departure_id=obj.pk, data=data, actor=request.user)
            return
        option: TourOption = values["option"]
        made = add_departure(
            option_id=option.pk,
            day=values["day"],
            at=values["at"],
            capacity=values.get("capacity"),
            note_en=values.get("note_en") or "",
            note_ar=values.get("note_ar") or "",
            actor=request.user,
        )
        obj.__dict__.update(made.__dict__)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if f"{self.opts.app_label}_{self.opts.model_name}_reopen_this" in request.POST:
            self.reopen_this(request, form.instance)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Closing is offered for what is open."""
        known = Departure.objects.filter(pk=id_of(object_id)) if object_id else Departure.objects.none()
        is_open = known.filter(status=DepartureStatus.OPEN).exists()
        return super().get_actions_detail(request, object_id) if is_open else []

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> Any:
        """Reopening is offered for what is closed and still to come."""
        known = Departure.objects.filter(pk=id_of(object_id)) if object_id else Departure.objects.none()
        closed = known.filter(status=DepartureStatus.CLOSED).upcoming().exists()
        return super().get_actions_submit_line(request, object_id) if closed else []

    # --- Closing, with a page that asks why ---

    def get_urls(self) -> list[Any]:
        page = path("close/", self.admin_site.admin_view(self.close_view), name="tours_departure_close")
        return [page, *super().get_urls()]

    @action(description=gettext_lazy("Close …"), icon="block", permissions=["close"])
    def close_this(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        return redirect(f"{reverse('admin:tours_departure_close')}?ids={object_id}")

    @admin.action(description=gettext_lazy("Close …"), permissions=["close"])
    def close_chosen(self, request: HttpRequest, queryset: QuerySet[Departure]) -> HttpResponseRedirect:
        ids = ",".join(str(pk) for pk in queryset.values_list("pk", flat=True)[:200])
        return redirect(f"{reverse('admin:tours_departure_close')}?ids={ids}")

    def close_view(self, request: HttpRequest) -> HttpResponse:
        """Shows the departures with the guests they have and asks for the reason; the answer closes them."""
        if not self.has_close_permission(request):
            raise PermissionDenied
        ids = _uuids(request.GET.get("ids", ""))
        departures = list(self.get_queryset(request).filter(pk__in=ids).order_by("starts_at"))
        form = CloseForm(request.POST or None)
        if departures and form.is_valid():
            try:
                close_departures(
                    departure_ids=[row.pk for row in departures], actor=request.user, reason=form.cleaned_data["reason"]
                )
            except DomainError as refusal:
                messages.error(request, str(refusal))
            else:
                count = len(departures)
                messages.success(
                    request, ngettext("{n} departure closed.", "{n} departures closed.", count).format(n=count)
                )
            return redirect("admin:tours_departure_changelist")
        for row in departures:
            row.start_text = local_time(row.starts_at, row.tour.destination.time_zone)  # type: ignore[attr-defined]
        booked = sum(row.seats_booked for row in departures)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Close departures"),
            "departures": departures,
            "booked": booked,
            "held": sum(row.seats_held for row in departures),
            "form": form,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/tours/departure/close.html", context)

    @action(description=gettext_lazy("Reopen"), permissions=["close"])
    def reopen_this(self, request: HttpRequest, obj: Departure) -> None:
        self._reopen(request, [obj.pk])

    @admin.action(description=gettext_lazy("Reopen"), permissions=["close"])
    def reopen_chosen(self, request: HttpRequest, queryset: QuerySet[Departure]) -> None:
        self._reopen(request, list(queryset.values_list("pk", flat=True)))

    def _reopen(self, request: HttpRequest, ids: list[UUID]) -> None:
        try:
            count = len(reopen_departures(departure_ids=ids, actor=request.user))
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(
                request, ngettext("{n} departure is open.", "{n} departures are open.", count).format(n=count)
            )

    # --- How it looks ---

    @display(description=gettext_lazy("starts at"), ordering="starts_at")
    def start_shown(self, departure: Departure) -> str:
        zone = departure.tour.destination.time_zone
        if departure.any_time:
            until = departure.ends_at.astimezone(ZoneInfo(zone))
            return f"{local_time(departure.starts_at, zone)}\u2013{until:%H:%M}"
        return local_time(departure.starts_at, zone)

    @display(description=gettext_lazy("ends at"))
    def end_shown(self, departure: Departure) -> str:
        return local_time(departure.ends_at, departure.tour.destination.time_zone)

    @display(description=gettext_lazy("bookings close at"), ordering="cutoff_at")
    def cutoff_shown(self, departure: Departure) -> str:
        return local_time(departure.cutoff_at, departure.tour.destination.time_zone)

    @display(description=gettext_lazy("on sale from"))
    def opens_shown(self, departure: Departure) -> str:
        return local_time(departure.opens_at, departure.tour.destination.time_zone)

    @display(description=gettext_lazy("bookings by partners close at"))
    def partner_cutoff_shown(self, departure: Departure) -> str:
        return local_time(departure.partner_cutoff_at or departure.cutoff_at, departure.tour.destination.time_zone)

    @display(description=gettext_lazy("tour"), ordering="tour__title_en", header=True)
    def tour_shown(self, departure: Departure) -> Any:
        return [str(departure.tour), in_language(departure.option, "name")]

    @display(description=gettext_lazy("tour"))
    def tour_link(self, departure: Departure) -> str:
        address = reverse("admin:tours_tour_change", args=[departure.tour_id])
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', address, departure.option
        )

    @display(description=gettext_lazy("places taken"), ordering="seats_booked")
    def occupancy_shown(self, departure: Departure) -> str:
        return occupancy(departure)

    @display(description=gettext_lazy("status"), ordering="status")
    def status_shown(self, departure: Departure) -> str:
        if departure.status == DepartureStatus.OPEN and departure.opens_at and departure.opens_at > now():
            return badge(_("Not on sale yet"), "warn")
        if departure.status == DepartureStatus.OPEN and departure.cutoff_at <= now():
            return badge(_("Past its cut-off"))
        if departure.status == DepartureStatus.OPEN and departure.seats_left <= 0:
            return badge(_("Sold out"), "bad")
        return badge(departure.get_status_display(), TONES[DepartureStatus(departure.status)])

    @display(description=gettext_lazy("goes along"))
    def crew_shown(self, departure: Departure) -> str:
        rows = engaged_for([departure.pk]).get(departure.pk, [])
        names = " · ".join(f"{each.resource} ({each.get_state_display()})" for each in rows)
        return _link(reverse("admin:departure_resources", args=[departure.pk]), names or _("Nobody yet"))

    @display(description=gettext_lazy("does it run"))
    def run_shown(self, departure: Departure) -> str:
        minimum = minimum_of(departure)
        if not minimum:
            return _("With any number of guests")
        known = getattr(departure, "run_decision", None)
        words = _("From {n} guests").format(n=minimum)
        shown = f"{words} · {known.get_decision_display()}" if known else words
        return _link(reverse("admin:departure_decision", args=[departure.pk]), shown)

    @display(description=gettext_lazy("made by"))
    def rule_shown(self, departure: Departure) -> str:
        return str(departure.rule) if departure.rule_id else _("by hand")


def _link(address: str, words: Any) -> str:
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', address, words)


def _uuids(text: str) -> list[UUID]:
    found = []
    for part in text.split(",")[:200]:
        try:
            found.append(UUID(part))
        except ValueError:
            continue
    return found
