"""The back-office: Unfold's admin site, open to those who have a staff role with the tenant at hand.

Pages that belong to no model are registered by their apps:

    @page("phone-booking/", name="phone_booking", permission="bookings.add_booking")
    def phone_booking(request): ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy
from unfold.sites import UnfoldAdminSite

PageView = Callable[..., HttpResponse]


def id_of(object_id: Any) -> UUID:
    """The id in an address. Raises `Http404` for what is none."""
    try:
        return UUID(str(object_id))
    except ValueError as fault:
        raise Http404 from fault


@dataclass(frozen=True)
class _Registered:
    address: str
    name: str
    view: PageView


_pages: list[_Registered] = []


def page(address: str, *, name: str, permission: str | tuple[str, ...]) -> Callable[[PageView], PageView]:
    """Put a view at `/admin/<address>` as `admin:<name>`, for staff who hold the permission, or any of several."""
    any_of = (permission,) if isinstance(permission, str) else permission

    def register(view: PageView) -> PageView:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not any(request.user.has_perm(one) for one in any_of):  # type: ignore[union-attr]
                raise PermissionDenied
            return view(request, *args, **kwargs)

        _pages.append(_Registered(address, name, guarded))
        return guarded

    return register


class BackOffice(UnfoldAdminSite):
    index_title = gettext_lazy("Dashboard")

    def get_urls(self) -> list[Any]:
        own = [path(one.address, self.admin_view(one.view), name=one.name) for one in _pages]
        return [*own, *super().get_urls()]

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff of this tenant only: a session of another tenant's host opens nothing here."""
        user: Any = request.user
        return bool(user.is_active and user.is_staff)
