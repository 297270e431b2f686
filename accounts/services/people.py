"""What staff do with the people of their tenant."""

from functools import partial
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.timezone import now

from accounts.audit import record
from accounts.authentication import forget_account
from accounts.errors import EmailTaken, MayNotGrant, NotOnYourself, SharedPerson
from accounts.models import Membership, PriceGroup, Role, User
from accounts.services.passwords import store_password
from accounts.services.profile import save_changes
from accounts.services.registration import check_password_rules, save_new_user
from accounts.services.sessions import end_all_sessions, role_of
from accounts.tenants import each_tenant
from config.errors import NotFound
from config.tenancy import current_tenant
from notifications.outbox import announce


def add_person(
    *,
    actor: Any,
    email: str,
    first_name: str,
    last_name: str,
    role: str = Role.Code.CUSTOMER,
    password: str = "",
    **more: Any,
) -> User:
    """A person with a role at the tenant at hand. Without a password they are mailed a link to set one.

    Somebody who has an account with another operator gets the role here and keeps everything else, password included.
    Raises `EmailTaken` for people who are here already, `MayNotGrant`, `InvalidInput`.
    """
    user = User(email=email.strip().lower(), first_name=first_name, last_name=last_name, **more)
    if password:
        check_password_rules(password, user)
    user.password = make_password(password or None)
    with transaction.atomic():
        wanted = role_of(role)
        refuse_granting(actor, wanted)
        known = User.objects.filter(email__iexact=user.email).first()
        if known is None:
            save_new_user(user)
        elif Membership.objects.filter(user=known).exists():
            raise EmailTaken
        else:
            user = known
        Membership.objects.create(user=user, role=wanted)
        record("accounts.user.added", user, actor=actor, after={"email": user.email, "role": wanted.code})
        announce("user.added", user)
        if known is None and not password:
            announce("user.reset_asked", user, invited=True)
        transaction.on_commit(partial(forget_account, user.pk))
    return user


@transaction.atomic
def change_person(*, user_id: Any, actor: Any, reason: str = "", **changes: Any) -> User:
    """Change a person of this tenant: `role` and `price_group` (codes, "" for no group), `is_active` here, and who they are.

    Who they are (names, e-mail, phone …) can only be changed where nobody else relies on it. Raises `NotFound`,
    `SharedPerson`, `EmailTaken`, `MayNotGrant`, `NotOnYourself`.
    """
    membership = lock_membership(user_id)
    refuse_managing(actor, membership)
    role, is_active = changes.pop("role", None), changes.pop("is_active", None)
    price_group = changes.pop("price_group", None)
    if price_group is not None:
        _change_price_group(membership, price_group, actor, reason)
    if role is not None and role != membership.role.code:
        _change_role(membership, role_of(role), actor, reason)
    if is_active is not None and is_active != membership.is_active:
        _set_active(membership, is_active, actor, reason)
    user = User.objects.select_for_update().get(pk=user_id)
    if changes:
        _change_identity(user, changes, actor)
    return user


def _change_identity(user: User, changes: dict[str, Any], actor: Any) -> None:
    changes = {name: value for name, value in changes.items() if getattr(user, name) != value}
    if not changes:
        return
    if belongs_elsewhere(user.pk):
        raise SharedPerson
    if "email" in changes:
        changes["email"] = changes["email"].strip().lower()
        if User.objects.filter(email__iexact=changes["email"]).exclude(pk=user.pk).exists():
            raise EmailTaken
        changes["email_verified_at"] = None
    save_changes(user, changes, actor)


def change_role(*, user_id: Any, role: str, actor: Any, reason: str = "") -> Membership:
    """Give a person another role here. Their sessions end, so that every token speaks of the new rights."""
    change_person(user_id=user_id, actor=actor, reason=reason, role=role)
    return Membership.objects.select_related("role").get(user_id=user_id)


def block_person(*, user_id: Any, actor: Any, reason: str = "") -> None:
    """The person can do nothing here any more, from now on. Safe to repeat."""
    change_person(user_id=user_id, actor=actor, reason=reason, is_active=False)


def unblock_person(*, user_id: Any, actor: Any, reason: str = "") -> None:
    """The person may log in here again. Safe to repeat."""
    change_person(user_id=user_id, actor=actor, reason=reason, is_active=True)


@transaction.atomic
def set_password(*, user_id: Any, password: str, actor: Any) -> User:
    """Staff set a password for a person of theirs alone; all sessions end.

    Raises `SharedPerson`, `MayNotGrant`, `InvalidInput`.
    """
    refuse_managing(actor, lock_membership(user_id))
    user = User.objects.select_for_update().get(pk=user_id)
    if belongs_elsewhere(user_id):
        raise SharedPerson
    check_password_rules(password, user)
    store_password(user, make_password(password))
    record("accounts.user.password_set", user, actor=actor)
    return user


def _change_role(membership: Membership, role: Role, actor: Any, reason: str) -> None:
    refuse_self(actor, membership)
    refuse_granting(actor, role)
    before = membership.role.code
    membership.role = role
    membership.save(update_fields=["role"])
    record(
        "accounts.membership.role_changed",
        membership.user,
        actor=actor,
        before={"role": before},
        after={"role": role.code},
        reason=reason,
    )
    _raise_revision(membership)


def _change_price_group(membership: Membership, code: str, actor: Any, reason: str) -> None:
    """Their next quote is at the prices of the group; what they have booked stays as it is."""
    before = membership.price_group.code if membership.price_group else ""
    if code == before:
        return
    group = PriceGroup.objects.filter(code=code).first() if code else None
    if code and group is None:
        raise NotFound
    membership.price_group = group
    membership.save(update_fields=["price_group"])
    record(
        "accounts.membership.price_group_changed",
        membership.user,
        actor=actor,
        before={"price_group": before},
        after={"price_group": code},
        reason=reason,
    )
    transaction.on_commit(partial(forget_account, membership.user_id))


def _set_active(membership: Membership, is_active: bool, actor: Any, reason: str) -> None:
    refuse_self(actor, membership)
    membership.is_active = is_active
    membership.save(update_fields=["is_active"])
    record(
        "accounts.user.unblocked" if is_active else "accounts.user.blocked",
        membership.user,
        actor=actor,
        before={"is_active": not is_active},
        after={"is_active": is_active},
        reason=reason,
    )
    _raise_revision(membership)


def _raise_revision(membership: Membership) -> None:
    end_all_sessions(User.objects.select_for_update().get(pk=membership.user_id))


def lock_membership(user_id: Any) -> Membership:
    """Lock a person's membership here. Raises `NotFound` for people of other tenants."""
    membership = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("role", "user")
        .filter(user_id=user_id)
        .first()
    )
    if membership is None:
        raise NotFound
    return membership


def refuse_self(actor: Any, membership: Membership) -> None:
    if actor is not None and actor.pk == membership.user_id:
        raise NotOnYourself


def refuse_managing(actor: Any, membership: Membership) -> None:
    """Raise `MayNotGrant` when the person holds rights that the actor does not."""
    if actor is None or actor.is_superuser or actor.pk == membership.user_id:
        return
    if membership.user.is_superuser or not holds_all(actor, membership.role.permission_names):
        raise MayNotGrant


def refuse_granting(actor: Any, role: Role) -> None:
    """Raise `MayNotGrant` unless the actor may give this role: a customer's or agent's, or any with `change_membership`."""
    if actor is None or actor.is_superuser:
        return
    plain = not role.permission_names and not role.is_staff
    may_appoint = actor.has_perm("accounts.change_membership") and holds_all(actor, role.permission_names)
    if not plain and not may_appoint:
        raise MayNotGrant


def holds_all(actor: Any, permissions: Any) -> bool:
    return all(actor.has_perm(name) for name in permissions)


def belongs_elsewhere(user_id: Any) -> bool:
    """Whether the person has a membership with another tenant. Policies hide that, so each tenant is asked in turn."""
    here = current_tenant.get()
    return any(tenant.pk != here and Membership.objects.filter(user_id=user_id).exists() for tenant in each_tenant())


def make_admin(
    *, email: str, password: str, first_name: str, last_name: str, role: str, runs_the_platform: bool = False
) -> User:
    """From the command line: a person with this password and role at the tenant at hand, made or brought into this shape.

    Raises `InvalidInput` (the password).
    """
    user = User(email=email.strip().lower(), first_name=first_name, last_name=last_name, email_verified_at=now())
    known = User.objects.filter(email__iexact=user.email).first()
    check_password_rules(password, known or user)
    encoded = make_password(password)
    with transaction.atomic():
        if known is None:
            user.password = encoded
            save_new_user(user)
        else:
            user = User.objects.select_for_update().get(pk=known.pk)
            store_password(user, encoded)
        if runs_the_platform and not user.is_superuser:
            user.is_superuser = True
            user.save(update_fields=["is_superuser", "updated_at"])
        Membership.objects.update_or_create(user=user, defaults={"role": role_of(role), "is_active": True})
        record(
            "accounts.user.made_admin", user, actor=None, after={"role": role, "runs_the_platform": user.is_superuser}
        )
        transaction.on_commit(partial(forget_account, user.pk))
    return user
