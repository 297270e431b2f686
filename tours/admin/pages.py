"""What the catalogue's pages share: fields in two languages, lists of lines, and refusals shown as messages."""

from abc import ABC, abstractmethod
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AutocompleteMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin_audit import AuditedAdmin
from config.errors import DomainError
from config.i18n import in_language
from ledger.money import round_money
from tours.limits import faults_of_price
from tours.models import TourOption

LONG = 300  # letters; texts that may have so many are written in several lines


class LinesField(forms.CharField):
    """A list of texts, edited one a line."""

    widget = UnfoldAdminTextareaWidget

    def __init__(self, *, rows: int = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs["rows"] = rows

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(line) for line in value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return list(value)
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def run_validators(self, value: Any) -> None:
        """Each line is checked by the model's field."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)


class DatesField(LinesField):
    """Days, one a line, as 2027-01-31."""

    def to_python(self, value: Any) -> Any:
        field = forms.DateField()
        try:
            return sorted({field.clean(line) for line in super().to_python(value)})
        except ValidationError as fault:
            raise ValidationError(_("One day a line, as 2027-01-31.")) from fault

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return super().has_changed(initial, data)
        except ValidationError:
            return True


class TimesField(LinesField):
    """Times of the day, one a line or with commas between, as 14:30."""

    def to_python(self, value: Any) -> Any:
        field = forms.TimeField()
        lines = value if isinstance(value, list | tuple) else (value or "").replace("،", ",").replace(",", "\n")
        try:
            return sorted({field.clean(line) for line in super().to_python(lines)})
        except ValidationError as fault:
            raise ValidationError(_("One time a line, as 14:30.")) from fault

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{at:%H:%M}" for at in value) if isinstance(value, list | tuple) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return super().has_changed(initial, data)
        except ValidationError:
            return True


class SharedChoices:
    """What there is to choose is asked once a page, however many rows and inlines offer it. For pages and inlines.

    Of tours' options each formset offers those of its own tour.
    """

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        model = db_field.related_model
        if (
            model is TourOption
            or not isinstance(field, forms.ModelChoiceField)
            or isinstance(field.widget, AutocompleteMixin)
        ):
            return field
        asked: dict[Any, list[Any]] = request.__dict__.setdefault("shared_choices", {})
        empty, field.empty_label = field.empty_label, None
        if model not in asked:
            offered: Any = field.choices
            asked[model] = list(iter(offered))
        field.empty_label = empty
        field.choices = [*([("", empty)] if empty is not None else []), *asked[model]]
        return field


class TwoLanguages:
    """Arabic fields are written from right to left, lists of texts one a line. For pages and inlines."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, ArrayField) and isinstance(db_field.base_field, models.CharField):
            field: Any = LinesField(
                label=capfirst(db_field.verbose_name), required=False, help_text=db_field.help_text or _("One a line.")
            )
        else:
            field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if isinstance(db_field, models.CharField) and (db_field.max_length or 0) >= LONG:
            field.widget = UnfoldAdminTextareaWidget({"rows": 3})
        language = db_field.name[-3:]
        if field is not None and language in ("_ar", "_en"):
            field.widget.attrs |= {"dir": "rtl" if language == "_ar" else "ltr", "lang": language[1:]}
        return field


class CatalogueAdmin(TwoLanguages, SharedChoices, AuditedAdmin, ModelAdmin):
    """A page of the catalogue. Deletion happens one by one, where its consequences are shown."""

    list_filter_submit = True
    warn_unsaved_form = True

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return redirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[object_id]))


class KnownRows(PaginationInlineFormSet, ABC):
    """Rows that the page has read with their tour already; `rows_of` says where they are there."""

    @staticmethod
    @abstractmethod
    def rows_of(tour: Any) -> list[Any]: ...

    def get_queryset(self) -> Any:
        if not hasattr(self, "_queryset"):
            self._queryset = self.rows_of(self.instance) if self.instance.pk else []
        return self._queryset


def offer_options(field: Any, tour: Any) -> None:
    """Let a field choose among the options of a tour only, by their names; without asking where the page has read them."""
    field.queryset = TourOption.objects.filter(tour_id=tour.pk)
    named = [(option.pk, str(in_language(option, "name"))) for option in tour.options.all()]
    empty = getattr(field, "empty_label", None)
    field.choices = [*([("", empty)] if empty is not None else []), *named]


class WordedForm(forms.ModelForm):
    """The rules of several fields are worded by `tours.limits`; the bare names of constraints beside them help nobody."""

    def _update_errors(self, errors: ValidationError) -> None:
        if hasattr(errors, "error_dict"):
            errors.error_dict.pop(NON_FIELD_ERRORS, None)
        super()._update_errors(errors)  # type: ignore[misc]


class PricedFormSet(PaginationInlineFormSet, ABC):
    """Rows with prices in the currency of their tour: shown with its decimals, checked by its rules.

    A subclass says `currency` and which fields hold the `prices`: the price, then the "was" price if there is one.
    """

    prices = ["amount"]

    @property
    @abstractmethod
    def currency(self) -> str: ...

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name in self.prices:
            value = form.initial.get(name)
            if value is not None:
                form.initial[name] = round_money(value, self.currency)

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            values = getattr(form, "cleaned_data", {})
            if values and not values.get("DELETE"):
                found = [values.get(name) for name in self.prices]
                add_faults(form, faults_of_price(found[0], found[1] if len(found) > 1 else None, self.currency))


def add_faults(form: forms.ModelForm, faults: dict[str, list[str]]) -> None:
    """Put faults found by `tours.limits` to the fields they are about."""
    for field, sentences in faults.items():
        if field not in form.errors:
            form.add_error(field if field in form.fields else None, sentences)  # type: ignore[arg-type]
