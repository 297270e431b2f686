"""The preview of a change of the schedule: what appears, goes and changes, whom it concerns; one button does exactly that."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.admin_audit import AuditedAdmin
from bookings import wording
from bookings.admin.decision import DecisionForm, places_of, targets_shown
from bookings.models import BookingItem, BookingStatus
from bookings.services.replanning import How, apply_planned_change, nearest_starts
from config.admin import page
from config.errors import DomainError
from config.i18n import in_language
from tours.models import Departure, PlannedChange
from tours.services.planning import Changed, Replan, look

SHOWN_AT_MOST = 60  # rows of a list; the others are counted
BOOKINGS_AT_MOST = 8
TOUCHED = (BookingStatus.PENDING_PAYMENT, BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS)
FIELD_NAMES = {
    "ends_at": gettext_lazy("Ends at"),
    "cutoff_at": gettext_lazy("Bookings close at"),
    "partner_cutoff_at": gettext_lazy("Bookings by partners close at"),
    "opens_at": gettext_lazy("On sale from"),
    "capacity": gettext_lazy("Places"),
    "rule_id": gettext_lazy("Schedule rule"),
}


@page(
    "schedule-change/<uuid:change_id>/",
    name="planned_change",
    permission=("tours.change_schedulerule", "tours.publish"),
)
def planned_change(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """Worked out anew each time; `do=apply` with the fingerprint that was shown does it."""
    change = PlannedChange.objects.filter(pk=change_id).first()
    if change is None:
        raise Http404
    archives = any(one["op"] == "tour.move" for one in change.operations)
    if not request.user.has_perm("tours.publish" if archives else "tours.change_schedulerule"):  # type: ignore[union-attr]
        raise PermissionDenied
    back = "admin:tours_tour_changelist" if archives else "admin:tours_schedulerule_changelist"
    if change.applied_at is not None:
        return redirect("admin:tours_plannedchange_change", change.pk)
    form = DecisionForm(request, request.POST if request.method == "POST" else None)
    if archives:  # nothing of the tour is left to move to
        form.leave_out(How.MOVE)
    refusal, status = "", 200
    if request.method == "POST" and request.POST.get("do") == "apply":
        if form.is_bound and not form.is_valid():
            status = 400
        else:
            decision = form.decision()
            if decision.how != How.KEEP and not request.user.has_perm("bookings.change_booking"):  # type: ignore[union-attr]
                raise PermissionDenied
            try:
                change, _done = apply_planned_change(
                    change_id=change.pk,
                    fingerprint=request.POST.get("fingerprint", ""),
                    decision=decision,
                    actor=request.user,
                )
            except DomainError as fault:
                refusal, status = str(fault), fault.status
            else:
                messages.success(request, f"{change.title}: {outcome_in_words(change.outcome)}")
                return redirect(back)
    try:
        replan: Replan | None = look(change.operations)
    except DomainError as fault:  # the world has moved on: what was planned cannot be done any more
        replan, refusal, status = None, refusal or str(fault), fault.status
    context = {
        **admin.site.each_context(request),
        "title": _("Change of the schedule"),
        "change": change,
        "refusal": refusal,
        "plan": _in_words(replan, request.POST) if replan else None,
        "decision": form,
        "archives": archives,
        "back": reverse(back),
    }
    return TemplateResponse(request, "admin/bookings/planned_change.html", context, status=status)


def outcome_in_words(outcome: Any) -> str:
    """What a change did, in one line."""
    names = {
        "departures_made": _("made: {n}"),
        "departures_removed": _("deleted: {n}"),
        "departures_closed": _("closed: {n}"),
        "departures_changed": _("changed: {n}"),
        "departures_left": _("with guests: {n}"),
        "bookings_moved": _("bookings moved: {n}"),
        "bookings_offered": _("bookings offered a choice: {n}"),
    }
    return ", ".join(
        words.format(n=outcome[name]) for name, words in names.items() if outcome and outcome.get(name)
    ) or _("nothing to do")


def _in_words(replan: Replan, data: Any) -> dict[str, Any]:
    bookings = bookings_of(replan.sold)
    nearest = nearest_starts(
        replan.sold[:SHOWN_AT_MOST], [*replan.appear, *replan.reopen], {row.pk for row in replan.vanish}
    )
    left = places_of(nearest)
    concerned = {one[0]: one[3] for rows in bookings.values() for one in rows}
    return {
        "fingerprint": replan.fingerprint,
        "appear": _list([*replan.appear, *replan.reopen]),
        "vanish": _list(replan.vanish),
        "stuck": _list(replan.stuck),
        "change": {
            "count": len(replan.change),
            "rows": [(_start(one.departure), _values(one)) for one in replan.change[:SHOWN_AT_MOST]],
            "more": max(0, len(replan.change) - SHOWN_AT_MOST),
        },
        "sold": {
            "count": len(replan.sold),
            "rows": [
                {
                    "pk": row.pk,
                    "start": _start(row),
                    "booked": row.seats_booked,
                    "held": row.seats_held,
                    "targets": targets_shown(row, nearest, left, data),
                    **bookings_shown(bookings.get(row.pk, [])),
                }
                for row in replan.sold[:SHOWN_AT_MOST]
            ],
            "more": max(0, len(replan.sold) - SHOWN_AT_MOST),
        },
        "bookings": len(concerned),
        "guests": sum(concerned.values()),
    }


def _list(rows: list[Departure]) -> dict[str, Any]:
    return {
        "count": len(rows),
        "rows": [_start(row) for row in rows[:SHOWN_AT_MOST]],
        "more": max(0, len(rows) - SHOWN_AT_MOST),
    }


def _start(departure: Departure) -> str:
    zone = departure.tour.destination.time_zone
    when = wording.span_in_words(
        wording.local(departure.starts_at, zone), wording.local(departure.ends_at, zone), departure.any_time
    )
    return f"{in_language(departure.tour, 'title')} · {in_language(departure.option, 'name')} · {when}"


def _values(one: Changed) -> list[tuple[str, str, str]]:
    zone = one.departure.tour.destination.time_zone

    def said(value: Any) -> str:
        return f"{wording.local(value, zone):%Y-%m-%d %H:%M}" if hasattr(value, "tzinfo") else str(value or "–")

    return [
        (str(FIELD_NAMES[name]), said(old), said(new)) for name, (old, new) in one.values.items() if name != "rule_id"
    ]


def bookings_of(departures: Any) -> dict[UUID, list[tuple[UUID, str, str, int]]]:
    """Bookings that still count, by departure: id, reference, contact, guests. One query."""
    found: dict[UUID, list[tuple[UUID, str, str, int]]] = defaultdict(list)
    items = BookingItem.objects.filter(
        departure__in=[row.pk for row in departures], booking__status__in=TOUCHED
    ).order_by("booking_id")
    for departure, booking, reference, contact, guests in items.values_list(
        "departure_id", "booking_id", "booking__reference", "booking__contact_name", "booking__guests"
    ):
        found[departure].append((booking, reference, contact, guests))
    return found


def bookings_shown(bookings: list[tuple[UUID, str, str, int]]) -> dict[str, Any]:
    """The first few with links, and how many more."""
    return {
        "bookings": [
            (reverse("admin:bookings_booking_change", args=[booking]), reference, contact, guests)
            for booking, reference, contact, guests in bookings[:BOOKINGS_AT_MOST]
        ],
        "more": max(0, len(bookings) - BOOKINGS_AT_MOST),
    }


@admin.register(PlannedChange)
class PlannedChangeAdmin(AuditedAdmin, ModelAdmin):
    """What was planned, and what became of it."""

    empty_hint = gettext_lazy(
        "What was changed in schedules, seasons and blackouts once departures were there, and what became of their guests."
    )
    list_display = ["title", "created_at", "made_by", "applied_at", "applied_by", "outcome_shown"]
    list_select_related = ["made_by", "applied_by"]
    ordering = ["-created_at"]
    fields = ["title", "made_by", "created_at", "applied_by", "applied_at", "outcome_shown", "preview_link"]
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=gettext_lazy("outcome"))
    def outcome_shown(self, change: PlannedChange) -> str:
        return outcome_in_words(change.outcome) if change.outcome is not None else _("not applied")

    @display(description=gettext_lazy("preview"))
    def preview_link(self, change: PlannedChange) -> str:
        return reverse("admin:planned_change", args=[change.pk]) if change.applied_at is None else "–"
