"""Forgotten and changed passwords. A new password ends every session."""

from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.authentication import issue_tokens
from accounts.links import Purpose, read_link_token
from accounts.models import SignInLock, User
from accounts.services.registration import check_password_rules
from accounts.services.sessions import end_all_sessions, prove_identity
from config.errors import InvalidInput
from config.tenancy import tenant_at_hand
from notifications.outbox import announce


@transaction.atomic
def ask_reset(*, email: str) -> None:
    """Somebody who gives this e-mail has forgotten the password.

    Only that is written down: who it belongs to is looked up after the answer, so that its time tells nothing.
    """
    announce("reset.asked_for", tenant_at_hand(), email=email)


def grant_reset(*, email: str) -> None:
    """Send the mail with the reset link. Does nothing, silently, for e-mails that nobody has."""
    user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if user is not None:
        announce("user.reset_asked", user)


@transaction.atomic
def send_reset_link(*, user_id: Any, actor: Any) -> None:
    """Staff have the link for a new password mailed to a person."""
    user = User.objects.get(pk=user_id)
    record("accounts.user.reset_link_sent", user, actor=actor)
    announce("user.reset_asked", user)


def reset_password(*, token: str, password: str) -> User:
    """Set the password of the person whose mail brought the link, end all their sessions, lift their locks.

    Raises `LinkRefused`, `InvalidInput`.
    """
    claimed = read_link_token(Purpose.RESET, token)
    check_password_rules(password, claimed)
    encoded = make_password(password)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=claimed.pk)
        user = read_link_token(Purpose.RESET, token)  # again, under the lock: the link counts once
        if user.email_verified_at is None:
            user.email_verified_at = now()  # the link came by this very e-mail
        store_password(user, encoded, "email_verified_at")
        SignInLock.objects.filter(email=user.email.lower()).delete()
        record("accounts.user.password_reset", user, actor=user)
    return user


def change_password(*, user_id: Any, current_password: str, password: str, address: str) -> dict[str, Any]:
    """Set a new password and end all sessions; the tokens returned begin a new one.

    The current password is guarded like a log-in. Raises `WrongCredentials`, `SignInLocked`, `InvalidInput`.
    """
    email = User.objects.values_list("email", flat=True).get(pk=user_id)
    user = prove_identity(email=email, password=current_password, address=address)
    if password == current_password:
        raise InvalidInput(details={"password": [_("The new password is the old one.")]})
    check_password_rules(password, user)
    encoded = make_password(password)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        store_password(user, encoded)
        record("accounts.user.password_changed", user, actor=user)
    return issue_tokens(user)


def store_password(user: User, encoded: str, *more: str) -> None:
    """Save the encoded password (and `more` fields), end all sessions. The caller holds the row's lock."""
    user.password = encoded
    user.save(update_fields=["password", "updated_at", *more])
    end_all_sessions(user)
    announce("user.password_changed", user)
