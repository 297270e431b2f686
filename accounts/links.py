"""Signed links in mails: they carry who and which operator, count once and for a while, and need no row."""

from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.core import signing
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.errors import LinkRefused
from accounts.models import Tenant, User
from config.tenancy import current_tenant, tenant_id_or_raise
from notifications.mail import site_url


class Purpose(StrEnum):
    VERIFY = "verify"
    RESET = "reset"


LIFE = {Purpose.VERIFY: timedelta(hours=24), Purpose.RESET: timedelta(hours=1)}
PAGES = {Purpose.VERIFY: "verify-email-page", Purpose.RESET: "reset-password-page"}


def link_token(purpose: Purpose, user: User) -> str:
    """A token for the person and the tenant at hand. It stops to count with its first use."""
    claims = {"user": str(user.pk), "tenant": str(tenant_id_or_raise()), "state": _state(purpose, user)}
    return signing.dumps(claims, salt=f"accounts.{purpose}", compress=True)


def read_link_token(purpose: Purpose, token: str) -> User:
    """The person the token was made for. Raises `LinkRefused` when it is forged, old, used, or another tenant's."""
    claims = _claims(purpose, token)
    user = User.objects.filter(pk=claims["user"]).first()
    if user is None or claims["tenant"] != str(current_tenant.get()):
        raise LinkRefused
    if not constant_time_compare(claims["state"], _state(purpose, user)):
        raise LinkRefused
    return user


def tenant_of_link(purpose: Purpose, token: str) -> Tenant:
    """The operator whose mail brought the link. Raises `LinkRefused`."""
    tenant = Tenant.objects.filter(pk=UUID(_claims(purpose, token)["tenant"]), is_active=True).first()
    if tenant is None:
        raise LinkRefused
    return tenant


def _claims(purpose: Purpose, token: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = signing.loads(token, salt=f"accounts.{purpose}", max_age=LIFE[purpose])
    except signing.BadSignature as fault:
        raise LinkRefused from fault
    return claims


def _state(purpose: Purpose, user: User) -> str:
    """What the first use changes."""
    if purpose is Purpose.VERIFY:
        state = f"{user.email.lower()}|{user.email_verified_at}"
    else:
        state = f"{user.email.lower()}|{user.password}|{user.token_revision}"
    return salted_hmac(f"accounts.{purpose}", state).hexdigest()[:24]


def link_to(purpose: Purpose, user: User, language: str) -> str:
    """The full address of the page that the mail leads to."""
    tenant = Tenant.objects.get(pk=tenant_id_or_raise())
    return f"{site_url(tenant)}{reverse(PAGES[purpose], args=[link_token(purpose, user)])}?language={language}"
