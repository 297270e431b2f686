"""Roles are seeded once, stay as staff left them, and grow with new versions."""

from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry, Membership, Role, RolePermission, Tenant, User
from accounts.roles import SEEDS, grantable_permissions, matching, seed_roles
from accounts.seeding import seed_modules, seed_tenant
from config.tenancy import tenant_context

pytestmark = pytest.mark.django_db


def names(code: str) -> frozenset[str]:
    return Role.objects.get(code=code).permission_names


def test_five_roles_with_names_in_both_languages(tenant):
    seed_roles()
    roles = {role.code: role for role in Role.objects.all()}
    assert set(roles) == {"SUPER_ADMIN", "ADMIN", "EMPLOYEE", "AGENT", "CUSTOMER"}
    assert {code for code, role in roles.items() if role.is_staff} == {"SUPER_ADMIN", "ADMIN", "EMPLOYEE"}
    assert all(any("\u0600" <= letter <= "\u06ff" for letter in role.name_ar) for role in roles.values())


def test_what_each_role_may_do(tenant):
    seed_roles()
    everything = set(grantable_permissions())
    assert names("SUPER_ADMIN") == names("ADMIN") == everything
    assert names("AGENT") == names("CUSTOMER") == frozenset()
    clerk = names("EMPLOYEE")
    assert {"bookings.add_booking", "bookings.confirm", "bookings.cancel", "tours.close", "ledger.view_entry"} <= clerk
    assert (
        not {"payments.refund", "bookings.override_policy", "accounts.change_role", "accounts.change_membership"}
        & clerk
    )
    assert not [name for name in clerk if ".delete_" in name or (name.startswith("ledger.") and ".view_" not in name)]


def test_every_pattern_of_a_role_fits_something(tenant):
    """A pattern that fits nothing is a slip of the pen: the right it was meant to give is not given."""
    known = grantable_permissions()
    idle = [(code, p) for code, seed in SEEDS.items() for p in seed.patterns if not matching(known, [p])]
    assert idle == []


def test_seeding_again_keeps_what_staff_gave_and_took(tenant):
    seed_roles()
    clerk = Role.objects.get(code="EMPLOYEE")
    known = grantable_permissions()
    RolePermission.objects.filter(role=clerk, permission=known["bookings.cancel"]).delete()
    RolePermission.objects.create(role=clerk, permission=known["payments.refund"])
    Role.objects.filter(pk=clerk.pk).update(name_en="Clerk", is_staff=False)
    seed_roles()
    assert "bookings.cancel" not in names("EMPLOYEE")
    assert "payments.refund" in names("EMPLOYEE")
    clerk.refresh_from_db()
    assert (clerk.name_en, clerk.is_staff) == ("Clerk", False)


def test_a_right_of_a_later_version_reaches_the_roles_it_fits(tenant):
    seed_roles()
    booking = ContentType.objects.get(app_label="bookings", model="booking")
    Permission.objects.create(content_type=booking, codename="view_manifest", name="May see manifests")
    seed_roles()
    assert "bookings.view_manifest" in names("EMPLOYEE")
    assert "bookings.view_manifest" in names("ADMIN")
    assert "bookings.view_manifest" not in names("AGENT")


def test_seeds_run_in_the_order_of_dependence():
    modules = [module.__name__ for module in seed_modules()]
    assert modules.index("accounts.seeds") < modules.index("ledger.seeds") < modules.index("tours.seeds")


def counts() -> dict[str, int]:
    return {"tenants": Tenant.objects.count(), "roles": Role.objects.count(), "rights": RolePermission.objects.count()}


def test_the_command_makes_the_default_operator_and_may_be_repeated(tenant):
    other = Tenant.objects.create(slug="gulf", name_en="Gulf", name_ar="الخليج")
    call_command("seed", stdout=StringIO())
    once = counts()
    call_command("seed", stdout=StringIO())
    assert counts() == once
    assert once["roles"] == 5
    with tenant_context(other.pk):
        assert Role.objects.count() == 5


def test_the_command_on_an_empty_database():
    call_command("seed", stdout=StringIO())
    made = Tenant.objects.get()
    assert (made.slug, made.name_ar) == (django_settings.DEFAULT_TENANT, "رحلة")


def test_a_tenants_seed_is_all_or_nothing(tenant, monkeypatch):
    def break_off():
        raise RuntimeError

    monkeypatch.setattr("tours.seeds.seed_tenant", break_off)
    with pytest.raises(RuntimeError):
        seed_tenant(tenant)
    assert Role.objects.count() == 0


# --- create_admin ---


def create(**options) -> str:
    out = StringIO()
    call_command("create_admin", email="Chief@Example.com", stdout=out, **options)
    return out.getvalue()


def test_an_administrator_is_made_from_the_command_line(tenant):
    seed_roles()
    assert "SUPER_ADMIN of default" in create(password="Felucca-2026")
    user = User.objects.get(email="chief@example.com")
    assert (user.check_password("Felucca-2026"), user.is_staff, user.is_superuser) == (True, True, False)
    assert user.membership.role.code == "SUPER_ADMIN"
    assert AuditEntry.objects.get(action="accounts.user.made_admin").actor_id is None


def test_repeating_it_gives_role_and_password_anew_and_lets_in_who_was_blocked(tenant):
    seed_roles()
    create(password="Felucca-2026", role="EMPLOYEE")
    Membership.objects.update(is_active=False)
    create(password="Dahabiya-77", role="ADMIN", platform=True)
    user = User.objects.get()
    assert (user.check_password("Dahabiya-77"), user.is_superuser, user.token_revision) == (True, True, 1)
    assert (user.membership.role.code, user.membership.is_active) == ("ADMIN", True)


def test_the_password_comes_from_the_environment_or_is_asked_for_twice(tenant, monkeypatch):
    seed_roles()
    monkeypatch.setenv("RIHLA_ADMIN_PASSWORD", "Felucca-2026")
    create()
    assert User.objects.get().check_password("Felucca-2026")
    monkeypatch.delenv("RIHLA_ADMIN_PASSWORD")
    typed = iter(["Dahabiya-77", "Dahabiya-77", "One-thing-1", "Another-1"])
    monkeypatch.setattr("accounts.management.commands.create_admin.getpass", lambda prompt: next(typed))
    create()
    assert User.objects.get().check_password("Dahabiya-77")
    with pytest.raises(CommandError, match="not the same"):
        create()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"password": "weak"}, "too short"),
        ({"password": "lower-case-1"}, "upper-case"),
        ({"password": "Felucca-2026", "role": "KING"}, "no role KING"),
        ({"password": "Felucca-2026", "tenant": "nowhere"}, "no operator nowhere"),
    ],
)
def test_what_is_not_right_is_said_in_a_sentence(tenant, options, says):
    seed_roles()
    with pytest.raises(CommandError, match=says):
        create(**options)
    assert not User.objects.exists()


def test_an_address_that_is_none(tenant):
    with pytest.raises(CommandError, match="no e-mail address"):
        call_command("create_admin", email="chief", password="Felucca-2026")
