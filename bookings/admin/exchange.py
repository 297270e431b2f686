"""Import and export: the catalogue and departures both ways, bookings outward only, because a booking is made by its service."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.audit import record
from bookings.tables import BOOKING_COLUMNS, bookings_table
from config.admin import page
from config.errors import DomainError
from config.i18n import language_now
from config.tables import CSV_TYPE, XLSX_TYPE, TableUnreadable, csv_lines, read_table, xlsx_file
from tours.errors import ImportRefused
from tours.selectors.tables import DEPARTURE_COLUMNS, TOUR_COLUMNS, departures_table, tours_table
from tours.services.importing import Outcome, carry_out, rehearse

KEPT_FOR = 15 * 60  # seconds between looking at an import and confirming it
LONGEST_RANGE = 800  # days


@dataclass(frozen=True)
class Kind:
    """A table: who may take it out, and who may bring it in (nobody, where that is empty)."""

    name: Any
    columns: tuple[str, ...]
    rows: Callable[[date, date], Iterable[list[Any]]]
    out: str
    into: tuple[str, ...] = ()


KINDS = {
    "tours": Kind(
        gettext_lazy("Tours"),
        TOUR_COLUMNS,
        lambda _first, _last: tours_table(),
        "tours.view_tour",
        ("tours.add_tour", "tours.change_tour"),
    ),
    "departures": Kind(
        gettext_lazy("Departures"),
        DEPARTURE_COLUMNS,
        departures_table,
        "tours.view_departure",
        ("tours.add_departure", "tours.change_departure", "tours.close"),
    ),
    "bookings": Kind(gettext_lazy("Bookings"), BOOKING_COLUMNS, bookings_table, "bookings.view_booking"),
}


class ExportForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("What"), widget=UnfoldAdminSelectWidget)
    date_from = forms.DateField(
        label=gettext_lazy("Trips from"), widget=UnfoldAdminTextInputWidget({"type": "date"}), required=False
    )
    date_to = forms.DateField(
        label=gettext_lazy("Trips until"), widget=UnfoldAdminTextInputWidget({"type": "date"}), required=False
    )
    form = forms.ChoiceField(
        label=gettext_lazy("As"),
        widget=UnfoldAdminSelectWidget,
        choices=[("csv", "CSV"), ("xlsx", "Excel (XLSX)")],
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [  # type: ignore[attr-defined]
            (code, kind.name) for code, kind in KINDS.items() if user.has_perm(kind.out)
        ]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        first = values.get("date_from") or localdate()
        last = values.get("date_to") or first + timedelta(days=90)
        if last < first:
            self.add_error("date_to", _("This is before the first day."))
        elif (last - first).days >= LONGEST_RANGE:
            self.add_error("date_to", _("At most {days} days.").format(days=LONGEST_RANGE))
        return {**values, "date_from": first, "date_to": last}


class ImportForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("What"), widget=UnfoldAdminSelectWidget)
    file = forms.FileField(label=gettext_lazy("File (CSV in UTF-8, or XLSX)"))

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [  # type: ignore[attr-defined]
            (code, kind.name) for code, kind in KINDS.items() if kind.into and user.has_perms(kind.into)
        ]


@page("exchange/", name="exchange", permission="tours.view_tour")
def exchange(request: HttpRequest) -> HttpResponse:
    """Take a table out; or bring one in: first a dry run, then, where nothing is wrong, one click."""
    user: Any = request.user
    do = request.POST.get("do", "")
    out = ExportForm(request.POST if do == "export" else None, user=user, initial={"form": "csv"})
    into = ImportForm(request.POST if do == "look" else None, request.FILES if do == "look" else None, user=user)
    shown: dict[str, Any] = {}
    status = 200
    try:
        if do == "export" and out.is_valid():
            return _exported(request, out.cleaned_data)
        if do == "look" and into.is_valid():
            shown = _looked_at(request, into.cleaned_data["kind"], into.cleaned_data["file"].read())
        elif do == "import":
            _carried_out(request)
            return redirect("admin:exchange")
        elif do:
            status = 400
    except ImportRefused as refusal:
        shown, status = {"outcome": refusal.values["outcome"], "refusal": str(refusal)}, refusal.status
    except DomainError as refusal:
        shown, status = {"refusal": str(refusal)}, refusal.status
    context = {
        **admin.site.each_context(request),
        "title": _("Import and export"),
        "out": out,
        "into": into,
        "columns": [(kind.name, ", ".join(kind.columns)) for kind in KINDS.values() if kind.into],
        **shown,
    }
    return TemplateResponse(request, "admin/bookings/exchange.html", context, status=status)


def _exported(request: HttpRequest, asked: dict[str, Any]) -> HttpResponse:
    kind = KINDS[asked["kind"]]
    rows = kind.rows(asked["date_from"], asked["date_to"])
    if asked["form"] == "csv":
        content, content_type = b"".join(csv_lines(kind.columns, rows)), CSV_TYPE
    else:
        content = xlsx_file(str(kind.name), kind.columns, rows, right_to_left=language_now() == "ar")
        content_type = XLSX_TYPE
    record(
        f"bookings.exported.{asked['kind']}",
        request.tenant,  # type: ignore[attr-defined]
        actor=request.user,
        after={"from": asked["date_from"], "to": asked["date_to"], "form": asked["form"], "bytes": len(content)},
    )
    name = f"{asked['kind']}-{localdate():%Y-%m-%d}.{asked['form']}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type=content_type, headers=headers)


def _looked_at(request: HttpRequest, kind: str, content: bytes) -> dict[str, Any]:
    """The dry run; the file is kept for the click that follows."""
    outcome = rehearse(kind, read_table(content), actor=request.user)
    token = ""
    if not outcome.faults and (outcome.added or outcome.changed):
        token = secrets.token_urlsafe(16)
        cache.set(_key(request, token), (kind, content), KEPT_FOR)
    return {"outcome": outcome, "token": token, "kind": KINDS[kind].name}


def _carried_out(request: HttpRequest) -> Outcome:
    key = _key(request, request.POST.get("token", "")[:40])
    kept = cache.get(key)
    if kept is None:
        raise TableUnreadable(why=_("it was looked at too long ago. Choose it again."))
    kind, content = kept
    if not request.user.has_perms(KINDS[kind].into):  # type: ignore[union-attr]
        raise PermissionDenied
    cache.delete(key)  # pressed twice, it is done once
    outcome = carry_out(kind, read_table(content), actor=request.user)
    record(
        f"tours.imported.{kind}",
        request.tenant,  # type: ignore[attr-defined]
        actor=request.user,
        after={"added": outcome.added, "changed": outcome.changed, "same": outcome.same},
    )
    told = _("Imported: {added} new, {changed} changed, {same} as they were.")
    messages.success(request, told.format(added=outcome.added, changed=outcome.changed, same=outcome.same))
    return outcome


def _key(request: HttpRequest, token: str) -> str:
    """Whose file it is: nobody else's click finds it."""
    return f"import:{request.tenant.pk}:{request.user.pk}:{token}"  # type: ignore[attr-defined]
