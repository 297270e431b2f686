"""Bulk change of availability: which departures, what is different, what that touches; then one click."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from bookings import wording
from bookings.admin.decision import DecisionForm, places_of, targets_shown
from bookings.admin.plans import bookings_of, bookings_shown
from bookings.services.replanning import Decision, How, decide_for_guests, nearest_starts, rows_at, withdraw_offers_of
from config.admin import page
from config.errors import DomainError
from config.i18n import in_language
from tours.models import Departure, DepartureStatus, Destination, Tour, TourOption
from tours.models.schedule import weekday_names
from tours.services.bulk import Plan, Planned, Wish, apply_changes, plan_changes

FOUND_AT_MOST = 12  # tours of a search
TICKED_AT_MOST = 200
ROWS_AT_MOST = 300  # departures that are shown; the others are counted
DAY = {"type": "date"}
FIELD_NAMES = {
    "capacity": gettext_lazy("Places"),
    "status": gettext_lazy("Status"),
    "note_en": gettext_lazy("Note (English)"),
    "note_ar": gettext_lazy("Note (Arabic)"),
    "cutoff_at": gettext_lazy("Bookings close at"),
}


class WishForm(forms.Form):
    date_from = forms.DateField(label=gettext_lazy("From the day"), widget=UnfoldAdminTextInputWidget(DAY))
    date_to = forms.DateField(label=gettext_lazy("Until the day"), widget=UnfoldAdminTextInputWidget(DAY))
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("On"), coerce=int, widget=forms.CheckboxSelectMultiple, choices=()
    )
    find = forms.CharField(
        label=gettext_lazy("Find tours, in English or Arabic"),
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget({"type": "search"}),
    )
    what = forms.MultipleChoiceField(
        label=gettext_lazy("Tours and options"), required=False, widget=forms.CheckboxSelectMultiple
    )
    places = forms.MultipleChoiceField(
        label=gettext_lazy("Destinations"), required=False, widget=forms.CheckboxSelectMultiple
    )
    capacity = forms.IntegerField(
        label=gettext_lazy("Places"), required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget
    )
    status = forms.ChoiceField(
        label=gettext_lazy("Sale"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=[
            ("", gettext_lazy("as it is")),
            (DepartureStatus.CLOSED, gettext_lazy("close")),
            (DepartureStatus.OPEN, gettext_lazy("open")),
        ],
    )
    cutoff_minutes = forms.IntegerField(
        label=gettext_lazy("Bookings close, minutes before the start"),
        required=False,
        min_value=0,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    change_notes = forms.BooleanField(label=gettext_lazy("Replace the notes for guests by these"), required=False)
    note_en = forms.CharField(
        label=gettext_lazy("Note (English)"),
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget({"dir": "ltr", "lang": "en"}),
    )
    note_ar = forms.CharField(
        label=gettext_lazy("Note (Arabic)"),
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget({"dir": "rtl", "lang": "ar"}),
    )
    back = forms.CharField(required=False, max_length=500, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Kept in the audit trail; closing needs one."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["weekdays"].choices = list(weekday_names().items())  # type: ignore[attr-defined]
        self.fields["what"].choices = _tours_and_options(self)  # type: ignore[attr-defined]
        self.fields["places"].choices = [(str(one.pk), str(one)) for one in Destination.objects.all()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("status") == DepartureStatus.CLOSED and not values.get("reason", "").strip():
            self.add_error("reason", _("Say why."))
        return values

    def wish(self) -> Wish:
        """What was asked for, once it is valid."""
        values = self.cleaned_data
        chosen = [value.split(":") for value in values["what"]]
        return Wish(
            date_from=values["date_from"],
            date_to=values["date_to"],
            weekdays=tuple(values["weekdays"]),
            tour_ids=tuple(UUID(pk) for kind, pk in chosen if kind == "tour"),
            option_ids=tuple(UUID(pk) for kind, pk in chosen if kind == "option"),
            destination_ids=tuple(UUID(pk) for pk in values["places"]),
            capacity=values["capacity"],
            status=values["status"] or None,
            cutoff_minutes=values["cutoff_minutes"],
            note_en=values["note_en"] if values["change_notes"] else None,
            note_ar=values["note_ar"] if values["change_notes"] else None,
        )


def _tours_and_options(form: WishForm) -> list[tuple[str, str]]:
    """What was ticked, then what is found: each tour with its options, by name. Two queries."""
    ticked, sought = _ticked(form), str(form.data.get("find", "")).strip()[:100]
    options = TourOption.objects.filter(tour__deleted_at=None).select_related("tour")
    wanted = Q(tour_id__in=ticked["tour"]) | Q(pk__in=ticked["option"])
    if len(sought) > 1:
        found = Tour.objects.alive().filter(Q(title_en__icontains=sought) | Q(title_ar__icontains=sought))
        wanted |= Q(tour_id__in=list(found.order_by("title_en").values_list("pk", flat=True)[:FOUND_AT_MOST]))
    rows: dict[str, str] = {}
    known = options.filter(wanted).only(
        "code", "name_en", "name_ar", "display_order", "tour__title_en", "tour__title_ar"
    )
    for option in sorted(known, key=lambda one: (str(in_language(one.tour, "title")), one.display_order, one.code)):
        title = str(in_language(option.tour, "title"))
        rows.setdefault(f"tour:{option.tour_id}", _("{tour} (all options)").format(tour=title))
        rows[f"option:{option.pk}"] = f"{title} · {in_language(option, 'name')}"
    return list(rows.items())


def _ticked(form: WishForm) -> dict[str, list[UUID]]:
    ticked: dict[str, list[UUID]] = {"tour": [], "option": []}
    data: Any = form.data
    for value in data.getlist("what")[:TICKED_AT_MOST] if form.is_bound else ():
        kind, _colon, written = value.partition(":")
        with suppress(ValueError, KeyError):
            ticked[kind].append(UUID(written))
    return ticked


@page("availability/", name="availability", permission="tours.change_departure")
def change_availability(request: HttpRequest) -> HttpResponse:
    """The form; with `do=look` the preview below it; with `do=apply` and the preview's fingerprint, it is done."""
    today = localdate().isoformat()
    first = {"date_from": today, "date_to": today, "weekdays": list(range(1, 8))}
    form = WishForm(request.POST if request.method == "POST" else None, initial=first)
    decision = DecisionForm(request, request.POST if request.method == "POST" else None)
    plan, refusal, status = None, "", 200
    if request.method == "POST" and request.POST.get("do") == "find":
        form.errors.clear()  # nothing was asked for yet but the names
    elif request.method == "POST" and form.is_valid():
        if form.cleaned_data["status"] and not request.user.has_perm("tours.close"):  # type: ignore[union-attr]
            raise PermissionDenied
        try:
            if request.POST.get("do") == "apply" and decision.is_bound and not decision.is_valid():
                status = 400
            elif request.POST.get("do") == "apply":
                done, told = _apply(request, form, decision.decision())
                messages.success(request, " ".join([_done_in_words(done), *told]))
                return redirect(safe_address(form.cleaned_data["back"]) or "admin:availability")
            plan = plan_changes(form.wish())
        except DomainError as fault:
            refusal, status = str(fault), fault.status
            _show_faults(form, fault)
            plan = _plan_again(form, fault)
    elif request.method == "POST":
        status = 400
    context = {
        **admin.site.each_context(request),
        "title": _("Change availability"),
        "form": form,
        "refusal": refusal,
        "plan": _plan_in_words(plan, request.POST) if plan is not None else None,
        "decision": decision,
        "may_close": request.user.has_perm("tours.close"),  # type: ignore[union-attr]
    }
    return TemplateResponse(request, "admin/bookings/availability.html", context, status=status)


def safe_address(address: str) -> str:
    """The page of ours that a wish was made on, such as the calendar; nothing where it is none of ours."""
    return address if url_has_allowed_host_and_scheme(address, allowed_hosts=None) else ""


@transaction.atomic
def _apply(request: HttpRequest, form: WishForm, decision: Decision) -> tuple[Plan, list[str]]:
    """The departures and their guests at once, or nothing; and what became of the guests."""
    if decision.how != How.KEEP and not request.user.has_perm("bookings.change_booking"):  # type: ignore[union-attr]
        raise PermissionDenied
    reason = form.cleaned_data["reason"].strip()
    plan = apply_changes(
        wish=form.wish(),
        fingerprint=request.POST.get("fingerprint", ""),
        actor=request.user,
        reason=reason,
        also_lock=[row.pk for row in rows_at(decision.targets.values())],
    )
    outcome = decide_for_guests(departure_ids=[row.pk for row in _closing(plan)], decision=decision, actor=request.user)
    opening = [row.departure.pk for row in plan.changing if _becomes(row, DepartureStatus.OPEN)]
    outcome["choices_withdrawn"] = withdraw_offers_of(departure_ids=opening, actor=request.user, reason=reason)
    return plan, [words.format(n=outcome[name]) for name, words in _outcomes().items() if outcome.get(name)]


def _outcomes() -> dict[str, str]:
    return {
        "bookings_moved": _("Bookings moved: {n}."),
        "bookings_offered": _("Bookings offered a choice: {n}."),
        "choices_withdrawn": _("Choices withdrawn: {n}."),
    }


def _becomes(row: Planned, status: str) -> bool:
    return "status" in row.changes and row.changes["status"][1] == status


def _closing(plan: Plan) -> list[Departure]:
    """The departures with guests that the plan closes."""
    closing = [row.departure for row in plan.changing if _becomes(row, DepartureStatus.CLOSED)]
    return [row for row in closing if row.seats_booked or row.seats_held]


def _show_faults(form: WishForm, fault: DomainError) -> None:
    for name, sentences in fault.details.items():
        if name in form.fields:
            form.add_error(name, sentences)


def _plan_again(form: WishForm, fault: DomainError) -> Plan | None:
    """After a stale preview, or where guests cannot be moved, what holds now."""
    if fault.code not in ("plan_stale", "guests_not_moved"):
        return None
    return plan_changes(form.wish())


def _done_in_words(plan: Plan) -> str:
    count, left = len(plan.changing), len(plan.refused)
    told = ngettext("{n} departure is changed.", "{n} departures are changed.", count).format(n=count)
    if not left:
        return told
    return f"{told} {ngettext('{n} was left as it is.', '{n} were left as they are.', left).format(n=left)}"


def _plan_in_words(plan: Plan, data: Any) -> dict[str, Any]:
    changed = [row for row in plan.rows if row.changes or row.refusal]
    # Those with guests are never left out of what is shown.
    shown = sorted(changed, key=lambda row: not (row.departure.seats_booked or row.departure.seats_held))[:ROWS_AT_MOST]
    shown.sort(key=lambda row: (row.departure.starts_at, str(row.departure.pk)))
    touched = bookings_of([row.departure for row in changed if row.departure.seats_booked or row.departure.seats_held])
    closing = _closing(plan)
    changing = {row.departure.pk for row in plan.changing}
    seen = {row.departure.pk for row in shown}
    nearest = nearest_starts([row for row in closing if row.pk in seen], without=changing)
    left = places_of(nearest)
    guests = {
        booking: number
        for departure, lines in touched.items()
        if departure in changing
        for booking, _reference, _contact, number in lines
    }
    return {
        "rows": [
            _row_in_words(row, touched.get(row.departure.pk, []))
            | {"pk": row.departure.pk, "targets": targets_shown(row.departure, nearest, left, data)}
            for row in shown
        ],
        "more": len(changed) - len(shown),
        "closing": len(closing),
        "changing": len(changing),
        "refused": len(plan.refused),
        "same": len(plan.rows) - len(changed),
        "bookings": len(guests),
        "guests": sum(guests.values()),
        "fingerprint": plan.fingerprint,
    }


def _row_in_words(row: Planned, bookings: list[tuple[UUID, str, str, int]]) -> dict[str, Any]:
    departure = row.departure
    start = departure.local_start()
    end = wording.local(departure.ends_at, departure.tour.destination.time_zone)
    return {
        "start": wording.span_in_words(start, end, departure.any_time),
        "tour": in_language(departure.tour, "title"),
        "option": in_language(departure.option, "name"),
        "booked": departure.seats_booked,
        "held": departure.seats_held,
        "changes": [
            (FIELD_NAMES[name], _value_in_words(departure, name, old), _value_in_words(departure, name, new))
            for name, (old, new) in row.changes.items()
        ],
        "refusal": row.refusal,
        **bookings_shown(bookings),
    }


def _value_in_words(departure: Departure, name: str, value: Any) -> str:
    if name == "status":
        return str(DepartureStatus(value).label)
    if name == "cutoff_at":
        return f"{wording.local(value, departure.tour.destination.time_zone):%Y-%m-%d %H:%M}"
    return str(value) or "–"
