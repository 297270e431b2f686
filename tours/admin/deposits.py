"""The deposit on a tour's page: at most one rule."""

from unfold.admin import StackedInline

from tours.admin.editor import TOUR
from tours.admin.pages import WordedForm, add_faults
from tours.limits import faults_of_deposit
from tours.models import DepositRule


class DepositForm(WordedForm):
    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        add_faults(self, faults_of_deposit(self.instance, self.instance.tour.currency_id))


class DepositInline(StackedInline):
    model = DepositRule
    form = DepositForm
    fields = [("basis", "amount"), ("balance_days", "reminder_days"), ("overdue", "grace_days")]
    extra = 0
    max_num = 1


TOUR.inline("policies", DepositInline, order=20)
