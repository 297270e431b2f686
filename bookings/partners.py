"""For whom a caller acts."""

from typing import Any

from accounts.models import Role
from bookings.models import Partner


def partner_of(user: Any) -> Partner | None:
    """The active partner that this caller (a `User`, an `Account` or None) acts for.

    Only agents act for partners: everybody else is answered without a query.
    """
    if user is None or not user.is_authenticated or _role(user) != Role.Code.AGENT:
        return None
    return Partner.objects.filter(people__user_id=user.pk, is_active=True).first()


def _role(user: Any) -> str:
    """An `Account` knows its role; a `User` asks their membership, once."""
    if hasattr(user, "role"):
        return str(user.role)
    return user.membership.role.code if user.membership else ""
