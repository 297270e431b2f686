"""The deposit on a tour's page: at most one rule."""

from typing import Any

from unfold.admin import StackedInline

from tours.admin.editor import TOUR
from tours.admin.pages import KnownRows, WordedForm, add_faults
from tours.limits import faults_of_deposit
from tours.models import DepositRule, Tour
from tours.services.deposits import drop_deposit, set_deposit

FIELDS = ("basis", "amount", "balance_days", "reminder_days", "overdue", "grace_days")


class DepositForm(WordedForm):
    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        add_faults(self, faults_of_deposit(self.instance, self.instance.tour.currency_id))


class OneDeposit(KnownRows):
    @staticmethod
    def rows_of(tour: Tour) -> list[Any]:
        return [tour.deposit_rule] if hasattr(tour, "deposit_rule") else []


class DepositInline(StackedInline):
    model = DepositRule
    formset = OneDeposit
    form = DepositForm
    fields = [("basis", "amount"), ("balance_days", "reminder_days"), ("overdue", "grace_days")]
    extra = 0
    max_num = 1

    @staticmethod
    def save_rows(request: Any, tour: Tour, formset: Any) -> None:
        """By the services that programs use too."""
        formset.save(commit=False)
        for row in formset.forms:
            if row in formset.deleted_forms:
                drop_deposit(tour_id=tour.pk, actor=request.user)
            elif row.has_changed() or row.instance._state.adding:
                data = {name: row.cleaned_data[name] for name in FIELDS if name in row.cleaned_data}
                set_deposit(tour_id=tour.pk, data=data, actor=request.user)


TOUR.inline("policies", DepositInline, order=20)
