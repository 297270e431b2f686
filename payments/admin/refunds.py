from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from ledger.money import format_money
from payments.admin.payments import REFUND_COLOURS
from payments.admin.readonly import LookedAt, badge, linked, posting_link
from payments.models import Refund, RefundStatus
from payments.wording import refund_reason


@admin.register(Refund)
class RefundAdmin(LookedAt):
    list_display = ["number", "payment_link", "booking_link", "state", "money", "why", "created_at", "done_at"]
    list_filter = ["status", "payment__gateway", ("created_at", RangeDateTimeFilter)]
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
