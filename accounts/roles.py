"""The five roles every operator starts with. Staff may change them; seeding never takes that back."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from django.contrib.auth.models import Permission
from django.db.models import Q

from accounts.models import Role, RolePermission

# Django's own machinery: nobody needs rights over its rows.
FRAMEWORK_APPS = ("admin", "auth", "contenttypes", "sessions", "token_blacklist")
# Our own machinery, likewise.
MACHINERY = ("idempotencykey", "importrun", "rolepermission", "signedout")


@dataclass(frozen=True)
class Seed:
    name_en: str
    name_ar: str
    is_staff: bool
    patterns: tuple[str, ...]
    withheld: tuple[str, ...] = ()  # not these, though a pattern fits


SEEDS: dict[str, Seed] = {
    Role.Code.SUPER_ADMIN: Seed("Super administrator", "مدير عام", True, ("*",)),
    Role.Code.ADMIN: Seed("Administrator", "مدير", True, ("*",)),
    Role.Code.EMPLOYEE: Seed(
        "Employee",
        "موظف",
        True,
        (
            "*.view_*",
            "accounts.add_user",
            "accounts.change_user",
            "accounts.change_signinlock",
            "bookings.add_*",
            "bookings.change_*",
            "bookings.confirm",
            "bookings.cancel",
            "bookings.check_in",
            "payments.add_*",
            "payments.change_*",
            "payments.take_cash",
            "tours.add_departure",
            "tours.change_departure",
            "tours.close",
            "tours.assign",
        ),
        ("bookings.add_partner*", "bookings.change_partner*", "bookings.add_netrate", "bookings.change_netrate"),
    ),
    # Their own bookings need no permission; what belongs to others stays closed.
    Role.Code.AGENT: Seed("Agent", "وكيل", False, ()),
    Role.Code.CUSTOMER: Seed("Customer", "عميل", False, ()),
}


def permission_name(permission: Permission) -> str:
    """`app.codename`, as `has_perm` takes it."""
    return f"{permission.content_type.app_label}.{permission.codename}"


def grantable_permissions() -> dict[str, Permission]:
    """Every permission a role can hold, by name. Needs one query."""
    rows = Permission.objects.select_related("content_type").exclude(
        Q(content_type__app_label__in=FRAMEWORK_APPS)
        | Q(content_type__app_label="accounts", content_type__model__in=MACHINERY)
    )
    return {permission_name(row): row for row in rows.order_by("content_type__app_label", "codename")}


def matching(names: Iterable[str], patterns: Iterable[str]) -> set[str]:
    """The names that one of the patterns (`bookings.*`) fits."""
    patterns = tuple(patterns)
    return {name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)}


def seed_roles() -> None:
    """Bring the current tenant's five roles to this version. Safe to repeat.

    A role gets each permission of its patterns once, when it first meets it: what staff granted or took away since stays.
    """
    known = grantable_permissions()
    for code, seed in SEEDS.items():
        role, _made = Role.objects.get_or_create(
            code=code, defaults={"name_en": seed.name_en, "name_ar": seed.name_ar, "is_staff": seed.is_staff}
        )
        fresh = matching(known, seed.patterns) - matching(known, seed.withheld) - set(role.offered)
        if not fresh:
            continue
        RolePermission.objects.bulk_create(
            [RolePermission(role=role, permission=known[name]) for name in sorted(fresh)], ignore_conflicts=True
        )
        role.offered = sorted({*role.offered, *fresh})
        role.save(update_fields=["offered"])
