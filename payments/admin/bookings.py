"""What a booking's page shows of its payments. `payments` stands above `bookings` and adds it there."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from bookings.admin import BookingAdmin
from bookings.admin.inlines import RowsBelow
from ledger.money import format_money
from payments.admin.readonly import linked
from payments.models import Payment


class PaymentInline(RowsBelow):
    model = Payment
    fields = readonly_fields = ["payment", "status", "money", "refunded", "gateway", "flag", "created_at", "paid_at"]
    ordering = ["-created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("booking")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("payments.view_payment")  # type: ignore[union-attr]

    @display(description=_("payment"))
    def payment(self, payment: Payment) -> str:
        return linked(payment)

    @display(description=_("amount"))
    def money(self, payment: Payment) -> str:
        return format_money(payment.amount, payment.currency)

    @display(description=_("refunded"))
    def refunded(self, payment: Payment) -> str:
        return format_money(payment.refunded_amount, payment.currency)


BookingAdmin.inlines.append(PaymentInline)
