"""Archiving tours: planned here, looked at and decided on where every change of the schedule is."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from config.admin import page
from config.i18n import in_language
from tours.models import Tour, TourStatus
from tours.services.schedule import plan_change
from tours.services.states import ALLOWED_MOVES
from tours.services.status import moving

MOST_AT_ONCE = 50


@page("tours/<uuid:tour_id>/archive/", name="tours_archive", permission="tours.publish")
@require_POST
def archive_tour_page(request: HttpRequest, tour_id: UUID) -> HttpResponse:
    """On to the preview of what archiving the tour does."""
    return plan_to_archive(request, [tour_id])


def plan_to_archive(request: Any, tour_ids: Collection[UUID]) -> HttpResponse:
    """Write down that these tours are to be archived, and lead to what it does and whom it concerns."""
    from_here = [status for status, allowed in ALLOWED_MOVES.items() if TourStatus.ARCHIVED in allowed]
    found = Tour.objects.alive().filter(pk__in=tour_ids, status__in=from_here).order_by("title_en")
    tours = list(found[:MOST_AT_ONCE])
    if not tours:
        messages.warning(request, _("None of these tours can be archived."))
        return redirect("admin:tours_tour_changelist")
    title = (
        _("Archive “{tour}”").format(tour=in_language(tours[0], "title"))
        if len(tours) == 1
        else ngettext("Archive {n} tour", "Archive {n} tours", len(tours)).format(n=len(tours))
    )
    change = plan_change(
        operations=[moving(tour.pk, TourStatus.ARCHIVED) for tour in tours], title=title, actor=request.user
    )
    return redirect("admin:planned_change", change.pk)
