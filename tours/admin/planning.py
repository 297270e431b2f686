"""Changes of the schedule that touch departures are shown before they are made: pages that lead there."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from tours.services.planning import Replan
from tours.services.schedule import change_or_plan


def looked_at_first(request: Any, operations: list[dict[str, Any]], title: str) -> Replan | None:
    """What the operations did; or None where they touch departures: then the page leads to their preview."""
    change, replan = change_or_plan(operations=operations, title=title, actor=request.user)
    if change is None:
        return replan
    request.planned_change = change
    return None


def to_the_preview(request: Any) -> HttpResponse | None:
    """Where a page goes on that has planned a change."""
    change = getattr(request, "planned_change", None)
    if change is None:
        return None
    messages.warning(
        request, _("Nothing has happened to the departures yet. Look at what the change does, then apply it.")
    )
    return redirect("admin:planned_change", change.pk)


class LooksFirst:
    """For admins whose rows make departures. Put it before `CatalogueAdmin`."""

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return to_the_preview(request) or super().response_add(request, obj, post_url_continue)  # type: ignore[misc]

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return to_the_preview(request) or super().response_change(request, obj)  # type: ignore[misc]

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        return to_the_preview(request) or super().response_delete(request, obj_display, obj_id)  # type: ignore[misc]
