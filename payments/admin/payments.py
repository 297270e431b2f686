from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from bookings.models import Booking
from config.admin import id_of
from config.errors import DomainError
from config.filters import DaysFilter
from config.ids import uuid7
from ledger.money import amount_text, format_money
from payments.admin.readonly import LookedAt, back_to, badge, linked, page_of, posting_link
from payments.gateways.interface import GatewayError
from payments.gateways.registry import offered_codes
from payments.models import Notice, Payment, PaymentEvent, PaymentFlag, PaymentStatus, Refund, RefundStatus
from payments.services import check_payment, give_mismatch_back, keep_mismatch, request_refund, start_payment
from payments.wording import event_in_words, gateway_name, refund_reason, way_to_pay

STATUS_COLOURS = {
    PaymentStatus.PENDING: "info",
    PaymentStatus.PROCESSING: "warning",
    PaymentStatus.PAID: "success",
    PaymentStatus.FAILED: "danger",
    PaymentStatus.CANCELLED: "default",
    PaymentStatus.PARTIALLY_REFUNDED: "primary",
    PaymentStatus.REFUNDED: "primary",
}
REFUND_COLOURS = {RefundStatus.PENDING: "warning", RefundStatus.SUCCEEDED: "success", RefundStatus.FAILED: "danger"}


class FlaggedFilter(admin.SimpleListFilter):
    title = _("flagged")
    parameter_name = "flagged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Flagged")), ("no", _("Not flagged"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "yes":
                return queryset.exclude(flag="")
            case "no":
                return queryset.filter(flag="")
        return queryset


class RowsBelow(TabularInline):
    """Rows that belong to the page's row, to be looked at."""

    extra = 0
    can_delete = False
    show_change_link = False
    tab = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TimelineInline(RowsBelow):
    model = PaymentEvent
    verbose_name_plural = _("timeline")
    fields = readonly_fields = ["at", "what", "status", "actor"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("actor")

    @display(description=_("what"))
    def what(self, event: PaymentEvent) -> str:
        return event_in_words(event)

    @display(description=_("status"))
    def status(self, event: PaymentEvent) -> str:
        if not event.new_status:
            return "–"
        status = PaymentStatus(event.new_status)
        return badge(status.label, STATUS_COLOURS[status])


class RefundInline(RowsBelow):
    model = Refund
    fields = readonly_fields = ["refund", "money", "state", "why", "requested_by", "created_at", "done_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("requested_by", "payment")

    @display(description=_("reason"))
    def why(self, refund: Refund) -> str:
        return refund_reason(refund)

    @display(description=_("number"))
    def refund(self, refund: Refund) -> str:
        return linked(refund)

    @display(description=_("amount"))
    def money(self, refund: Refund) -> str:
        return format_money(refund.amount, refund.payment.currency)

    @display(description=_("status"))
    def state(self, refund: Refund) -> str:
        return badge(refund.get_status_display(), REFUND_COLOURS[RefundStatus(refund.status)])


class NoticeInline(RowsBelow):
    model = Notice
    fields = readonly_fields = ["notice", "type", "status", "received_at", "attempts", "error"]

    @display(description=_("event"))
    def notice(self, notice: Notice) -> str:
        return linked(notice)


class AskForm(BaseDialogForm):
    """Nothing to fill in: one button."""


class RefundForm(BaseDialogForm):
    amount = forms.DecimalField(
        label=_("Amount"), max_digits=14, decimal_places=3, widget=UnfoldAdminTextInputWidget(attrs={"dir": "ltr"})
    )
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=UnfoldAdminTextInputWidget())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        payment = Payment.objects.filter(pk=id_of(self.object_id)).prefetch_related("refunds").first()
        if payment is not None:
            left = amount_text(payment.refundable, payment.currency)
            self.fields["amount"].initial = left
            self.fields["amount"].help_text = _("At most {left} {currency}.").format(
                left=left, currency=payment.currency
            )

    def clean_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount"]
        if amount <= 0:
            raise forms.ValidationError(_("It must be more than zero."))
        return amount


class BeginForm(BaseDialogForm):
    reference = forms.CharField(
        label=_("Booking"), max_length=20, widget=UnfoldAdminTextInputWidget(attrs={"dir": "ltr", "autofocus": True})
    )
    gateway = forms.ChoiceField(label=_("Gateway"), widget=UnfoldAdminSelectWidget())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["gateway"].choices = [(code, way_to_pay(code)) for code in offered_codes()]

    def clean_reference(self) -> Booking:
        """The booking of that reference."""
        booking = Booking.objects.filter(reference=self.cleaned_data["reference"].strip().upper()).first()
        if booking is None:
            raise forms.ValidationError(_("There is no such booking."))
        return booking


class MismatchForm(BaseDialogForm):
    resolution = forms.ChoiceField(
        label=_("What shall become of it?"),
        choices=[
            ("give_back", _("Give all of it back; the booking can be paid anew")),
            ("keep", _("Let it count: what is missing stays due, what is too much goes back")),
        ],
        widget=UnfoldAdminSelectWidget(),
    )
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=UnfoldAdminTextInputWidget())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        payment = Payment.objects.filter(pk=id_of(self.object_id)).first()
        raised = (
            payment.events.filter(reason__startswith=f"{PaymentFlag.AMOUNT_MISMATCH}: ").last() if payment else None
        )
        if payment is not None and raised is not None:
            self.fields["resolution"].help_text = _("{asked} was asked for; the gateway names {came}.").format(
                asked=format_money(payment.amount, payment.currency), came=raised.reason.partition(": ")[2]
            )


@admin.register(Payment)
class PaymentAdmin(LookedAt):
    list_display = ["number", "booking_link", "state", "money", "gateway_shown", "flag_shown", "created_at", "paid_at"]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        FlaggedFilter,
        "gateway",
        "is_duplicate",
        ("created_at", DaysFilter),
    ]
    list_filter_submit = True
    list_select_related = ["booking"]
    search_fields = [
        "number",
        "booking__reference",
        "booking__contact_name",
        "booking__contact_email",
        "gateway_reference",
        "captured_reference",
    ]
    search_help_text = _("Number, booking, name, e-mail, gateway's reference")
    fieldsets = [
        (None, {"fields": ["number", "booking_link", "state_badge", "money", "refunded", "flag_badge"]}),
        (
            _("At the gateway"),
            {
                "fields": [
                    "gateway_shown",
                    "payer_link",
                    "gateway_reference",
                    "captured_reference",
                    "failure_code",
                    "failure_message",
                ]
            },
        ),
        (_("Times"), {"fields": ["created_at", "expires_at", "paid_at", "check_at", "checks"]}),
        (_("Traces"), {"fields": ["posting", "created_by", "idempotency_key", "return_url", "cancel_url"]}),
    ]
    inlines = [TimelineInline, RefundInline, NoticeInline]
    actions_list = ["begin"]
    actions_detail = ["ask_gateway", "refund", "settle_mismatch"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("booking", "entry", "created_by")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for _title, block in self.fieldsets for name in block["fields"]]

    @display(description=_("booking"), ordering="booking__reference")
    def booking_link(self, payment: Payment) -> str:
        return linked(payment.booking)

    @display(description=_("status"), ordering="status", label=STATUS_COLOURS)
    def state(self, payment: Payment) -> tuple[str, str]:
        return payment.status, payment.get_status_display()

    @display(description=_("status"))
    def state_badge(self, payment: Payment) -> str:
        return badge(payment.get_status_display(), STATUS_COLOURS[PaymentStatus(payment.status)])

    @display(description=_("gateway"), ordering="gateway")
    def gateway_shown(self, payment: Payment) -> str:
        return gateway_name(payment.gateway)

    @display(description=_("amount"), ordering="amount")
    def money(self, payment: Payment) -> str:
        return format_money(payment.amount, payment.currency)

    @display(description=_("refunded"))
    def refunded(self, payment: Payment) -> str:
        return format_money(payment.refunded_amount, payment.currency)

    @display(description=_("flag"))
    def flag_badge(self, payment: Payment) -> str:
        return badge(payment.get_flag_display(), "danger") if payment.flag else "–"

    @display(description=_("flag"), ordering="flag", label="danger")
    def flag_shown(self, payment: Payment) -> str:
        return payment.get_flag_display()

    @display(description=_("payer's link"))
    def payer_link(self, payment: Payment) -> str:
        waits = payment.status == PaymentStatus.PENDING and not payment.flag
        address = payment.action.get("url") if waits else None
        return format_html('<a href="{0}" dir="ltr" rel="noreferrer">{0}</a>', address) if address else "–"

    @display(description=_("posting"))
    def posting(self, payment: Payment) -> str:
        return posting_link(payment.entry)

    def has_reconcile_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("payments.reconcile")  # type: ignore[union-attr]

    def has_begin_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("payments.add_payment")  # type: ignore[union-attr]

    def has_mismatch_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Shown where there is something to decide."""
        if not self.has_reconcile_permission(request):
            return False
        flagged = Payment.objects.filter(flag=PaymentFlag.AMOUNT_MISMATCH)
        return object_id is None or flagged.filter(pk=id_of(object_id)).exists()

    def has_refund_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("payments.refund")  # type: ignore[union-attr]

    @action(
        description=_("Payment link"),
        icon="add_link",
        permissions=["begin"],
        dialog={
            "title": _("Make a link at which a booking can be paid"),
            "description": _(
                "It stands on the payment's page, to be sent to the customer; it ends with the time to pay."
            ),
            "form_class": BeginForm,
            "form_submit_text": _("Make it"),
        },
    )
    def begin(self, request: HttpRequest, form: BeginForm) -> HttpResponse:
        try:
            payment = start_payment(
                booking_id=form.cleaned_data["reference"].pk, gateway=form.cleaned_data["gateway"], actor=request.user
            )
        except DomainError as refusal:
            return back_to(request, reverse("admin:payments_payment_changelist"), str(refusal), messages.ERROR)
        return back_to(request, page_of(payment), _("The link is below, under “At the gateway”."))

    @action(
        description=_("Ask the gateway now"),
        icon="sync",
        permissions=["reconcile"],
        dialog={
            "title": _("Ask the gateway what became of this payment?"),
            "description": _("What it says is applied: a success confirms the booking, a refusal ends the attempt."),
            "form_class": AskForm,
            "form_submit_text": _("Ask"),
        },
    )
    def ask_gateway(self, request: HttpRequest, form: AskForm, object_id: str) -> HttpResponse:
        payment_id = id_of(object_id)
        page = page_of(Payment(pk=payment_id))
        try:
            payment = check_payment(payment_id=payment_id, actor=request.user)
        except GatewayError as trouble:
            return back_to(request, page, _("The gateway cannot say: {why}").format(why=trouble), messages.ERROR)
        except DomainError as refusal:
            return back_to(request, page, str(refusal), messages.ERROR)
        told = _("The gateway was asked. {number}: {status}.")
        return back_to(request, page, told.format(number=payment.number, status=payment.get_status_display()))

    @action(
        description=_("Refund"),
        icon="undo",
        permissions=["refund"],
        dialog={
            "title": _("Give money back"),
            "description": _("It goes back the way it came. This cannot be taken back."),
            "form_class": RefundForm,
            "form_submit_text": _("Refund"),
        },
    )
    def refund(self, request: HttpRequest, form: RefundForm, object_id: str) -> HttpResponse:
        payment_id = id_of(object_id)
        page = page_of(Payment(pk=payment_id))
        try:
            refund = request_refund(
                payment_id=payment_id,
                amount=form.cleaned_data["amount"],
                cause=f"staff:{uuid7()}",
                reason=form.cleaned_data["reason"],
                actor=request.user,
            )
        except DomainError as refusal:
            return back_to(request, page, str(refusal), messages.ERROR)
        return back_to(request, page, _("Refund {number} is on its way.").format(number=refund.number))

    @action(
        description=_("Decide on the amount"),
        icon="rule",
        permissions=["mismatch"],
        dialog={
            "title": _("Another amount came than was asked for"),
            "description": _("The books take over what the gateway says that came. This cannot be taken back."),
            "form_class": MismatchForm,
            "form_submit_text": _("Decide"),
        },
    )
    def settle_mismatch(self, request: HttpRequest, form: MismatchForm, object_id: str) -> HttpResponse:
        payment_id = id_of(object_id)
        page = page_of(Payment(pk=payment_id))
        decide = keep_mismatch if form.cleaned_data["resolution"] == "keep" else give_mismatch_back
        try:
            payment = decide(payment_id=payment_id, reason=form.cleaned_data["reason"], actor=request.user)
        except DomainError as refusal:
            return back_to(request, page, str(refusal), messages.ERROR)
        amount = format_money(payment.amount, payment.currency)
        return back_to(request, page, _("{amount} came, and is in the books.").format(amount=amount))
