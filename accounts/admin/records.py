"""What was written down: the audit trail, locked log-ins, and whether the promises hold."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AllValuesCheckboxFilter, ChoicesRadioFilter
from unfold.decorators import action, display

from accounts.models import AuditEntry, InvariantReport, SignInLock
from accounts.reports import check_this_tenant
from accounts.services.lock_out import lift_lock


class ReadOnlyAdmin(ModelAdmin):
    """Rows that nobody adds, changes or deletes by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ["at", "actor_name", "action", "subject_name", "reason", "result", "address"]
    list_filter = [("outcome", ChoicesRadioFilter), ("subject_type", AllValuesCheckboxFilter)]
    list_filter_submit = True
    list_per_page = 50
    search_fields = ["actor_name", "action", "subject_name", "subject_id", "reason", "request_id"]
    search_help_text = _("Who, what, which thing, why, or a request's number")
    date_hierarchy = "at"
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": (("at", "outcome"), ("actor_name", "actor"), "action", "reason")}),
        (_("Thing"), {"fields": (("subject_name", "subject_type"), "subject_id")}),
        (_("What changed"), {"fields": ("changes",)}),
        (_("From where"), {"fields": (("address", "request_id"), "agent")}),
    )
    readonly_fields = ["changes"]

    @display(description=_("outcome"), label={"DONE": "success", "REFUSED": "danger"}, ordering="outcome")
    def result(self, entry: AuditEntry) -> tuple[str, str]:
        return entry.outcome, entry.get_outcome_display()

    @display(description=_("before and after"))
    def changes(self, entry: AuditEntry) -> str:
        names = list(dict.fromkeys([*entry.before, *entry.after]))
        rows = [(name, entry.before.get(name), entry.after.get(name)) for name in names]
        return render_to_string("admin/accounts/changes.html", {"rows": rows})


class LockedNowFilter(admin.SimpleListFilter):
    title = _("locked now")
    parameter_name = "locked"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes"))]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(locked_until__gt=now()) if self.value() == "yes" else queryset


@admin.register(SignInLock)
class SignInLockAdmin(ReadOnlyAdmin):
    list_display = ["email", "address", "failures", "state", "locked_until", "first_failure_at"]
    list_filter = [LockedNowFilter]
    search_fields = ["email", "address"]
    actions = ["lift"]

    def get_ordering(self, request: HttpRequest) -> Any:
        return [F("locked_until").desc(nulls_last=True), "-first_failure_at"]

    @display(description=_("state"), label={"locked": "danger", "open": "info"})
    def state(self, lock: SignInLock) -> tuple[str, Any]:
        if lock.locked_until is not None and lock.locked_until > now():
            return "locked", _("Locked")
        return "open", _("Open")

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.change_signinlock"))

    @admin.action(description=_("Lift: let them try again"), permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: QuerySet[SignInLock]) -> None:
        locks = list(queryset)
        for lock in locks:
            lift_lock(lock_id=lock.pk, actor=request.user)
        messages.success(request, _("{count} log-ins are open again.").format(count=len(locks)))


@admin.register(InvariantReport)
class InvariantReportAdmin(ReadOnlyAdmin):
    list_display = ["ran_at", "result", "fault_count", "milliseconds"]
    list_filter = ["is_clean"]
    date_hierarchy = "ran_at"
    fields = ["ran_at", "is_clean", "milliseconds", "what_was_found"]
    readonly_fields = ["what_was_found"]
    actions_list = ["run_now"]

    @display(description=_("result"), label={"clean": "success", "faults": "danger"}, ordering="is_clean")
    def result(self, report: InvariantReport) -> tuple[str, Any]:
        return ("clean", _("All promises kept")) if report.is_clean else ("faults", _("Faults found"))

    @display(description=_("faults"))
    def fault_count(self, report: InvariantReport) -> int:
        return sum(len(sentences) for sentences in report.faults.values())

    @display(description=_("what was found"))
    def what_was_found(self, report: InvariantReport) -> str:
        return render_to_string("admin/accounts/faults.html", {"faults": report.faults})

    def has_run_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.add_invariantreport"))

    @action(
        description=_("Check now"),
        url_path="run-now",
        permissions=["run"],
        icon="play_arrow",
        dialog={
            "title": _("Check all promises now?"),
            "description": _("Seats, money and repeats are proven on the live data. It changes nothing."),
            "form_class": None,
            "form_submit_text": _("Check now"),
        },
    )
    def run_now(self, request: HttpRequest, form: Any) -> HttpResponse:
        report = check_this_tenant()
        if report.is_clean:
            messages.success(request, _("All promises kept."))
        else:
            messages.error(request, _("Faults were found."))
        return HttpResponse(headers={"HX-Redirect": reverse("admin:accounts_invariantreport_change", args=[report.pk])})
