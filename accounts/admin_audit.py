"""Every change made by hand in the back-office leaves an audit entry. Put `AuditedAdmin` before Unfold's `ModelAdmin`."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.audit import differences, record, snapshot, stored
from config.errors import DomainError


class AuditedAdmin:
    """Records additions, changes (before and after of what changed) and deletions, of inlines too.

    The entry is written in the transaction of the page's change. A subclass that saves through a service which records by
    itself does not call `super().save_model` (or `save_formset`), so that nothing is recorded twice. What a service
    refuses (`DomainError`) while the page saves is shown above the form, which keeps what was typed; nothing is saved.

    A subclass that hands its service only what changed says `keeps_changes_of_others`: "changed" then means other than the
    page showed, so that a page opened long ago does not take back what a colleague wrote meanwhile.
    """

    keeps_changes_of_others = False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = stored(obj) if change else {}
        super().save_model(request, obj, form, change)  # type: ignore[misc]
        record_saved(request.user, obj, before, added=not change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        before = {}
        for row in formset.forms:
            if row.instance.pk and not row.instance._state.adding and row.has_changed():
                before[row.instance.pk] = stored(row.instance)
        for row in formset.deleted_forms if formset.can_delete else []:
            if not row.instance._state.adding:
                record_deleted(request.user, row.instance)
        super().save_formset(request, form, formset, change)  # type: ignore[misc]
        for added in formset.new_objects:
            record_saved(request.user, added, {}, added=True)
        for changed, _fields in formset.changed_objects:
            record_saved(request.user, changed, before.get(changed.pk, {}), added=False)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        record_deleted(request.user, obj)
        super().delete_model(request, obj)  # type: ignore[misc]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            record_deleted(request.user, obj)
        super().delete_queryset(request, queryset)  # type: ignore[misc]

    # Django's own log knows no tenants: nothing is written to it, and its page shows the audit trail.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        return None

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        label = self.opts.label_lower  # type: ignore[attr-defined]
        return redirect(
            f"{reverse('admin:accounts_auditentry_changelist')}?subject_type={label}&subject_id={object_id}"
        )

    def changeform_view(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)  # type: ignore[misc]
        except DomainError as refusal:
            if request.method != "POST":
                raise
            request.refusal = refusal  # everything was rolled back: show the form again, with the refusal
            return super().changeform_view(request, *args, **kwargs)  # type: ignore[misc]

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        if change and self.keeps_changes_of_others:
            for field in form.base_fields.values():
                field.show_hidden_initial = True
        refusal: DomainError | None = getattr(request, "refusal", None)
        return form if refusal is None else refused_form(form, refusal)


def record_saved(actor: Any, row: Model, before: dict[str, Any], *, added: bool) -> None:
    """One entry for a row that was just saved; none when nothing changed."""
    if added:
        record(f"{row._meta.label_lower}.added", row, actor=actor, after=snapshot(row))
        return
    old, new = differences(before, snapshot(row))
    if old or new:
        record(f"{row._meta.label_lower}.changed", row, actor=actor, before=old, after=new)


def record_deleted(actor: Any, row: Model) -> None:
    """One entry for a row that is about to be deleted."""
    record(f"{row._meta.label_lower}.deleted", row, actor=actor, before=snapshot(row))


def refused_form(form: Any, refusal: DomainError) -> Any:
    """The form, made to fail with what the service said: under its fields where it names some."""

    def clean(self: Any) -> Any:
        cleaned = form.clean(self)
        faults = {name: why for name, why in refusal.details.items() if name in self.fields}
        for name, why in faults.items():
            self.add_error(name, why)
        if not faults:
            raise ValidationError(str(refusal))
        return cleaned

    return type(form)(form.__name__, (form,), {"clean": clean})
