"""What staff set up once: the kinds of booking."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminColorInputWidget

from accounts.admin_audit import AuditedAdmin
from bookings.kinds import KINDS
from bookings.models import BookingKind


@admin.register(BookingKind)
class BookingKindAdmin(AuditedAdmin, ModelAdmin):
    list_display = ["code", "name_en", "name_ar", "icon", "colour", "is_active", "display_order"]
    list_editable = ["display_order", "is_active"]
    search_fields = ["code", "name_en", "name_ar"]
    ordering = ["display_order", "code"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["code"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The seven that Rihla itself uses stay; they can be switched off."""
        return bool(super().has_delete_permission(request, obj) and (obj is None or obj.code not in KINDS))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "colour":
            kwargs["widget"] = UnfoldAdminColorInputWidget
        return super().formfield_for_dbfield(db_field, request, **kwargs)
