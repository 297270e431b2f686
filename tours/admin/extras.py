"""Extras on the page of their tour: what they cost, for whom they are, how many there are."""

from typing import Any

from django import forms
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q, Value
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from config.errors import DomainError
from tours.admin.editor import TOUR
from tours.admin.pages import PricedFormSet, TwoLanguages, WordedForm, add_faults, offer_options
from tours.limits import faults_of_extra
from tours.models import Extra, PriceCategory, TourOption
from tours.services.extras import offer_for, offer_with
from tours.services.stock import refuse_stock_change


def _ids(path: str) -> ArrayAgg:
    return ArrayAgg(path, distinct=True, filter=Q(**{f"{path}__isnull": False}), default=Value([]))


class ExtraForm(WordedForm):
    options = forms.ModelMultipleChoiceField(
        TourOption._base_manager.none(),
        label=_("Only with these options"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None: with all of them."),
    )
    categories = forms.ModelMultipleChoiceField(
        PriceCategory._base_manager.none(),
        label=_("Only for these guests"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None: for everyone."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["options"] = self.instance.option_ids
            self.initial["categories"] = self.instance.category_ids

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            add_faults(self, faults_of_extra(self.instance, self.instance.tour.currency_id))
            try:
                refuse_stock_change(self.instance)
            except DomainError as refusal:
                add_faults(self, {"stock": [str(refusal)]})

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc]
        offer_with(self.instance, [option.pk for option in self.cleaned_data["options"]])
        offer_for(self.instance, [category.pk for category in self.cleaned_data["categories"]])


class ExtraFormSet(PricedFormSet):
    @property
    def currency(self) -> str:
        return str(self.instance.currency_id)

    @cached_property
    def category_choices(self) -> list[tuple[Any, str]]:
        return [(category.pk, str(category)) for category in PriceCategory.objects.all()]

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if "options" in form.fields:
            offer_options(form.fields["options"], self.instance)
            form.fields["categories"].queryset = PriceCategory.objects.all()
            form.fields["categories"].choices = self.category_choices


class ExtraInline(TwoLanguages, StackedInline):
    model = Extra
    form = ExtraForm
    formset = ExtraFormSet
    fields = [
        ("name_en", "name_ar"),
        ("code", "basis", "amount"),
        ("min_quantity", "max_quantity"),
        ("stock", "stock_per"),
        ("options", "categories"),
        ("is_required", "is_active"),
    ]
    extra = 0
    collapsible = True

    def get_queryset(self, request: Any) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(option_ids=_ids("for_options__option_id"), category_ids=_ids("for_categories__category_id"))
        )


TOUR.inline("extras", ExtraInline, order=10)
