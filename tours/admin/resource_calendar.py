"""One week of all guides, vehicles and equipment: who is where, who is missing, who is away; assigned and taken off here."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.timezone import get_current_timezone, localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from config.admin import page
from config.errors import DomainError
from config.i18n import in_language
from tours.models import Engagement, EngagementState, Resource, ResourceKind
from tours.selectors.resources import Short, week
from tours.services.resources import add_leave, confirm_engagement, engage, release_engagement

TONES = {
    EngagementState.LEAVE: "away",
    EngagementState.TENTATIVE: "kept",
    EngagementState.ASSIGNED: "asked",
    EngagementState.ACCEPTED: "accepted",
}


class DayInput(UnfoldAdminTextInputWidget):
    """The browser's own choice of a day."""

    input_type = "date"

    def format_value(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value


class LeaveForm(forms.Form):
    resource: Any = forms.ModelChoiceField(
        label=gettext_lazy("Who or what"), queryset=None, widget=UnfoldAdminSelectWidget
    )
    first = forms.DateField(label=gettext_lazy("First day"), widget=DayInput)
    last = forms.DateField(label=gettext_lazy("Last day"), widget=DayInput)
    note = forms.CharField(label=gettext_lazy("Why"), max_length=300, required=False, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        resources: Any = self.fields["resource"]
        resources.queryset = Resource.objects.filter(is_active=True)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("first") and values.get("last") and values["last"] < values["first"]:
            self.add_error("last", _("This is before the first day."))
        return values


@page("resources/", name="resource_calendar", permission="tours.view_engagement")
def resource_calendar(request: HttpRequest) -> HttpResponse:
    """The week of `?week=` (any of its days), of one `?kind=` or of all; buttons post what is to be done."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in ResourceKind.values else ""
    first = _first_day(request.GET.get("week", ""))
    form = LeaveForm(initial={"first": max(first, localdate()), "last": max(first, localdate())})
    status = 200
    may_assign = request.user.has_perm("tours.assign")  # type: ignore[union-attr]
    if request.method == "POST":
        if not may_assign:
            raise PermissionDenied
        if request.POST.get("do") == "leave":
            form = LeaveForm(request.POST)
        try:
            if _do(request, form):
                return redirect(_address(first, kind))
            status = 400
        except DomainError as refusal:
            messages.error(request, str(refusal))
            status = refusal.status
    found = week(first, kind=kind)
    kinds = [("", _("All")), *((value, str(label)) for value, label in ResourceKind.choices)]
    context = {
        **admin.site.each_context(request),
        "title": _("Who goes where"),
        "subtitle": None,
        "days": [(day, date_format(day, "D j M"), day == localdate()) for day in found.days],
        "rows": [_row(row, found.days) for row in found.rows],
        "short": [_short(one) for one in found.short],
        "kinds": [(label, _address(first, value), value == kind) for value, label in kinds],
        "kind": kind,
        "week": first.isoformat(),
        "span": f"{date_format(found.days[0], 'j M')} – {date_format(found.days[-1], 'j M Y')}",
        "before": _address(first - timedelta(days=7), kind),
        "after": _address(first + timedelta(days=7), kind),
        "now_url": _address(_first_day(""), kind),
        "form": form,
        "may_assign": may_assign,
        "tones": [(tone, str(state.label)) for state, tone in TONES.items()],
    }
    return TemplateResponse(request, "admin/tours/resources.html", context, status=status)


def _do(request: HttpRequest, form: LeaveForm) -> bool:
    """Whether it was done; a form that is not valid is shown again."""
    what, actor = request.POST.get("do"), request.user
    if what == "assign":
        made = engage(resource_id=_id(request, "resource"), departure_id=_id(request, "departure"), actor=actor)
        messages.success(request, _("“{resource}” is assigned.").format(resource=made.resource))
    elif what == "ask":
        asked = confirm_engagement(engagement_id=_id(request, "engagement"), actor=actor)
        messages.success(request, _("“{resource}” is assigned.").format(resource=asked.resource))
    elif what == "release":
        release_engagement(engagement_id=_id(request, "engagement"), actor=actor, reason=request.POST.get("reason", ""))
        messages.success(request, _("Taken off."))
    elif what == "leave":
        if not form.is_valid():
            return False
        values, zone = form.cleaned_data, get_current_timezone()
        add_leave(
            resource_id=values["resource"].pk,
            starts_at=datetime.combine(values["first"], datetime.min.time(), zone),
            ends_at=datetime.combine(values["last"] + timedelta(days=1), datetime.min.time(), zone),
            note=values["note"],
            actor=actor,
        )
        messages.success(request, _("Noted: “{resource}” is away.").format(resource=values["resource"]))
    return True


def _id(request: HttpRequest, name: str) -> UUID:
    try:
        return UUID(request.POST.get(name, ""))
    except ValueError:
        return UUID(int=0)


def _first_day(text: str) -> date:
    """The first day of the week of a day: Saturday, as weeks begin where these tours run, in both languages."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = localdate()
    if not 2000 <= day.year <= 2100:
        day = localdate()
    return day - timedelta(days=(day.weekday() + 2) % 7)


def _address(first: date, kind: str) -> str:
    asked = {"week": first.isoformat()} | ({"kind": kind} if kind else {})
    return f"{reverse('admin:resource_calendar')}?{urlencode(asked)}"


def _row(row: Any, days: list[date]) -> dict[str, Any]:
    resource = row.resource
    size = (
        resource.seats if resource.kind == ResourceKind.VEHICLE else resource.quantity if not resource.is_whole else 0
    )
    return {
        "pk": resource.pk,
        "name": str(resource),
        "kind": resource.get_kind_display(),
        "can": " · ".join([*resource.skills, *resource.languages]),
        "size": size,
        "days": [
            (date_format(day, "D j M"), [_engagement(each) for each in found])
            for day, found in zip(days, row.days, strict=True)
        ],
    }


def _engagement(each: Engagement) -> dict[str, Any]:
    departure = each.departure
    return {
        "pk": each.pk,
        "tone": TONES[EngagementState(each.state)],
        "state": each.get_state_display(),
        "is_kept": each.state == EngagementState.TENTATIVE,
        "time": f"{departure.local_start():%H:%M}" if departure else "",
        "title": in_language(departure.tour, "title") if departure else each.note or each.get_state_display(),
        "link": reverse("admin:tours_departure_change", args=[departure.pk]) if departure else "",
        "quantity": each.quantity if not each.is_whole else 0,
    }


def _short(one: Short) -> dict[str, Any]:
    departure = one.departure
    start = departure.local_start()
    guests = departure.seats_held + departure.seats_booked
    return {
        "departure": departure.pk,
        "link": reverse("admin:tours_departure_change", args=[departure.pk]),
        "when": _("{date}, {time}").format(date=date_format(start, "D j M"), time=f"{start:%H:%M}"),
        "title": in_language(departure.tour, "title"),
        "guests": ngettext("{n} guest", "{n} guests", guests).format(n=guests),
        "need": str(one.need),
        "missing": one.missing,
        "declined": [str(each.resource) for each in one.declined],
        "free": [(resource.pk, str(resource)) for resource in one.free],
    }
