"""Partners and the people who act for them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from accounts.admin_audit import AuditedAdmin
from accounts.models import Membership, Role
from bookings.models import Partner, PartnerUser


class PersonForm(forms.ModelForm):
    def clean_user(self) -> Any:
        """Rights come with the role: whoever acts for a partner is an agent here, and nothing else."""
        user = self.cleaned_data["user"]
        if not Membership.objects.filter(user=user, role__code=Role.Code.AGENT).exists():
            raise forms.ValidationError(_("This person is no agent. Give them the role “Agent” on their page first."))
        return user


class PersonInline(TabularInline):
    model = PartnerUser
    form = PersonForm
    fields = ["user", "created_at"]
    readonly_fields = ["created_at"]
    autocomplete_fields = ["user"]
    extra = 0

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")


@admin.register(Partner)
class PartnerAdmin(AuditedAdmin, ModelAdmin):
    list_display = ["name_en", "name_ar", "code", "currency", "people_shown", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["name_en", "name_ar", "code"]
    fieldsets = [(None, {"fields": [("name_en", "name_ar"), ("code", "currency"), "is_active"]})]
    inlines = [PersonInline]
    warn_unsaved_form = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(people_count=Count("people"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["code"] if obj else []

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in ("name_ar", "name_en"):
            field.widget.attrs |= {"dir": "rtl" if db_field.name == "name_ar" else "ltr", "lang": db_field.name[-2:]}
        return field

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A partner is switched off, not deleted: bookings name it."""
        return False

    @display(description=_("people"), ordering="people_count")
    def people_shown(self, partner: Any) -> int:
        return partner.people_count
