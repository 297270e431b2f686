"""The back-office of people, roles and records: who may open what, and what each change leaves behind."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.forms import inlineformset_factory
from django.test import Client, RequestFactory, TestCase
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.admin_audit import AuditedAdmin
from accounts.models import AuditEntry, InvariantReport, Membership, Role, SignInLock, Tenant, User
from accounts.services.people import add_person
from accounts.tests.conftest import PASSWORD
from accounts.tests.factories import MembershipFactory, RoleFactory, UserFactory
from config.tenancy import tenant_context

pytestmark = pytest.mark.django_db

LISTS = ["user", "role", "membership", "tenant", "auditentry", "signinlock", "invariantreport"]


@pytest.fixture
def office(person):
    """A browser with somebody of this role signed in."""

    def make(role: str = "ADMIN", **values) -> Client:
        browser = Client()
        browser.user = person(role, **values)
        browser.force_login(browser.user)
        return browser

    return make


def page(name: str, *args) -> str:
    return reverse(f"admin:accounts_{name}", args=args)


def post_change(browser: Client, user: User, **values):
    membership = Membership.objects.get(user=user)
    form = {
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "phone": "",
        "language": "en",
        "currency": "",
        "date_of_birth": "",
        "role": str(membership.role_id),
        "may_log_in": "on" if membership.is_active else "",
        "reason": "",
        "-1-TOTAL_FORMS": "0",  # of the travel preferences, which are only shown
        "-1-INITIAL_FORMS": "0",
        **values,
    }
    return browser.post(page("user_change", user.pk), form)


def test_log_in_is_by_e_mail_and_for_staff_only(person):
    staff, customer = person("EMPLOYEE"), person()
    login = reverse("admin:login")
    assert "E-mail" in Client().get(login).content.decode()
    browser = Client()
    assert browser.post(login, {"username": staff.email.upper(), "password": PASSWORD}).status_code == 302
    assert browser.get(reverse("admin:index")).status_code == 200
    stranger = Client()
    assert stranger.post(login, {"username": customer.email, "password": PASSWORD}).status_code == 200
    assert stranger.get(reverse("admin:index")).status_code == 302


def test_five_failures_lock_the_back_office_too_and_staff_lift_it(person, office):
    staff = person("EMPLOYEE")
    login = reverse("admin:login")
    for _time in range(5):
        assert Client().post(login, {"username": staff.email, "password": "wrong"}).status_code == 200
    locked = Client().post(login, {"username": staff.email, "password": PASSWORD})
    assert "Too many failed log-ins" in locked.content.decode()
    api = APIClient().post("/api/v1/auth/login", {"email": staff.email, "password": PASSWORD})
    assert (api.status_code, api.json()["error_code"]) == (429, "sign_in_locked")
    lock = SignInLock.objects.get()
    boss = office()
    listed = boss.get(page("signinlock_changelist") + "?locked=yes")
    assert staff.email in listed.content.decode()
    boss.post(page("signinlock_changelist"), {"action": "lift", "_selected_action": [str(lock.pk)]})
    assert not SignInLock.objects.exists()
    entry = AuditEntry.objects.get(action="accounts.signinlock.lifted")
    assert (entry.actor_id, entry.before["failures"]) == (boss.user.pk, 5)
    assert Client().post(login, {"username": staff.email, "password": PASSWORD}).status_code == 302


def test_staff_of_another_operator_open_nothing_here(other_tenant, person):
    browser = Client()
    with tenant_context(other_tenant.pk):
        stranger = MembershipFactory(role=RoleFactory(code="ADMIN", is_staff=True)).user
    browser.force_login(stranger)
    assert browser.get(reverse("admin:index")).status_code == 302


@pytest.mark.parametrize("name", LISTS)
def test_lists_open_for_administrators_and_for_nobody_else(office, name):
    SignInLock.objects.create(email="a@b.c", address="10.0.0.1", first_failure_at="2026-01-01T00:00Z")
    InvariantReport.objects.create(is_clean=False, faults={"seats": ["one too many"]}, milliseconds=5)
    assert office("ADMIN").get(page(f"{name}_changelist")).status_code == 200
    customer = office("CUSTOMER").get(page(f"{name}_changelist"))
    assert customer.status_code == 302
    assert "/admin/login" in customer.url
    assert Client().get(page(f"{name}_changelist")).status_code == 302


@pytest.mark.parametrize("language", ["en", "ar"])
def test_pages_of_single_things_open_in_both_languages(office, language):
    boss = office("SUPER_ADMIN")
    boss.cookies["rihla_language"] = language
    add_person(actor=boss.user, email="n@example.com", first_name="Nour", last_name="Adel", role="EMPLOYEE")
    rows = {
        "user": User.objects.get(email="n@example.com"),
        "role": Role.objects.get(code="EMPLOYEE"),
        "membership": Membership.objects.first(),
        "tenant": Tenant.objects.get(slug="default"),
        "auditentry": AuditEntry.objects.first(),
        "invariantreport": InvariantReport.objects.create(is_clean=True, milliseconds=5),
    }
    for name, row in rows.items():
        response = boss.get(page(f"{name}_change", row.pk))
        assert response.status_code == 200, name
        assert f'lang="{language}"' in response.content.decode()


def test_lists_ask_few_queries_however_many_rows(office, person, django_assert_max_num_queries):
    boss = office()
    for number in range(15):
        person("EMPLOYEE" if number % 2 else "CUSTOMER")
    boss.get(page("user_changelist"))
    for name in LISTS:
        with django_assert_max_num_queries(15):
            assert boss.get(page(f"{name}_changelist")).status_code == 200


def test_people_of_other_operators_are_not_listed_found_or_opened(office, other_tenant):
    boss = office()
    with tenant_context(other_tenant.pk):
        foreign = MembershipFactory(user=UserFactory(email="foreign@example.com"), role=RoleFactory()).user
    assert "foreign@example.com" not in boss.get(page("user_changelist")).content.decode()
    found = boss.get(page("user_changelist") + "?q=foreign").content.decode()
    assert not re.search(r"foreign@example\.com", found)
    assert boss.get(page("user_change", foreign.pk)).status_code == 302
    suggestions = boss.get(
        reverse("admin:autocomplete"),
        {"app_label": "accounts", "model_name": "membership", "field_name": "user", "term": "foreign"},
    )
    assert "foreign@example.com" not in suggestions.content.decode()


def test_staff_add_a_person_who_then_chooses_the_password(office, django_capture_on_commit_callbacks):
    boss = office()
    role = Role.objects.get(code="EMPLOYEE")
    form = {
        "first_name": "Nour",
        "last_name": "Adel",
        "email": "Nour@Example.com",
        "phone": "+201001234567",
        "language": "ar",
        "role": str(role.pk),
        "usable_password": "false",
    }
    response = boss.post(page("user_add"), form)
    assert response.status_code == 302, response.context["errors"]
    user = User.objects.get(email="nour@example.com")
    assert response.url == page("user_change", user.pk)
    assert (user.membership.role.code, user.has_usable_password()) == ("EMPLOYEE", False)
    assert AuditEntry.objects.get(action="accounts.user.added").actor_id == boss.user.pk


def test_staff_set_a_first_password(office):
    boss = office()
    form = {
        "first_name": "Nour",
        "last_name": "Adel",
        "email": "nour@example.com",
        "phone": "",
        "language": "en",
        "role": str(Role.objects.get(code="CUSTOMER").pk),
        "usable_password": "true",
        "password1": "weak",
        "password2": "weak",
    }
    weak = boss.post(page("user_add"), form)
    assert weak.status_code == 200
    assert not User.objects.filter(email="nour@example.com").exists()
    done = boss.post(page("user_add"), {**form, "password1": "Dahabiya-77", "password2": "Dahabiya-77"})
    assert done.status_code == 302
    assert User.objects.get(email="nour@example.com").check_password("Dahabiya-77")


def test_a_known_e_mail_is_refused_on_the_form_which_keeps_what_was_typed(office, person):
    boss, known = office(), person()
    form = {
        "first_name": "Typed",
        "last_name": "Twice",
        "email": known.email,
        "phone": "",
        "language": "en",
        "role": str(Role.objects.get(code="CUSTOMER").pk),
        "usable_password": "false",
    }
    response = boss.post(page("user_add"), form)
    assert response.status_code == 200
    assert "There is an account with this e-mail" in response.content.decode()
    assert 'value="Typed"' in response.content.decode()


def test_a_person_known_elsewhere_gets_a_role_here_and_keeps_everything(office, other_tenant):
    boss = office()
    with tenant_context(other_tenant.pk):
        known = MembershipFactory(
            user=UserFactory(email="both@example.com", first_name="Real"), role=RoleFactory()
        ).user
    form = {
        "first_name": "Fake",
        "last_name": "Name",
        "email": "both@example.com",
        "phone": "",
        "language": "en",
        "role": str(Role.objects.get(code="CUSTOMER").pk),
        "usable_password": "true",
        "password1": "Dahabiya-77",
        "password2": "Dahabiya-77",
    }
    assert boss.post(page("user_add"), form).status_code == 302
    known.refresh_from_db()
    assert known.first_name == "Real"
    assert known.check_password(PASSWORD)
    assert Membership.objects.filter(user=known).exists()
    opened = boss.get(page("user_change", known.pk)).content.decode()
    assert 'name="first_name"' not in opened  # who they are is not this operator's to change
    assert 'name="role"' in opened
    refused = boss.post(
        reverse("admin:auth_user_password_change", args=[known.pk]),
        {"password1": "Felucca-2026", "password2": "Felucca-2026"},
    )
    known.refresh_from_db()
    assert refused.status_code in {302, 403}
    assert known.check_password(PASSWORD)


def test_changes_of_a_person_are_audited_field_by_field(office, person):
    boss, user = office(), person()
    response = post_change(boss, user, first_name="Muna", reason="asked by phone")
    assert response.status_code == 302, response.context["errors"]
    entry = AuditEntry.objects.get(action="accounts.user.changed")
    assert (entry.before, entry.after) == ({"first_name": "Mona"}, {"first_name": "Muna"})
    assert (entry.actor_id, entry.address) == (boss.user.pk, "127.0.0.1")
    shown = boss.get(page("auditentry_change", entry.pk)).content.decode()
    assert "Muna" in shown
    assert "Mona" in shown
    history = boss.get(reverse("admin:accounts_user_history", args=[user.pk]), follow=True)
    assert history.status_code == 200
    assert "accounts.user.changed" in history.content.decode()


def test_role_and_blocking_by_the_form_say_why(office, person):
    boss, user = office(), person()
    employee = Role.objects.get(code="EMPLOYEE")
    assert post_change(boss, user, role=str(employee.pk), reason="hired").status_code == 302
    assert post_change(boss, user, may_log_in="", reason="left").status_code == 302
    membership = Membership.objects.get(user=user)
    assert (membership.role.code, membership.is_active) == ("EMPLOYEE", False)
    said = {entry.action: entry.reason for entry in AuditEntry.objects.all()}
    assert said == {"accounts.membership.role_changed": "hired", "accounts.user.blocked": "left"}
    browser = Client()
    browser.force_login(user)
    assert browser.get(reverse("admin:index")).status_code == 302


def test_nobody_changes_those_who_may_more_nor_blocks_themselves(office, person):
    clerk, boss_user = office("EMPLOYEE"), person("ADMIN")
    assert clerk.get(page("user_change", boss_user.pk)).status_code == 200  # to read
    assert post_change(clerk, boss_user, first_name="Hacked").status_code == 403
    password = reverse("admin:auth_user_password_change", args=[boss_user.pk])
    assert clerk.post(password, {"password1": "Felucca-2026", "password2": "Felucca-2026"}).status_code == 403
    boss = office("ADMIN")
    own = post_change(boss, boss.user, may_log_in="")
    assert own.status_code == 200
    assert "You cannot do this to your own account." in own.content.decode()
    boss.post(page("user_changelist"), {"action": "block", "_selected_action": [str(boss.user.pk)]})
    assert Membership.objects.get(user=boss.user).is_active


def test_a_clerk_cannot_appoint_staff(office):
    clerk = office("EMPLOYEE")
    form = {
        "first_name": "Nour",
        "last_name": "Adel",
        "email": "nour@example.com",
        "phone": "",
        "language": "en",
        "role": str(Role.objects.get(code="ADMIN").pk),
        "usable_password": "false",
    }
    response = clerk.post(page("user_add"), form)
    assert "Nobody can give or take rights" in response.content.decode()
    assert not User.objects.filter(email="nour@example.com").exists()


def test_a_password_set_by_staff_obeys_the_rules_and_ends_sessions(office, person):
    boss, user = office(), person()
    url = reverse("admin:auth_user_password_change", args=[user.pk])
    assert boss.get(url).status_code == 200
    assert boss.post(url, {"password1": "lower-case-1", "password2": "lower-case-1"}).status_code == 200
    revision = user.token_revision
    assert boss.post(url, {"password1": "Felucca-2026", "password2": "Felucca-2026"}).status_code == 302
    user.refresh_from_db()
    assert user.check_password("Felucca-2026")
    assert user.token_revision == revision + 1
    entry = AuditEntry.objects.get(action="accounts.user.password_set")
    assert entry.actor_id == boss.user.pk
    assert "Felucca" not in str(entry.before) + str(entry.after)


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
