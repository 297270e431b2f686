from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from config.admin import id_of
from config.errors import DomainError
from config.filters import DaysFilter
from ledger.money import format_money
from payments.admin.payments import REFUND_COLOURS
from payments.admin.readonly import LookedAt, back_to, badge, linked, page_of, posting_link
from payments.gateways.cash import CODE as CASH
from payments.models import Refund, RefundStatus
from payments.services import pay_out
from payments.wording import refund_reason


class PayOutForm(BaseDialogForm):
    receipt = forms.CharField(
        label=_("Receipt number"), max_length=60, widget=UnfoldAdminTextInputWidget(attrs={"dir": "ltr"})
    )


@admin.register(Refund)
class RefundAdmin(LookedAt):
    list_display = ["number", "payment_link", "booking_link", "state", "money", "why", "created_at", "done_at"]
    list_filter = ["status", "payment__gateway", ("created_at", DaysFilter)]
    list_filter_submit = True
    list_select_related = ["payment__booking"]
    search_fields = ["number", "payment__number", "payment__booking__reference", "gateway_reference"]
    search_help_text = _("Number, payment, booking, gateway's reference")
    fieldsets = [
        (
            None,
            {"fields": ["number", "payment_link", "booking_link", "state_badge", "money", "why", "requested_by"]},
        ),
        (_("At the gateway"), {"fields": ["gateway_reference", "failure_message", "attempts", "next_try_at"]}),
        (_("Traces"), {"fields": ["cause", "idempotency_key", "posting", "created_at", "done_at"]}),
    ]

    actions_detail = ["pay_out_this"]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Paying out is offered for cash that waits."""
        waits = Refund.objects.filter(pk=id_of(object_id), status=RefundStatus.PENDING, payment__gateway=CASH)
        return super().get_actions_detail(request, object_id) if waits.exists() else []

    def has_refund_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("payments.refund")  # type: ignore[union-attr]

    @action(
        description=_("Paid out in cash …"),
        icon="payments",
        permissions=["refund"],
        dialog={
            "title": _("The money was handed over"),
            "description": _("It leaves the till's account, and the customer is told."),
            "form_class": PayOutForm,
            "form_submit_text": _("Note it"),
        },
    )
    def pay_out_this(self, request: HttpRequest, form: PayOutForm, object_id: str) -> HttpResponse:
        refund_id = id_of(object_id)
        page = page_of(Refund(pk=refund_id))
        try:
            refund = pay_out(refund_id=refund_id, receipt=form.cleaned_data["receipt"].strip(), actor=request.user)
        except DomainError as refusal:
            return back_to(request, page, str(refusal), messages.ERROR)
        return back_to(request, page, _("Refund {number} is paid out.").format(number=refund.number))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("payment__booking", "entry", "requested_by")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for _title, block in self.fieldsets for name in block["fields"]]

    @display(description=_("payment"), ordering="payment__number")
    def payment_link(self, refund: Refund) -> str:
        return linked(refund.payment)

    @display(description=_("booking"), ordering="payment__booking__reference")
    def booking_link(self, refund: Refund) -> str:
        return linked(refund.payment.booking)

    @display(description=_("status"), ordering="status", label=REFUND_COLOURS)
    def state(self, refund: Refund) -> tuple[str, str]:
        return refund.status, refund.get_status_display()

    @display(description=_("status"))
    def state_badge(self, refund: Refund) -> str:
        return badge(refund.get_status_display(), REFUND_COLOURS[RefundStatus(refund.status)])

    @display(description=_("amount"), ordering="amount")
    def money(self, refund: Refund) -> str:
        return format_money(refund.amount, refund.payment.currency)

    @display(description=_("reason"))
    def why(self, refund: Refund) -> str:
        return refund_reason(refund)

    @display(description=_("posting"))
    def posting(self, refund: Refund) -> str:
        return posting_link(refund.entry)
