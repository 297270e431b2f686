"""Filters of the lists of bookings."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class SourceFilter(admin.SimpleListFilter):
    title = gettext_lazy("made by")
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("SELF", _("Customer")), ("ADMIN", _("Staff")), ("AGENT", _("Agent"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.made_by(self.value()) if self.value() else queryset


class BalanceFilter(admin.SimpleListFilter):
    title = gettext_lazy("balance")
    parameter_name = "balance"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Still to pay")), ("overdue", _("Overdue"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "overdue":
            return queryset.balance_overdue()
        if self.value() == "open":
            return queryset.balance_open()
        return queryset
