from accounts.admin.people import PersonAdmin
from accounts.admin.records import AuditEntryAdmin, InvariantReportAdmin, SignInLockAdmin
from accounts.admin.set_up import MembershipAdmin, PriceGroupAdmin, RoleAdmin, TenantAdmin

__all__ = [
    "AuditEntryAdmin",
    "InvariantReportAdmin",
    "MembershipAdmin",
    "PersonAdmin",
    "PriceGroupAdmin",
    "RoleAdmin",
    "SignInLockAdmin",
    "TenantAdmin",
]
