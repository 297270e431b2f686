"""The back-office of people, roles and records: who may open what, and what each change leaves behind."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import AuditEntry, InvariantReport, Membership, Role, SignInLock, Tenant, User
from accounts.services.people import add_person
from accounts.tests.conftest import PASSWORD, page
from accounts.tests.factories import MembershipFactory, RoleFactory, UserFactory
from config.tenancy import tenant_context

pytestmark = pytest.mark.django_db

LISTS = ["user", "role", "membership", "tenant", "auditentry", "signinlock", "invariantreport"]


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
    answer = browser.post(login, {"username": staff.email.upper(), "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:index"))
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


def test_failing_with_many_e_mails_is_stopped_by_address_and_an_office_that_succeeds_is_not(person, settings):
    settings.THROTTLE_BACK_OFFICE = "3/min"
    staff, login = person("EMPLOYEE"), reverse("admin:login")
    right = {"username": staff.email, "password": PASSWORD}
    for _colleague in range(6):
        assert Client().post(login, right).status_code == 302
    for number in range(3):
        wrong = Client().post(login, {"username": f"guess{number}@example.com", "password": "wrong"})
        assert "Too many requests" not in wrong.content.decode()
    stopped = Client().post(login, right)
    assert (stopped.status_code, "Too many requests" in stopped.content.decode()) == (200, True)
    assert Client(REMOTE_ADDR="10.0.0.8").post(login, right).status_code == 302


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
