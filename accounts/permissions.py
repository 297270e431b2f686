"""Who may call an endpoint."""

from typing import Any

from rest_framework.permissions import BasePermission


class HasPermissions(BasePermission):
    """The caller's role with the tenant at hand holds all of `permissions`."""

    permissions: tuple[str, ...] = ()

    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.user.is_authenticated) and all(request.user.has_perm(name) for name in self.permissions)


def Needs(*permissions: str) -> type[HasPermissions]:
    """A permission class for staff endpoints: `permission_classes = [Needs("bookings.refund")]`.

    Strangers get 401, people whose role lacks one of the permissions 403.
    """
    return type("Needs", (HasPermissions,), {"permissions": permissions})
