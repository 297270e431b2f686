"""Places kept for partners: who gets how many of which option, and how many of them are used, day by day."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.admin_audit import AuditedAdmin
from bookings.models import Allotment, AllottedPlaces, Partner
from bookings.services.allotments import arrange_allotments, release_moment
from config.admin import page
from config.i18n import in_language
from tours.admin.schedule import Weekdays
from tours.models.schedule import weekday_names

DAYS = 7


class AllotmentForm(forms.ModelForm):
    weekdays = forms.TypedMultipleChoiceField(label=gettext_lazy("weekdays"), coerce=int, widget=Weekdays)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["weekdays"].choices = list(weekday_names().items())  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        partner = values.get("partner") or getattr(self.instance, "partner", None)
        option = values.get("option") or getattr(self.instance, "option", None)
        first, last = values.get("first_day"), values.get("last_day")
        if partner and option and first and last and values.get("is_active"):
            others = Allotment.objects.filter(
                partner=partner,
                option=option,
                is_active=True,
                first_day__lte=last,
                last_day__gte=first,
                weekdays__overlap=values.get("weekdays") or [],
            )
            if others.exclude(pk=self.instance.pk).exists():
                self.add_error("first_day", _("This partner has places of this option on such days already."))
        return values


@admin.register(Allotment)
class AllotmentAdmin(AuditedAdmin, ModelAdmin):
    empty_hint = gettext_lazy(
        "Places that a partner sells without asking first. What it does not use comes back on sale."
    )
    form = AllotmentForm
    list_display = ["partner", "option", "places", "first_day", "last_day", "release_days", "used_shown", "is_active"]
    list_filter = [("partner", AutocompleteSelectFilter), ("option", AutocompleteSelectFilter), "is_active"]
    list_filter_submit = True
    list_select_related = ["partner", "option__tour"]
    autocomplete_fields = ["partner", "option"]
    search_fields = ["partner__name_en", "partner__name_ar", "option__tour__title_en", "option__tour__title_ar"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("partner", "option"),
                    ("places", "release_days"),
                    ("first_day", "last_day"),
                    "weekdays",
                    "is_active",
                ]
            },
        )
    ]
    warn_unsaved_form = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(kept=Sum("departures__places", default=0), used=Sum("departures__used", default=0))
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["partner", "option"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is switched off: holds and bookings were made from it."""
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        allotment = form.instance
        arrange_allotments(allotment_ids=[allotment.pk])
        rows = AllottedPlaces.objects.filter(allotment=allotment, released_at=None, places__lt=allotment.places)
        if allotment.is_active and rows.exists():
            messages.warning(
                request,
                _("Not all of these places could be kept: departures are too full. It is tried again each night."),
            )

    @display(description=gettext_lazy("used and kept"))
    def used_shown(self, allotment: Any) -> str:
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}?partner={}&first={}">{}</a>',
            reverse("admin:allotment_grid"),
            allotment.partner_id,
            max(allotment.first_day, localdate()).isoformat(),
            _("{used} of {places}").format(used=allotment.used, places=allotment.kept),
        )


@page("allotments/", name="allotment_grid", permission="bookings.view_allotment")
def allotment_grid(request: HttpRequest) -> HttpResponse:
    """Partners and options by day, from `?first=` on; of one `?partner=` or of all."""
    first = _day(request.GET.get("first", ""))
    days = [first + timedelta(days=number) for number in range(DAYS)]
    rows = AllottedPlaces.objects.filter(departure__local_date__range=(days[0], days[-1])).select_related(
        "partner", "allotment", "departure__option__tour__destination", "departure__tour__destination"
    )
    chosen = _uuid(request.GET.get("partner", ""))
    if chosen:
        rows = rows.filter(partner_id=chosen)
    lines: dict[tuple[str, str], dict[date, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows.order_by("departure__starts_at"):
        departure = row.departure
        name = f"{in_language(departure.tour, 'title')} · {in_language(departure.option, 'name')}"
        lines[str(row.partner), name][departure.local_date].append(
            {
                "time": f"{departure.local_start():%H:%M}",
                "used": row.used,
                "places": row.places,
                "left": row.left,
                "asked": row.allotment.places if row.allotment.places > row.places and not row.released_at else 0,
                "released": row.released_at is not None,
                "until": _("until {day}").format(day=date_format(release_moment(departure, row.allotment), "j M")),
                "link": reverse("admin:tours_departure_change", args=[departure.pk]),
            }
        )
    query = f"&partner={chosen}" if chosen else ""
    address = reverse("admin:allotment_grid")
    context = {
        **admin.site.each_context(request),
        "title": _("Places kept for partners"),
        "subtitle": None,
        "days": [(date_format(day, "D j M"), day == localdate()) for day in days],
        "lines": [
            (partner, name, [(date_format(day, "D j M"), found.get(day, [])) for day in days])
            for (partner, name), found in sorted(lines.items())
        ],
        "partners": [(str(one.pk), str(one), one.pk == chosen) for one in Partner.objects.all()],
        "first": first,
        "span": f"{date_format(days[0], 'j M')} – {date_format(days[-1], 'j M Y')}",
        "before": f"{address}?first={(first - timedelta(days=DAYS)).isoformat()}{query}",
        "after": f"{address}?first={(first + timedelta(days=DAYS)).isoformat()}{query}",
    }
    return TemplateResponse(request, "admin/bookings/allotments.html", context)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return localdate()
    return day if 2000 <= day.year <= 2100 else localdate()


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
