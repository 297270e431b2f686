"""Becoming a customer, and proving the e-mail."""

from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from accounts.audit import record
from accounts.errors import EmailTaken
from accounts.links import Purpose, read_link_token
from accounts.models import Membership, Role, User
from accounts.services.sessions import role_of
from config.errors import InvalidInput
from config.tenancy import tenant_at_hand
from notifications.outbox import announce


def register(*, email: str, password: str, first_name: str, last_name: str, **more: Any) -> User:
    """A new customer of the tenant at hand; the mail that verifies the e-mail goes out after commit.

    `more` may hold phone, language, date_of_birth, currency. Raises `InvalidInput` (the password), `EmailTaken`.
    """
    user = User(email=email.strip().lower(), first_name=first_name, last_name=last_name, **more)
    check_password_rules(password, user)
    user.password = make_password(password)  # a quarter of a second of work: before the transaction, never in it
    with transaction.atomic():
        save_new_user(user)
        Membership.objects.create(user=user, role=role_of(Role.Code.CUSTOMER))
        record("accounts.user.registered", user, actor=user, after={"email": user.email})
        announce("user.registered", user)
    return user


def save_new_user(user: User) -> None:
    """Insert the person; the e-mail is unique without regard to case. Raises `EmailTaken`."""
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as fault:
        if "user_email_once" in str(fault):
            raise EmailTaken from fault
        raise


def check_password_rules(password: str, user: User, field: str = "password") -> None:
    """Django's validators and ours. Raises `InvalidInput` with every fault at once."""
    try:
        validate_password(password, user)
    except ValidationError as faults:
        raise InvalidInput(details={field: faults.messages}) from faults


@transaction.atomic
def ask_verification(*, email: str) -> None:
    """Somebody who gives this e-mail wants the verification mail again.

    Only that is written down: who it belongs to is looked up after the answer, so that its time tells nothing.
    """
    announce("verification.asked_for", tenant_at_hand(), email=email)


def grant_verification(*, email: str) -> None:
    """Send the verification mail again. Does nothing, silently, for unknown and for verified e-mails."""
    user = User.objects.filter(email__iexact=email.strip(), is_active=True, email_verified_at=None).first()
    if user is not None:
        announce("user.verification_asked", user)


@transaction.atomic
def verify_email(*, token: str) -> User:
    """The link in the mail was followed: the e-mail is the person's. Raises `LinkRefused`."""
    claimed = read_link_token(Purpose.VERIFY, token)
    User.objects.select_for_update().get(pk=claimed.pk)
    user = read_link_token(Purpose.VERIFY, token)  # again, under the lock: the link counts once
    user.email_verified_at = now()
    user.save(update_fields=["email_verified_at", "updated_at"])
    record("accounts.user.email_verified", user, actor=user, after={"email": user.email})
    announce("user.email_verified", user)
    return user
