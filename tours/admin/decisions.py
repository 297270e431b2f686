"""Saying whether a departure runs that too few have booked, and the way from a departure to who goes along."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget

from config.admin import page
from config.errors import DomainError
from tours.admin.shown import local_time
from tours.models import BelowMinimum, Departure
from tours.services.minimum import decide_departure, decides_at, minimum_of


class DecisionForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text=gettext_lazy("Kept in the audit trail."),
    )


@page("departures/<uuid:departure_id>/decision/", name="departure_decision", permission="tours.view_departure")
def departure_decision(request: HttpRequest, departure_id: UUID) -> HttpResponse:
    """The minimum, what is booked, what was decided; two buttons with a reason."""
    departure = (
        Departure.objects.select_related("tour__destination", "option", "run_decision").filter(pk=departure_id).first()
    )
    if departure is None:
        raise Http404
    form = DecisionForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        if not request.user.has_perm("tours.close"):  # type: ignore[union-attr]
            raise PermissionDenied
        if form.is_valid():
            try:
                decide_departure(
                    departure_id=departure_id,
                    decision=request.POST.get("decision", ""),
                    actor=request.user,
                    reason=form.cleaned_data["reason"],
                )
            except DomainError as refusal:
                messages.error(request, str(refusal))
                status = refusal.status
            else:
                messages.success(request, _("Noted."))
                return redirect("admin:departure_decision", departure_id)
        else:
            status = 400
    known = getattr(departure, "run_decision", None)
    zone = departure.tour.destination.time_zone
    is_final = known is not None and known.decision != BelowMinimum.ASK
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Does it run?"),
        "subtitle": str(departure),
        "departure": departure,
        "starts": local_time(departure.starts_at, zone),
        "decides": local_time(decides_at(departure), zone),
        "minimum": minimum_of(departure),
        "known": known,
        "known_at": local_time(known.decided_at, zone) if known else "",
        "rule": BelowMinimum(departure.option.below_minimum).label,
        "form": form,
        "may_decide": request.user.has_perm("tours.close") and not is_final,  # type: ignore[union-attr]
    }
    return TemplateResponse(request, "admin/tours/decision.html", context, status=status)


@page("departures/<uuid:departure_id>/resources/", name="departure_resources", permission="tours.view_engagement")
def departure_resources(request: HttpRequest, departure_id: UUID) -> HttpResponse:
    """On to the week of the departure."""
    departure = Departure.objects.filter(pk=departure_id).first()
    if departure is None:
        raise Http404
    return redirect(f"{reverse('admin:resource_calendar')}?week={departure.local_date.isoformat()}")
