"""Roles, operators and records in the back-office, and what `AuditedAdmin` leaves behind."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.forms import inlineformset_factory
from django.test import RequestFactory, TestCase
from django.urls import reverse

from accounts.admin_audit import AuditedAdmin
from accounts.models import AuditEntry, InvariantReport, Membership, Role, Tenant, User
from accounts.tests.conftest import page
from accounts.tests.factories import UserFactory
from config.tenancy import tenant_context

pytestmark = pytest.mark.django_db

PRESENCE = {
    "choice_hours": 72,
    "choice_unanswered": "REFUND",
    "site_address": "",
    "tour_path": "/{language}/tours/{slug}",
    "reviews_ask_after_days": 2,
}


def test_rights_of_a_role_are_ticked_saved_and_audited(office):
    boss = office("SUPER_ADMIN")
    role = Role.objects.get(code="AGENT")
    url = page("role_change", role.pk)
    assert 'value="bookings.view_booking"' in boss.get(url).content.decode()
    form = {"name_en": "Partner", "name_ar": role.name_ar, "rights": ["bookings.view_booking", "tours.view_tour"]}
    assert boss.post(url, form).status_code == 302
    assert Role.objects.get(pk=role.pk).permission_names == {"bookings.view_booking", "tours.view_tour"}
    assert Role.objects.get(pk=role.pk).name_en == "Partner"
    entry = AuditEntry.objects.get(action="accounts.role.permissions_changed")
    assert entry.after == {"permissions": ["bookings.view_booking", "tours.view_tour"]}
    assert boss.post(url, {**form, "rights": ["tours.view_tour"]}).status_code == 302
    assert Role.objects.get(pk=role.pk).permission_names == {"tours.view_tour"}


def test_new_roles_can_be_made_and_seeded_ones_not_deleted(office):
    boss = office("SUPER_ADMIN")
    form = {"code": "GUIDE", "name_en": "Guide", "name_ar": "مرشد", "is_staff": "on", "rights": ["tours.view_tour"]}
    assert boss.post(page("role_add"), form).status_code == 302
    assert Role.objects.get(code="GUIDE").permission_names == {"tours.view_tour"}
    agent = Role.objects.get(code="AGENT")
    assert boss.post(page("role_delete", agent.pk), {"post": "yes"}).status_code == 403


def test_administrators_change_their_own_operators_profile_only(office, other_tenant, tenant):
    boss = office("ADMIN")
    listed = boss.get(page("tenant_changelist")).content.decode()
    assert tenant.name_en in listed
    assert other_tenant.name_en not in listed
    form = {
        "name_en": "Nile Journeys",
        "name_ar": "رحلات النيل",
        "email": "",
        "phone": "",
        "address_en": "",
        "address_ar": "",
        "currency": "EGP",
        "time_zone": "Africa/Cairo",
        **PRESENCE,
        "guests_may_book": "on",
        "slug": "taken-over",
        "host": "evil.example",
    }
    assert boss.post(page("tenant_change", tenant.pk), form).status_code == 302
    tenant.refresh_from_db()
    assert (tenant.name_en, tenant.slug, tenant.host) == ("Nile Journeys", "default", "")
    assert boss.post(page("tenant_change", other_tenant.pk), form).status_code == 302
    other_tenant.refresh_from_db()
    assert other_tenant.name_en != "Nile Journeys"
    assert boss.get(page("tenant_add")).status_code == 403


def test_a_new_operator_has_its_roles_at_once(office):
    boss = office("ADMIN", is_superuser=True)
    form = {
        "name_en": "Marhaba",
        "name_ar": "مرحبا",
        "slug": "marhaba",
        "host": "",
        "email": "",
        "phone": "",
        "address_en": "",
        "address_ar": "",
        "currency": "AED",
        "time_zone": "Asia/Dubai",
        **PRESENCE,
        "is_active": "on",
    }
    response = boss.post(page("tenant_add"), form)
    assert response.status_code == 302, response.context["errors"]
    made = Tenant.objects.get(slug="marhaba")
    with tenant_context(made.pk):
        assert Role.objects.count() == 5


def test_nobody_edits_the_records(office):
    boss = office("SUPER_ADMIN", is_superuser=True)
    entry = AuditEntry.objects.create(action="x", subject_type="accounts.user", subject_id="1")
    report = InvariantReport.objects.create(is_clean=True, milliseconds=5)
    for name, row in {"auditentry": entry, "invariantreport": report}.items():
        assert boss.get(page(f"{name}_add")).status_code == 403
        assert boss.post(page(f"{name}_change", row.pk), {}).status_code == 403
        assert boss.post(page(f"{name}_delete", row.pk), {"post": "yes"}).status_code == 403


def test_the_promises_are_checked_by_a_button_and_never_by_a_mere_link(office):
    boss = office()
    url = reverse("admin:accounts_invariantreport_run_now")
    assert boss.get(url).status_code == 200
    assert not InvariantReport.objects.exists()
    done = boss.post(url, {"_form_submitted": "True"})
    report = InvariantReport.objects.get()
    assert done.headers["HX-Redirect"] == page("invariantreport_change", report.pk)
    assert office("CUSTOMER").post(url, {"_form_submitted": "True"}).status_code in {302, 403}


def test_a_reset_link_is_mailed_by_a_button(office, person):
    boss, user = office(), person()
    url = reverse("admin:accounts_user_send_reset_link", args=[user.pk])
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert boss.post(url, {"_form_submitted": "True"}).status_code == 200


class GroupedRoleAdmin(AuditedAdmin, admin.ModelAdmin):
    """For the tests of what the mixin does with inlines."""


def save_memberships(role: Role, actor: User, *rows: dict) -> None:
    """Save an inline's formset of the role's memberships, as the page does."""
    formset_class = inlineformset_factory(Role, Membership, fk_name="role", fields=["user", "is_active"], extra=0)
    initial = [row for row in rows if row.get("id")]
    data = {"memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": len(initial)}
    for number, row in enumerate([*initial, *(row for row in rows if not row.get("id"))]):
        data |= {f"memberships-{number}-{name}": value for name, value in row.items()}
    formset = formset_class(data, instance=role, prefix="memberships")
    assert formset.is_valid(), formset.errors
    request = RequestFactory().post("/")
    request.user = actor
    GroupedRoleAdmin(Role, admin.site).save_formset(request, None, formset, change=True)


def test_rows_added_changed_and_deleted_in_an_inline_are_audited_each(person):
    boss, kept, gone, new = person("ADMIN"), person(), person(), UserFactory()
    role = Role.objects.get(code="CUSTOMER")
    rows = {m.user_id: m for m in role.memberships.all()}
    gone_id = rows[gone.pk].pk
    save_memberships(
        role,
        boss,
        {"id": str(rows[kept.pk].pk), "user": str(kept.pk), "is_active": ""},
        {"id": str(gone_id), "user": str(gone.pk), "is_active": "on", "DELETE": "on"},
        {"user": str(new.pk), "is_active": "on"},
    )
    told = {entry.action.rpartition(".")[2]: entry for entry in AuditEntry.objects.all()}
    assert set(told) == {"added", "changed", "deleted"}
    assert (told["changed"].before, told["changed"].after) == ({"is_active": True}, {"is_active": False})
    assert told["added"].after["user"] == str(new.pk)
    assert (told["deleted"].subject_id, told["deleted"].before["user"]) == (str(gone_id), str(gone.pk))
    assert {entry.actor_id for entry in told.values()} == {boss.pk}


def test_deletions_by_page_and_by_selection_are_audited(office):
    boss = office("SUPER_ADMIN")
    made = [Role.objects.create(code=f"R{n}", name_en=f"R{n}", name_ar=f"R{n}") for n in range(3)]
    assert boss.post(page("role_delete", made[0].pk), {"post": "yes"}).status_code == 302
    several = {"action": "delete_selected", "_selected_action": [str(r.pk) for r in made[1:]], "post": "yes"}
    assert boss.post(page("role_changelist"), several).status_code == 302
    entries = AuditEntry.objects.filter(action="accounts.role.deleted")
    assert {entry.before["code"] for entry in entries} == {"R0", "R1", "R2"}
    assert not LogEntry.objects.exists()  # Django's own log knows no tenants


def test_a_page_saved_without_a_change_leaves_no_entry(office, tenant):
    boss = office("SUPER_ADMIN")
    role = Role.objects.get(code="AGENT")
    form = {"name_en": role.name_en, "name_ar": role.name_ar, "rights": []}
    assert boss.post(page("role_change", role.pk), form).status_code == 302
    assert not AuditEntry.objects.exists()


def test_every_admin_that_can_change_rows_leaves_audit_entries(rf, person):
    """Across all apps: an admin either audits or lets nobody add, change or delete."""
    request = rf.get("/admin/")
    request.user = person("ADMIN", is_superuser=True)
    request.tenant = None
    loose = [
        f"{type(registered).__module__}.{type(registered).__name__}"
        for registered in admin.site._registry.values()
        if not isinstance(registered, AuditedAdmin)
        and (
            registered.has_add_permission(request)
            or registered.has_change_permission(request)
            or registered.has_delete_permission(request)
        )
    ]
    assert loose == []


def test_the_public_site_may_be_typed_without_https(recwarn):
    field = Tenant._meta.get_field("site_address").formfield()
    assert field.clean("www.nile.example") == "https://www.nile.example"
    assert field.clean("http://old.nile.example") == "http://old.nile.example"
    assert not [warning for warning in recwarn if "URLField" in str(warning.message)]
