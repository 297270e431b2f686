"""Signing in, renewing tokens, signing out."""

from functools import partial
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.timezone import now
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.authentication import forget_account, issue_tokens
from accounts.errors import AccountBlocked, TokenRefused, WrongCredentials
from accounts.models import Membership, Role, SignedOut, User
from accounts.roles import seed_roles
from accounts.services.lock_out import count_attempt, forget_failures
from config.tenancy import tenant_id_or_raise


def prove_identity(*, email: str, password: str, address: str) -> User:
    """The person whose e-mail and password these are, blocked or not.

    Raises `WrongCredentials` – after the same time for unknown e-mails – or `SignInLocked`. Five failures from one address
    lock the pair, each counted before the password is looked at.
    """
    email = email.strip().lower()[:254]  # a letter may become two when it is lowered
    count_attempt(email=email, address=address)
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        make_password(password)  # takes as long as looking at a real one
        raise WrongCredentials
    if not user.check_password(password):
        raise WrongCredentials
    forget_failures(email=email, address=address)
    return user


def sign_in(*, email: str, password: str, address: str) -> tuple[User, dict[str, Any]]:
    """A new session with the tenant at hand: the person and the tokens.

    Somebody who is a customer of another operator becomes a customer here. Raises `WrongCredentials`, `SignInLocked`,
    `AccountBlocked`.
    """
    user = prove_identity(email=email, password=password, address=address)
    with transaction.atomic():
        refuse_blocked(user, ensure_membership(user))
        User.objects.filter(pk=user.pk).update(last_login=now())
    return user, issue_tokens(user)


def ensure_membership(user: User) -> Membership:
    """The person's membership with the tenant at hand; a customer's is made where there is none."""
    rows = Membership.objects.select_related("role")
    known = rows.filter(user=user).first()
    return known or rows.get_or_create(user=user, defaults={"role": role_of(Role.Code.CUSTOMER)})[0]


def role_of(code: str) -> Role:
    """The tenant's role of this code; an operator that was made a moment ago gets its roles first."""
    role = Role.objects.filter(code=code).first()
    if role is None:
        seed_roles()
        role = Role.objects.get(code=code)
    return role


def refuse_blocked(user: User, membership: Membership | None) -> None:
    if not user.is_active or (membership is not None and not membership.is_active):
        raise AccountBlocked


class UsedOrNot(RefreshToken):
    """A refresh token whose signature and life are checked, but not whether it was used: we tell that apart."""

    def check_blacklist(self) -> None:
        return None


def read_refresh_token(text: str) -> UsedOrNot:
    """The token, if we signed it for the tenant at hand and it has not expired. Raises `TokenRefused`."""
    try:
        token = UsedOrNot(text)  # type: ignore[arg-type]
    except TokenError as fault:
        raise TokenRefused from fault
    if token.get("tenant") != str(tenant_id_or_raise()):
        raise TokenRefused
    return token


def renew_tokens(*, refresh_token: str) -> dict[str, Any]:
    """Fresh tokens for the session; the one given is used up.

    A token that was used before means that somebody copied it: the whole session ends, for both. Raises `TokenRefused`,
    `AccountBlocked`.
    """
    token = read_refresh_token(refresh_token)
    with transaction.atomic():
        user = User.objects.filter(pk=token["user_id"]).first()
        ended = user is None or SignedOut.objects.filter(session=token["sid"]).exists()
        if user is None or ended or token["rev"] < user.token_revision:
            raise TokenRefused
        refuse_blocked(user, Membership.objects.filter(user=user).first())
        is_first_use = token.blacklist()[1]  # type: ignore[index]
    if not is_first_use:
        end_session(user=user, session=token["sid"])
        raise TokenRefused
    return issue_tokens(user, token["sid"])


def sign_out(*, refresh_token: str) -> None:
    """End the token's session: its refresh and access tokens count no more, from now on. Safe to repeat."""
    token = read_refresh_token(refresh_token)
    user = User.objects.filter(pk=token["user_id"]).first()
    if user is None:
        raise TokenRefused
    with transaction.atomic():
        token.blacklist()
        end_session(user=user, session=token["sid"])


@transaction.atomic
def end_session(*, user: Any, session: str) -> None:
    """No token of this session counts any more. Safe to repeat."""
    SignedOut.objects.get_or_create(session=session, defaults={"user_id": user.pk})
    transaction.on_commit(partial(forget_account, user.pk))


def end_all_sessions(user: User) -> None:
    """Every token the person holds, with any operator, stops to count when the transaction commits.

    Sets `token_revision` on the object and in the database; call it inside the transaction of what caused it.
    """
    user.token_revision += 1
    User.objects.filter(pk=user.pk).update(token_revision=user.token_revision)
    transaction.on_commit(partial(forget_account, user.pk))
