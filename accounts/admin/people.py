"""The people of this operator."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, StackedInline
from unfold.decorators import action, display

from accounts.admin_audit import AuditedAdmin
from accounts.forms import PersonAddForm, PersonChangeForm, StaffSetPasswordForm
from accounts.models import Membership, Role, TravelPreferences, User
from accounts.selectors import people_here
from accounts.services.passwords import send_reset_link
from accounts.services.people import (
    add_person,
    belongs_elsewhere,
    block_person,
    change_person,
    refuse_managing,
    unblock_person,
)
from config.errors import DomainError
from config.i18n import language_now

IDENTITY = ("email", "first_name", "last_name", "phone", "date_of_birth", "language", "currency")


class RoleFilter(admin.SimpleListFilter):
    title = _("role")
    parameter_name = "role"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [(role.code, str(role)) for role in Role.objects.all()]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(pk__in=Membership.objects.filter(role__code=self.value()).values("user_id"))


class OpenFilter(admin.SimpleListFilter):
    title = _("may log in")
    parameter_name = "open"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("Blocked"))]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {"yes", "no"}:
            return queryset
        wanted = Membership.objects.filter(is_active=self.value() == "yes")
        return queryset.filter(pk__in=wanted.values("user_id"))


class VerifiedFilter(admin.SimpleListFilter):
    title = _("verified e-mail")
    parameter_name = "verified"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(email_verified_at__isnull=self.value() == "no")


class PreferencesInline(StackedInline):
    model = TravelPreferences
    can_delete = False
    extra = 0
    fields = readonly_fields = ("travel_style", "likes", "destinations", "dietary_needs", "budget_min", "budget_max")

    @display(description=_("interests"))
    def likes(self, preferences: TravelPreferences) -> str:
        return " · ".join(preferences.interests)

    @display(description=_("favourite destinations"))
    def destinations(self, preferences: TravelPreferences) -> str:
        return " · ".join(preferences.favourite_destinations)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class PersonAdmin(AuditedAdmin, UserAdmin, ModelAdmin):
    """Only people with a membership here. Who they are can be changed unless they use the account elsewhere too."""

    form = PersonChangeForm
    add_form = PersonAddForm
    change_password_form = StaffSetPasswordForm
    inlines = [PreferencesInline]
    list_display = ["name", "email", "role_here", "open_here", "verified", "phone", "created_at", "last_login"]
    list_filter = [RoleFilter, OpenFilter, VerifiedFilter]
    list_filter_submit = True
    list_per_page = 50
    search_fields = ["email", "first_name__resembles", "last_name__resembles", "phone"]
    search_help_text = _("Name, e-mail or phone")
    ordering = ["-created_at"]
    filter_horizontal: tuple[str, ...] = ()
    readonly_fields = ["email_verified_at", "last_login", "created_at", "picture", "new_password"]
    fieldsets = (
        (None, {"fields": (("first_name", "last_name"), ("email", "phone"), "new_password")}),
        (_("At this operator"), {"fields": (("role", "may_log_in"), ("price_group", "reason"))}),
        (_("More"), {"fields": (("language", "currency"), "date_of_birth", "picture")}),
        (_("Times"), {"fields": (("email_verified_at", "last_login", "created_at"),)}),
    )
    add_fieldsets = (
        (None, {"fields": (("first_name", "last_name"), ("email", "phone"), ("role", "language"))}),
        (None, {"fields": ("usable_password", "password1", "password2")}),
    )
    actions = ["block", "unblock"]
    actions_detail = ["send_reset_link"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        here = Membership.objects.filter(user_id=OuterRef("pk"))
        return (
            people_here()
            .order_by("-created_at", "pk")
            .annotate(
                role_name=Subquery(here.values(f"role__name_{language_now()}")[:1]),
                is_open_here=Subquery(here.values("is_active")[:1]),
            )
        )

    @display(description=_("name"), ordering="first_name")
    def name(self, user: User) -> str:
        return user.get_full_name()

    @display(description=_("role"), ordering="role_name", label=True)
    def role_here(self, user: Any) -> str:
        return user.role_name

    @display(description=_("may log in"), boolean=True, ordering="is_open_here")
    def open_here(self, user: Any) -> bool:
        return bool(user.is_open_here and user.is_active)

    @display(description=_("verified"), boolean=True, ordering="email_verified_at")
    def verified(self, user: User) -> bool:
        return user.email_verified_at is not None

    @display(description=_("password"))
    def new_password(self, user: User) -> str:
        state = _("Set") if user.has_usable_password() else _("Not chosen yet")
        address = reverse("admin:auth_user_password_change", args=[user.pk])
        link = '{} · <a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>'
        return format_html(link, state, address, _("Set another one"))

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None else []

    def get_object(self, request: HttpRequest, object_id: Any, from_field: Any = None) -> Any:
        user = super().get_object(request, object_id, from_field)
        if user is not None:
            user.changed_by = request.user
        return user

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and belongs_elsewhere(obj.pk):
            return [*self.readonly_fields, *IDENTITY]
        return self.readonly_fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes people who may do more than themselves."""
        allowed = super().has_change_permission(request, obj)
        if not allowed or obj is None:
            return bool(allowed)
        known: dict[str, bool] = request.__dict__.setdefault(
            "manageable_people", {}
        )  # a page asks for each of its parts
        person = str(getattr(obj, "pk", obj))
        if person not in known:
            known[person] = self._may_manage(request, obj)
        return known[person]

    def _may_manage(self, request: HttpRequest, obj: User | str) -> bool:
        membership = Membership.objects.select_related("role", "user").filter(user=obj).first()
        if membership is None:
            return False
        try:
            refuse_managing(request.user, membership)
        except DomainError:
            return False
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        data = form.cleaned_data
        if not change:
            password = data.get("password1", "") if data.get("set_usable_password") else ""
            identity = {name: data[name] for name in ("email", "first_name", "last_name", "phone", "language")}
            user = add_person(actor=request.user, role=data["role"].code, password=password or "", **identity)
            obj.pk, obj._state.adding = user.pk, False
            return
        changes = {name: data[name] for name in form.changed_data if name in IDENTITY}
        if "role" in form.changed_data:
            changes["role"] = data["role"].code
        if "price_group" in form.changed_data:
            changes["price_group"] = data["price_group"].code if data["price_group"] else ""
        if "may_log_in" in form.changed_data:
            changes["is_active"] = data["may_log_in"]
        if changes:
            change_person(user_id=obj.pk, actor=request.user, reason=data.get("reason", ""), **changes)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        try:
            return super().user_change_password(request, id, form_url)
        except DomainError as refusal:
            faults = [str(fault) for many in refusal.details.values() if isinstance(many, list) for fault in many]
            messages.error(request, " ".join(faults) or str(refusal))
            return redirect("admin:accounts_user_change", id)

    @admin.action(description=_("Block"), permissions=["change"])
    def block(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._for_each(request, queryset, block_person)

    @admin.action(description=_("Let log in again"), permissions=["change"])
    def unblock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._for_each(request, queryset, unblock_person)

    def _for_each(self, request: HttpRequest, queryset: QuerySet[User], service: Any) -> None:
        done = 0
        for user in queryset:
            try:
                service(user_id=user.pk, actor=request.user)
                done += 1
            except DomainError as refusal:
                messages.error(request, f"{user}: {refusal}")
        if done:
            messages.success(request, _("{count} people changed.").format(count=done))

    @action(
        description=_("Mail a link for a new password"),
        url_path="send-reset-link",
        permissions=["change"],
        icon="mail",
        dialog={
            "title": _("Mail a link for a new password?"),
            "description": _("It counts once and for one hour. Until then the old password stays."),
            "form_class": None,
            "form_submit_text": _("Send it"),
        },
    )
    def send_reset_link(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        send_reset_link(user_id=self.get_object(request, object_id).pk, actor=request.user)
        messages.success(request, _("The mail is on its way."))
        return HttpResponse(headers={"HX-Redirect": reverse("admin:accounts_user_change", args=[object_id])})
