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
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.sites import UnfoldAdminSite

PageView = Callable[..., HttpResponse]


def id_of(object_id: Any) -> UUID:
    """The id in an address. Raises `Http404` for what is none."""
    try:
        return UUID(str(object_id))
    except ValueError as fault:
        raise Http404 from fault


def link_to_copy(address: str) -> SafeString:
    """A link that is meant for somebody else: it opens, and a button copies it (`static/admin/copy.js`)."""
    line = (
        '<a class="text-primary-600 dark:text-primary-500 break-all" href="{0}" target="_blank" rel="noopener">'
        '<bdi dir="ltr">{0}</bdi></a> <button type="button" class="rihla-button" data-copied="{1}" hidden>{2}</button>'
    )
    return format_html(line, address, gettext("Copied"), gettext("Copy the link"))


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
