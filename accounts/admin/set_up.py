"""Operators, roles, and who has which."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from accounts.admin_audit import AuditedAdmin
from accounts.forms import RoleForm
from accounts.models import Membership, PriceGroup, Role, Tenant
from accounts.seeding import seed_tenant
from accounts.services.roles import set_permissions
from config.tenancy import current_tenant

# Rights come from our roles, and tokens are nobody's to look at.
for unused in (Group, OutstandingToken, BlacklistedToken):
    admin.site.unregister(unused)


@admin.register(Tenant)
class TenantAdmin(AuditedAdmin, ModelAdmin):
    """Those who run the platform see and add operators; administrators see their own and change its profile."""

    list_display = ["__str__", "slug", "host", "currency", "time_zone", "is_active"]
    search_fields = ["slug", "name_en", "name_ar", "host"]
    readonly_fields = ["created_at"]
    fieldsets = (
        (None, {"fields": (("name_en", "name_ar"), ("email", "phone"), ("address_en", "address_ar"))}),
        (
            _("Business"),
            {"fields": (("currency", "time_zone"), "guests_may_book", ("choice_hours", "choice_unanswered"))},
        ),
        (_("Public site"), {"fields": (("site_address", "tour_path"),)}),
        (_("Reviews"), {"fields": (("reviews_approve_from", "reviews_ask_after_days"),)}),
        (_("Platform"), {"fields": (("slug", "host"), "is_active", "created_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        everyone = super().get_queryset(request)
        return everyone if request.user.is_superuser else everyone.filter(pk=current_tenant.get())

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if request.user.is_superuser:
            return self.readonly_fields
        return [*self.readonly_fields, "slug", "host", "is_active"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            seed_tenant(obj)


@admin.register(PriceGroup)
class PriceGroupAdmin(AuditedAdmin, ModelAdmin):
    """Who is in a group is set on a person's page; what they pay, by price rules."""

    list_display = ["name_en", "name_ar", "code", "people_shown", "display_order"]
    search_fields = ["name_en", "name_ar", "code"]
    fieldsets = ((None, {"fields": (("name_en", "name_ar"), ("code", "display_order"))}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceGroup]:
        return super().get_queryset(request).annotate(people_count=Count("memberships"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["code"] if obj else []

    @display(description=_("people"), ordering="people_count")
    def people_shown(self, group: Any) -> int:
        return group.people_count


@admin.register(Role)
class RoleAdmin(AuditedAdmin, ModelAdmin):
    form = RoleForm
    list_display = ["__str__", "code", "is_staff", "people", "rights"]
    search_fields = ["code", "name_en", "name_ar"]
    fieldsets = (
        (None, {"fields": (("name_en", "name_ar"), ("code", "is_staff"))}),
        (_("Rights"), {"fields": ("rights",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Role]:
        return (
            super()
            .get_queryset(request)
            .annotate(
                people_count=Count("memberships", distinct=True), rights_count=Count("rolepermission", distinct=True)
            )
        )

    @display(description=_("people"), ordering="people_count")
    def people(self, role: Any) -> int:
        return role.people_count

    @display(description=_("rights"), ordering="rights_count")
    def rights(self, role: Any) -> int:
        return role.rights_count

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["code"] if obj is not None else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and (obj.code in Role.Code.values or obj.memberships.exists()):
            return False
        return super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Role, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        set_permissions(role_id=obj.pk, permissions=form.cleaned_data["rights"], actor=request.user)


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):
    """Who has which role; changed on the person's page."""

    list_display = ["user", "role", "is_active", "created_at"]
    list_select_related = ["user", "role"]
    list_filter = [("role", RelatedDropdownFilter), "is_active"]
    search_fields = ["user__email", "user__first_name", "user__last_name"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
