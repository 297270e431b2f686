"""Holds in the back-office: to be looked at, and to be released."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from bookings import services, wording
from bookings.admin.shown import HOLD_COLOURS, quoted_shown
from bookings.models import Hold
from config.errors import DomainError
from config.filters import DaysFilter


@admin.register(Hold)
class HoldAdmin(ModelAdmin):
    empty_hint = gettext_lazy("Seats that somebody keeps while they decide; each ends by itself after some minutes.")
    list_display = ["departure", "seats", "customer_shown", "status_shown", "total", "created_at", "expires_at"]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        ("departure__tour", AutocompleteSelectFilter),
        ("expires_at", DaysFilter),
    ]
    list_filter_submit = True
    list_select_related = ["departure__tour__destination", "customer"]
    search_fields = ["customer__email", "items__booking__reference"]
    ordering = ["-created_at"]
    actions = ["release"]
    fields = [
        "departure",
        ("seats", "status"),
        "customer_shown",
        ("created_at", "expires_at", "ended_at"),
        "price_shown",
    ]
    readonly_fields = ["customer_shown", "price_shown"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_release_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("bookings.change_hold"))

    @admin.action(description=gettext_lazy("Release the seats"), permissions=["release"])
    def release(self, request: HttpRequest, queryset: Any) -> None:
        released = 0
        for hold in queryset:
            try:
                services.release_hold(hold_id=hold.pk, actor=request.user)
                released += 1
            except DomainError as refusal:
                self.message_user(request, f"{hold.departure}: {refusal}", messages.ERROR)
        if released:
            told = ngettext("{n} hold released.", "{n} holds released.", released).format(n=released)
            self.message_user(request, told, messages.SUCCESS)

    @display(description=gettext_lazy("customer"))
    def customer_shown(self, hold: Hold) -> str:
        return str(hold.customer) if hold.customer else _("Guest")

    @display(description=gettext_lazy("status"), ordering="status", label=HOLD_COLOURS)
    def status_shown(self, hold: Hold) -> tuple[str, str]:
        return hold.status, hold.get_status_display()

    @display(description=gettext_lazy("price"))
    def price_shown(self, hold: Hold) -> str:
        return quoted_shown(hold.quote)

    @display(description=gettext_lazy("total"))
    def total(self, hold: Hold) -> str:
        return wording.quoted_total(hold.quote)
