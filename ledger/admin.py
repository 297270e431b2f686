from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timezone import localdate, make_aware
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminDateWidget

from accounts.admin_audit import AuditedAdmin
from ledger.models import Account, Currency, Entry, ExchangeRate, Transaction
from ledger.money import format_money
from ledger.selectors import Statement, statement, trial_balance
from notifications.outbox import announce


class ReadOnly:
    """The ledger is written by services alone: nothing is added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Currency)
class CurrencyAdmin(AuditedAdmin, ModelAdmin):
    """The same for every operator, hence changed only by who runs the platform."""

    list_display = ["code", "name_en", "name_ar", "symbol", "minor_units", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["code", "name_en", "name_ar"]
    readonly_fields = ["code", "minor_units"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ExchangeRate)
class ExchangeRateAdmin(AuditedAdmin, ModelAdmin):
    list_display = ["pair", "rate", "valid_from", "source"]
    list_filter = ["base", "quote"]
    search_fields = ["base__code", "quote__code", "source"]
    autocomplete_fields = ["base", "quote"]
    date_hierarchy = "valid_from"
    ordering = ["-valid_from", "base_id", "quote_id"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        announce("rate.changed", obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        announce("rate.changed", obj)
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for rate in queryset:
            announce("rate.changed", rate)
        super().delete_queryset(request, queryset)

    @admin.display(description=_("pair"), ordering="base_id")
    def pair(self, row: ExchangeRate) -> str:
        return f"{row.base_id} → {row.quote_id}"


LINES_A_PAGE = 200


class PeriodForm(forms.Form):
    """The days of a statement, both included."""

    since = forms.DateField(label=_("From"), required=False, widget=UnfoldAdminDateWidget)
    until = forms.DateField(label=_("To"), required=False, widget=UnfoldAdminDateWidget)


@admin.register(Account)
class AccountAdmin(ReadOnly, ModelAdmin):
    list_display = ["name", "unit", "owner", "balance_shown", "may_overdraw"]
    list_filter = ["role", "unit"]
    list_select_related = ["owner"]
    search_fields = ["detail", "owner__email", "owner__first_name", "owner__last_name"]
    fields = ["role", "detail", "owner", "unit", "may_overdraw", "balance_shown"]
    readonly_fields = ["balance_shown"]
    ordering = ["role", "detail", "unit"]
    list_before_template = "admin/ledger/trial_balance.html"
    change_form_outer_after_template = "admin/ledger/statement.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Account.objects.with_balance()

    @admin.display(description=_("account"), ordering="role")
    def name(self, account: Account) -> str:
        return f"{account.get_role_display()} {account.detail}".strip()

    @admin.display(description=_("balance"))
    def balance_shown(self, account: Any) -> str:
        return format_money(account.balance, account.unit)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        books = trial_balance() if self.has_view_permission(request) else []
        return super().changelist_view(request, {**(extra_context or {}), "books": books})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        account = self.get_object(request, object_id) if object_id else None
        context = dict(extra_context or {})
        if account is not None and self.has_view_permission(request, account):
            month_ago = localdate() - timedelta(days=30)
            period = PeriodForm(request.GET if "since" in request.GET else {"since": month_ago, "until": localdate()})
            shown = statement_of_days(account, period)
            context |= {"period": period, "statement": shown}
            if shown is not None:
                context |= page_of(shown, request.GET.get("page"))
        return super().changeform_view(request, object_id, form_url, context)


def statement_of_days(account: Account, period: PeriodForm) -> Statement | None:
    """The statement from the beginning of the first day to the end of the last; None where the days are no days."""
    if not period.is_valid():
        return None
    first, last = period.cleaned_data["since"], period.cleaned_data["until"]
    return statement(
        account,
        since=make_aware(datetime.combine(first, time.min)) if first else None,
        until=make_aware(datetime.combine(last + timedelta(days=1), time.min)) if last else None,
    )


def page_of(whole: Statement, number: str | None) -> dict[str, Any]:
    """One page of a statement's lines, and the balance that stood before the first of them."""
    lines = Paginator(whole.lines, LINES_A_PAGE).get_page(number)
    before = lines.start_index() - 2  # the place of the line before; pages count from one
    return {
        "lines": lines,
        "brought_forward": whole.lines[before].balance if before >= 0 else whole.opening,
        "pages": lines.paginator.get_elided_page_range(lines.number, on_each_side=2, on_ends=1),
    }


class EntryInline(ReadOnly, TabularInline):
    model = Entry
    fields = ["account", "debit_shown", "credit_shown", "sequence", "before_shown", "after_shown"]
    readonly_fields = ["debit_shown", "credit_shown", "before_shown", "after_shown"]
    extra = 0
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Entry.objects.select_related("account__owner").order_by("-debit", "credit")

    @admin.display(description=_("debit"))
    def debit_shown(self, entry: Entry) -> str:
        return format_money(entry.debit, entry.account.unit) if entry.debit else ""

    @admin.display(description=_("credit"))
    def credit_shown(self, entry: Entry) -> str:
        return format_money(entry.credit, entry.account.unit) if entry.credit else ""

    @admin.display(description=_("balance before"))
    def before_shown(self, entry: Entry) -> str:
        return "" if entry.balance_before is None else format_money(entry.balance_before, entry.account.unit)

    @admin.display(description=_("balance after"))
    def after_shown(self, entry: Entry) -> str:
        return "" if entry.balance_after is None else format_money(entry.balance_after, entry.account.unit)


@admin.register(Transaction)
class TransactionAdmin(ReadOnly, ModelAdmin):
    list_display = ["reference", "kind", "occurred_at", "amount", "memo", "actor"]
    list_filter = ["kind", "occurred_at"]
    list_select_related = ["actor"]
    search_fields = ["reference", "memo"]
    date_hierarchy = "occurred_at"
    fields = ["reference", "kind", "occurred_at", "actor", "memo", "reversal_of"]
    readonly_fields = ["reversal_of"]
    inlines = [EntryInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Transaction.objects.select_related("reverses", "actor").prefetch_related("entries__account__owner")

    @admin.display(description=_("amount"))
    def amount(self, row: Transaction) -> str:
        moved: dict[str, Any] = {}
        for entry in row.entries.all():
            moved[entry.account.unit] = moved.get(entry.account.unit, 0) + entry.debit
        return " + ".join(format_money(amount, unit) for unit, amount in moved.items())

    @admin.display(description=_("reverses"))
    def reversal_of(self, row: Transaction) -> str:
        if row.reverses is None:
            return "–"
        link = reverse("admin:ledger_transaction_change", args=[row.reverses.pk])
        return format_html('<a href="{}">{}</a>', link, row.reverses.reference)
