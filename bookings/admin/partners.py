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
from bookings.models import NetBasis, NetRate, Partner, PartnerUser
from ledger.errors import AmountTooFine
from ledger.money import to_minor
from tours.models import PricingBasis


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


class NetRateForm(forms.ModelForm):
    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        rate, value = self.instance, self.cleaned_data.get("value")
        if rate.first_day and rate.last_day and rate.last_day < rate.first_day:
            self.add_error("last_day", _("The last day cannot be before the first."))
        if value is None or "option" in self.errors or not rate.option_id:
            return
        if rate.basis == NetBasis.PERCENT_OFF:
            if value > 100:
                self.add_error("value", _("Between 0 and 100 percent."))
            return
        if rate.category_id is None and rate.option.basis == PricingBasis.PER_PERSON:
            self.add_error("category", _("A price is for a guest of a category: say of which."))
        currency = rate.currency_id or getattr(rate.partner, "currency_id", None)
        if currency:
            try:
                to_minor(value, currency)
            except AmountTooFine as refusal:
                self.add_error("value", str(refusal))


class NetRateInline(TabularInline):
    model = NetRate
    form = NetRateForm
    fields = ["option", "category", "basis", "value", "currency", "first_day", "last_day"]
    autocomplete_fields = ["option"]
    extra = 0
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("option__tour", "category")


@admin.register(Partner)
class PartnerAdmin(AuditedAdmin, ModelAdmin):
    empty_hint = _("Agencies and hotels that book at prices of their own.")
    list_display = ["name_en", "name_ar", "code", "currency", "people_shown", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["name_en", "name_ar", "code"]
    fieldsets = [(None, {"fields": [("name_en", "name_ar"), ("code", "currency"), "is_active"]})]
    inlines = [PersonInline, NetRateInline]
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
