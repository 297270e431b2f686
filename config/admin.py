"""The back-office: Unfold's admin site, open to those who have a staff role with the tenant at hand."""

from typing import Any

from django.http import HttpRequest
from unfold.sites import UnfoldAdminSite


class BackOffice(UnfoldAdminSite):
    def has_permission(self, request: HttpRequest) -> bool:
        """Staff of this tenant only: a session of another tenant's host opens nothing here."""
        user: Any = request.user
        return bool(user.is_active and user.is_staff)
