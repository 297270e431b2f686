"""People, the tenants they work for or buy from, what they may do, and what everyone needs: audit, keys, reports."""

from accounts.models.people import (
    Membership,
    PriceGroup,
    Role,
    RolePermission,
    TravelPreferences,
    User,
    UserManager,
)
from accounts.models.records import AuditEntry, IdempotencyKey, InvariantReport
from accounts.models.signing_in import SignedOut, SignInLock
from accounts.models.tenants import Language, Tenant, Unanswered

__all__ = [
    "AuditEntry",
    "IdempotencyKey",
    "InvariantReport",
    "Language",
    "Membership",
    "PriceGroup",
    "Role",
    "RolePermission",
    "SignInLock",
    "SignedOut",
    "Tenant",
    "TravelPreferences",
    "Unanswered",
    "User",
    "UserManager",
]
