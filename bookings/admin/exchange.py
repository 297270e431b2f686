"""Import and export: the catalogue and departures both ways, bookings outward only, because a booking is made by its service."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
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
from config.tables import CSV_TYPE, XLSX_TYPE, TableUnreadable, csv_lines, read_rows, xlsx_file
from tours.errors import ImportRefused
from tours.models import ImportRun, ImportStatus
from tours.selectors.tables import (
    DEPARTURE_COLUMNS,
    OPTION_COLUMNS,
    PRICE_COLUMNS,
    PRICE_RULE_COLUMNS,
    RULE_COLUMNS,
    TIER_COLUMNS,
    TOUR_COLUMNS,
    departures_table,
    options_table,
    price_rules_table,
    prices_table,
    rules_table,
    tiers_table,
    tours_table,
)
from tours.services.importing import Outcome, carry_out, carry_out_good_rows, rehearse
from tours.services.importing.runs import confirm_import, rows_done, start_import

KEPT_FOR = 15 * 60  # seconds between looking at an import and confirming it
LONG = 256 * 1024  # bytes; a longer table is looked at in the background
RECENT = 8  # imports that are shown
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
    "options": Kind(
        gettext_lazy("Options"),
        OPTION_COLUMNS,
        lambda _first, _last: options_table(),
        "tours.view_touroption",
        ("tours.add_touroption", "tours.change_touroption", "tours.change_tour"),
    ),
    "prices": Kind(
        gettext_lazy("Prices"),
        PRICE_COLUMNS,
        lambda _first, _last: prices_table(),
        "tours.view_optionprice",
        ("tours.add_optionprice", "tours.change_optionprice", "tours.change_tour"),
    ),
    "tiers": Kind(
        gettext_lazy("Group prices"),
        TIER_COLUMNS,
        lambda _first, _last: tiers_table(),
        "tours.view_grouptier",
        ("tours.add_grouptier", "tours.change_grouptier", "tours.change_tour"),
    ),
    "price_rules": Kind(
        gettext_lazy("Price rules"),
        PRICE_RULE_COLUMNS,
        lambda _first, _last: price_rules_table(),
        "tours.view_pricerule",
        ("tours.add_pricerule", "tours.change_pricerule"),
    ),
    "schedule": Kind(
        gettext_lazy("Schedule rules"),
        RULE_COLUMNS,
        lambda _first, _last: rules_table(),
        "tours.view_schedulerule",
        ("tours.add_schedulerule", "tours.change_schedulerule", "tours.change_tour"),
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
            kind, file = into.cleaned_data["kind"], into.cleaned_data["file"]
            content = file.read()
            if len(content) > LONG:
                run = start_import(kind=kind, name=str(file.name), content=content, actor=user)
                return redirect("admin:exchange_run", run.pk)
            shown = _looked_at(request, kind, content)
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
        "recent": _recent(user),
        **shown,
    }
    return TemplateResponse(request, "admin/bookings/exchange.html", context, status=status)


@page("exchange/<uuid:run_id>/", name="exchange_run", permission="tours.view_tour")
def exchange_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """A long table: how far it is, what its dry run said, and the click that has it written."""
    user: Any = request.user
    run = ImportRun.objects.filter(pk=run_id).defer("content").first()
    if run is None or not user.has_perms(KINDS[run.kind].into):
        raise Http404
    refusal, status = run.refusal, 200
    if request.method == "POST":
        try:
            confirm_import(run_id=run_id, good_rows_only=request.POST.get("good") == "1", actor=user)
        except DomainError as fault:
            refusal, status = str(fault), fault.status
        else:
            return redirect("admin:exchange_run", run_id)
    context = {
        **admin.site.each_context(request),
        "title": _("Import of {file}").format(file=run.name),
        "run": run,
        "kind": KINDS[run.kind].name,
        "working": run.status in (ImportStatus.CHECKING, ImportStatus.WRITING),
        "done": rows_done(run.pk),
        "outcome": run.outcome or None,
        "rows": (run.outcome or {}).get("rows", 0),
        "refusal": refusal,
        "token": "run" if run.status == ImportStatus.CHECKED and not run.outcome["faulty"] else "",
        "good_token": "run" if run.status == ImportStatus.CHECKED and run.outcome["faulty"] else "",
        "imported": run.status == ImportStatus.DONE,
    }
    return TemplateResponse(request, "admin/bookings/exchange_run.html", context, status=status)


def _recent(user: Any) -> list[ImportRun]:
    kinds = [code for code, kind in KINDS.items() if kind.into and user.has_perms(kind.into)]
    return list(ImportRun.objects.filter(kind__in=kinds).defer("content", "outcome")[:RECENT]) if kinds else []


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
    outcome = rehearse(kind, read_rows(content), actor=request.user)
    token = ""
    if outcome.added or outcome.changed:
        token = secrets.token_urlsafe(16)
        cache.set(_key(request, token), (kind, content), KEPT_FOR)
    return {
        "outcome": outcome,
        "token": "" if outcome.faulty else token,
        "good_token": token if outcome.faulty else "",
        "kind": KINDS[kind].name,
    }


def _carried_out(request: HttpRequest) -> Outcome:
    key = _key(request, request.POST.get("token", "")[:40])
    kept = cache.get(key)
    if kept is None:
        raise TableUnreadable(why=_("it was looked at too long ago. Choose it again."))
    kind, content = kept
    if not request.user.has_perms(KINDS[kind].into):  # type: ignore[union-attr]
        raise PermissionDenied
    cache.delete(key)  # pressed twice, it is done once
    act = carry_out_good_rows if request.POST.get("good") == "1" else carry_out
    outcome = act(kind, read_rows(content), actor=request.user)
    record(
        f"tours.imported.{kind}",
        request.tenant,  # type: ignore[attr-defined]
        actor=request.user,
        after={"added": outcome.added, "changed": outcome.changed, "same": outcome.same}
        | ({"left_out": outcome.faulty} if outcome.faulty else {}),
    )
    told = _("Imported: {added} new, {changed} changed, {same} as they were.")
    messages.success(request, told.format(added=outcome.added, changed=outcome.changed, same=outcome.same))
    if outcome.faulty:
        messages.warning(request, _("Rows left out because of faults: {n}.").format(n=outcome.faulty))
    return outcome


def _key(request: HttpRequest, token: str) -> str:
    """Whose file it is: nobody else's click finds it."""
    return f"import:{request.tenant.pk}:{request.user.pk}:{token}"  # type: ignore[attr-defined]
