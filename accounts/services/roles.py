"""Changing what a role may do."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import transaction

from accounts.audit import record
from accounts.authentication import forget_accounts
from accounts.errors import MayNotGrant
from accounts.models import Role, RolePermission
from accounts.roles import grantable_permissions
from config.tenancy import tenant_id_or_raise


@transaction.atomic
def set_permissions(*, role_id: Any, permissions: Iterable[str], actor: Any) -> Role:
    """Have the role hold exactly these permissions (`bookings.refund` …), from the next call of its people on.

    Raises `MayNotGrant` when the actor does not hold what is given or taken. Safe to repeat.
    """
    role = Role.objects.select_for_update(of=("self",)).get(pk=role_id)
    known = grantable_permissions()
    wanted, held = set(permissions) & set(known), set(role.permission_names)
    given, taken = wanted - held, held - wanted
    if actor is not None and not all(actor.has_perm(name) for name in given | taken):
        raise MayNotGrant
    if not given and not taken:
        return role
    RolePermission.objects.filter(role=role, permission__in=[known[name] for name in taken if name in known]).delete()
    RolePermission.objects.bulk_create([RolePermission(role=role, permission=known[name]) for name in sorted(given)])
    role.__dict__.pop("_permission_names", None)
    record(
        "accounts.role.permissions_changed",
        role,
        actor=actor,
        before={"permissions": sorted(taken)},
        after={"permissions": sorted(given)},
    )
    transaction.on_commit(partial(forget_accounts, tenant_id_or_raise()))
    return role
