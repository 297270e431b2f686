"""Staff and the people of their operator, over the API; and who may call what."""

import uuid

import pytest

from accounts.errors import MayNotGrant, NotOnYourself, SharedPerson
from accounts.models import AuditEntry, Membership, User
from accounts.services.people import belongs_elsewhere, change_person, set_password
from accounts.services.roles import set_permissions
from accounts.tests.conftest import PASSWORD
from accounts.tests.factories import MembershipFactory, RoleFactory, UserFactory
from config.tenancy import tenant_context

pytestmark = pytest.mark.django_db

PEOPLE = "/api/v1/admin/users"
NOUR = {"email": "Nour@Example.com", "first_name": "Nour", "last_name": "Adel"}


@pytest.fixture(autouse=True)
def generous_limits(settings, roles):
    settings.THROTTLE_AUTH = settings.THROTTLE_DEFAULT = "1000/min"


@pytest.fixture
def boss(person):
    return person("ADMIN", email="boss@example.com", first_name="Boss")


def names(response) -> list[str]:
    assert response.status_code == 200, response.json()
    return [item["first_name"] for item in response.json()["items"]]


def test_the_list_is_searched_filtered_and_paged(client_of, person, boss, django_assert_num_queries):
    person(first_name="Layla", last_name="Hassan", phone="+201001112223")
    person(first_name="ليلى", last_name="حسن", email="arabic@example.com")
    blocked = person("EMPLOYEE", first_name="Karim")
    Membership.objects.filter(user=blocked).update(is_active=False)
    client = client_of(boss)
    client.get(PEOPLE)
    with django_assert_num_queries(3):  # how many, which, their roles
        assert names(client.get(PEOPLE)) == ["Karim", "ليلى", "Layla", "Boss"]
    assert names(client.get(PEOPLE, {"q": "hassan layla"})) == ["Layla"]
    assert names(client.get(PEOPLE, {"q": "حسن"})) == ["ليلى"]
    assert names(client.get(PEOPLE, {"q": "1112223"})) == ["Layla"]
    assert names(client.get(PEOPLE, {"q": "%"})) == []
    assert names(client.get(PEOPLE, {"role": "EMPLOYEE"})) == ["Karim"]
    assert names(client.get(PEOPLE, {"is_active": "false"})) == ["Karim"]
    assert names(client.get(PEOPLE, {"is_active": "true", "role": "ADMIN"})) == ["Boss"]
    assert names(client.get(PEOPLE, {"verified": "true"})) == []
    assert names(client.get(PEOPLE, {"size": 2, "page": 2})) == ["Layla", "Boss"]
    assert client.get(PEOPLE, {"is_active": "perhaps"}).status_code == 400
    assert set(client.get(PEOPLE, {"fields": "id,email"}).json()["items"][0]) == {"id", "email"}


def test_people_of_other_operators_do_not_exist_here(client_of, boss, other_tenant):
    with tenant_context(other_tenant.pk):
        foreign = MembershipFactory(role=RoleFactory()).user
    client = client_of(boss)
    assert foreign.email not in client.get(PEOPLE).content.decode()
    assert client.get(f"{PEOPLE}/{foreign.pk}").status_code == 404
    assert client.patch(f"{PEOPLE}/{foreign.pk}", {"first_name": "Mine"}).status_code == 404
    foreign.refresh_from_db()
    assert foreign.first_name == "Mona"


def test_a_person_is_added_audited_and_invited(client_of, boss):
    response = client_of(boss).post(PEOPLE, {**NOUR, "role": "EMPLOYEE", "phone": "+201001112223"})
    body = response.json()
    assert (response.status_code, body["email"], body["role"]) == (201, "nour@example.com", "EMPLOYEE")
    entry = AuditEntry.objects.get(action="accounts.user.added")
    assert (entry.actor_id, entry.subject_id, entry.after["role"]) == (boss.pk, body["id"], "EMPLOYEE")
    assert not User.objects.get(pk=body["id"]).has_usable_password()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "x"}, "email"),
        ({"first_name": ""}, "first_name"),
        ({"role": "KING"}, "role"),
        ({"phone": "1"}, "phone"),
    ],
)
def test_a_person_that_is_not_right(client_of, boss, change, field):
    response = client_of(boss).post(PEOPLE, {**NOUR, **change})
    assert response.status_code == 400
    assert field in response.json()["details"]
    assert not User.objects.filter(email="nour@example.com").exists()


def test_a_person_is_added_once(client_of, boss):
    client = client_of(boss)
    assert client.post(PEOPLE, NOUR).status_code == 201
    again = client.post(PEOPLE, NOUR)
    assert (again.status_code, again.json()["error_code"]) == (409, "email_taken")


def test_somebody_known_elsewhere_gets_a_membership_and_keeps_who_they_are(client_of, boss, other_tenant):
    with tenant_context(other_tenant.pk):
        known = MembershipFactory(
            user=UserFactory(email="nour@example.com", first_name="Real"), role=RoleFactory()
        ).user
    response = client_of(boss).post(PEOPLE, NOUR)
    assert (response.status_code, response.json()["first_name"]) == (201, "Real")
    client = client_of(boss)
    refused = client.patch(f"{PEOPLE}/{known.pk}", {"first_name": "Fake"})
    assert (refused.status_code, refused.json()["error_code"]) == (409, "shared_person")
    assert client.patch(f"{PEOPLE}/{known.pk}", {"role": "AGENT"}).status_code == 200
    with pytest.raises(SharedPerson):
        set_password(user_id=known.pk, password="Felucca-2026", actor=boss)
    known.refresh_from_db()
    assert known.check_password(PASSWORD)
    with tenant_context(other_tenant.pk):
        assert Membership.objects.get(user=known).role.code == "CUSTOMER"


def test_a_change_names_who_what_and_why(client_of, boss, person):
    user = person()
    body = {"first_name": "Muna", "role": "AGENT", "is_active": False, "reason": "moved to Dubai"}
    response = client_of(boss).patch(f"{PEOPLE}/{user.pk}", body)
    assert response.status_code == 200
    assert (response.json()["first_name"], response.json()["role"], response.json()["is_active"]) == (
        "Muna",
        "AGENT",
        False,
    )
    told = {e.action: (e.before, e.after, e.reason, e.actor_id, e.address) for e in AuditEntry.objects.all()}
    why = ("moved to Dubai", boss.pk, "127.0.0.1")
    assert told == {
        "accounts.membership.role_changed": ({"role": "CUSTOMER"}, {"role": "AGENT"}, *why),
        "accounts.user.blocked": ({"is_active": True}, {"is_active": False}, *why),
        "accounts.user.changed": ({"first_name": "Mona"}, {"first_name": "Muna"}, "", boss.pk, "127.0.0.1"),
    }


def test_a_refused_change_leaves_nothing_half_done(client_of, boss, person):
    user, other = person(), person()
    refused = client_of(boss).patch(f"{PEOPLE}/{user.pk}", {"role": "AGENT", "email": other.email})
    assert refused.status_code == 409
    assert Membership.objects.get(user=user).role.code == "CUSTOMER"
    assert not AuditEntry.objects.exists()


def test_a_new_e_mail_has_to_be_verified_anew(client_of, boss, person):
    user = person(email_verified_at="2026-01-01T00:00Z")
    body = client_of(boss).patch(f"{PEOPLE}/{user.pk}", {"email": "New@example.com"}).json()
    assert (body["email"], body["email_verified"]) == ("new@example.com", False)


def test_nobody_gives_what_they_do_not_have(client_of, person, boss):
    clerk = person("EMPLOYEE")
    client = client_of(clerk)
    assert client.post(PEOPLE, NOUR).status_code == 201  # a customer
    assert client.post(PEOPLE, {**NOUR, "email": "a@example.com", "role": "EMPLOYEE"}).status_code == 403
    assert client.post(PEOPLE, {**NOUR, "email": "b@example.com", "role": "ADMIN"}).status_code == 403
    assert client.patch(f"{PEOPLE}/{clerk.pk}", {"role": "ADMIN"}).status_code == 409
    assert client.patch(f"{PEOPLE}/{boss.pk}", {"first_name": "Low"}).status_code == 403
    assert client.patch(f"{PEOPLE}/{boss.pk}", {"is_active": False}).status_code == 403
    with pytest.raises(MayNotGrant):
        set_password(user_id=boss.pk, password="Felucca-2026", actor=clerk)
    with pytest.raises(MayNotGrant):
        set_permissions(role_id=clerk.membership.role_id, permissions=["payments.refund"], actor=clerk)
    boss.refresh_from_db()
    assert (boss.first_name, boss.membership.is_active) == ("Boss", True)


def test_nobody_touches_those_who_run_the_platform(boss, person):
    owner = person("CUSTOMER", is_superuser=True)
    with pytest.raises(MayNotGrant):
        change_person(user_id=owner.pk, actor=boss, is_active=False)
    change_person(user_id=owner.pk, actor=None, is_active=False)  # the system may


def test_nobody_blocks_or_demotes_themselves(boss):
    for change in ({"is_active": False}, {"role": "CUSTOMER"}):
        with pytest.raises(NotOnYourself):
            change_person(user_id=boss.pk, actor=boss, **change)
    assert change_person(user_id=boss.pk, actor=boss, first_name="Chief").first_name == "Chief"


def test_belonging_elsewhere_counts_open_operators_only(person, other_tenant):
    user = person()
    assert not belongs_elsewhere(user.pk)
    with tenant_context(other_tenant.pk):
        MembershipFactory(user=user, role=RoleFactory())
    assert belongs_elsewhere(user.pk)


# --- Who may call what ---

ROLES = ["nobody", "CUSTOMER", "AGENT", "EMPLOYEE", "ADMIN", "SUPER_ADMIN"]
ANYBODY = [400] * 6
SIGNED_IN = [401, 200, 200, 200, 200, 200]
TABLE = [
    ("POST", "/auth/register", {}, ANYBODY),
    ("POST", "/auth/login", {}, ANYBODY),
    ("POST", "/auth/refresh", {}, ANYBODY),
    ("POST", "/auth/verify-email", {}, ANYBODY),
    ("POST", "/auth/verify-email/resend", {}, ANYBODY),
    ("POST", "/auth/password/reset", {}, ANYBODY),
    ("POST", "/auth/password/reset/confirm", {}, ANYBODY),
    ("POST", "/auth/password/change", {}, [401, 400, 400, 400, 400, 400]),
    ("GET", "/auth/me", None, SIGNED_IN),
    ("PATCH", "/auth/me", {"first_name": "Nadia"}, SIGNED_IN),
    ("PUT", "/auth/me/picture", None, [401, 400, 400, 400, 400, 400]),
    ("DELETE", "/auth/me/picture", None, [401, 204, 204, 204, 204, 204]),
    ("GET", "/auth/preferences", None, SIGNED_IN),
    ("PUT", "/auth/preferences", {}, SIGNED_IN),
    ("GET", "/admin/users", None, [401, 403, 403, 200, 200, 200]),
    ("POST", "/admin/users", NOUR, [401, 403, 403, 201, 201, 201]),
    ("GET", "/admin/users/{customer}", None, [401, 403, 403, 200, 200, 200]),
    ("PATCH", "/admin/users/{customer}", {"last_name": "Omar"}, [401, 403, 403, 200, 200, 200]),
    ("PATCH", "/admin/users/{customer}", {"role": "EMPLOYEE"}, [401, 403, 403, 403, 200, 200]),
    ("PATCH", "/admin/users/{customer}", {"is_active": False}, [401, 403, 403, 200, 200, 200]),
    ("PATCH", "/admin/users/{admin}", {"is_active": False}, [401, 403, 403, 403, 200, 200]),
    ("GET", f"/admin/users/{uuid.UUID(int=7)}", None, [401, 403, 403, 404, 404, 404]),
    ("GET", "/admin/users/not-a-uuid", None, [404] * 6),
    ("POST", "/auth/logout", {}, [400, 204, 204, 204, 204, 204]),
    ("GET", "/auth/login", None, [405] * 6),
    ("DELETE", "/auth/me", None, [401, 405, 405, 405, 405, 405]),
]


@pytest.mark.parametrize(("method", "url", "body", "expected"), TABLE, ids=lambda v: v if isinstance(v, str) else "")
def test_who_may_call_what(client_of, person, method, url, body, expected):
    customer, admin = person(), person("ADMIN")
    url = url.format(customer=customer.pk, admin=admin.pk)
    got = []
    for role in ROLES:
        client = client_of(None if role == "nobody" else person(role))
        if method == "POST" and url == "/admin/users":
            body = {**NOUR, "email": f"{role.lower()}-adds@example.com"}
        response = (
            client.generic(method, f"/api/v1{url}")
            if body is None
            else getattr(client, method.lower())(f"/api/v1{url}", body)
        )
        got.append(response.status_code)
        Membership.objects.filter(user__in=[customer.pk, admin.pk]).update(is_active=True)
        Membership.objects.filter(user=customer).update(role=RoleFactory(code="CUSTOMER"))
    assert got == expected
