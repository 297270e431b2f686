"""Which tenant we act for.

The context variable scopes the ORM; `config.db` copies it into the connection, where row-level security insists.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.apps import apps

from config.logs import request_context

current_tenant: ContextVar[UUID | None] = ContextVar("current_tenant", default=None)


class TenantRequired(RuntimeError):
    """A tenant's rows were asked for while no tenant is set: a bug in the caller."""


def tenant_id_or_raise() -> UUID:
    """The tenant we act for; raises `TenantRequired` when there is none."""
    tenant = current_tenant.get()
    if tenant is None:
        raise TenantRequired("no tenant is set: wrap the call in tenant_context(tenant_id)")
    return tenant


def tenant_id_or_none() -> UUID | None:
    """The tenant we act for, if any: what a new row's tenant is when it is not said."""
    return current_tenant.get()


@contextmanager
def tenant_context(tenant_id: UUID | None) -> Iterator[None]:
    """Act for a tenant (or, with None, for none) until the block ends, whatever happens inside."""
    token = current_tenant.set(tenant_id)
    try:
        yield
    finally:
        current_tenant.reset(token)


def tenant_at_hand() -> Any:
    """The row of the tenant we act for (`accounts.Tenant`); raises `TenantRequired` when there is none."""
    return apps.get_model("accounts", "Tenant")._default_manager.get(pk=tenant_id_or_raise())


def each_tenant() -> Iterator[Any]:
    """Each active tenant in turn, acted for while the loop's body runs: for jobs that serve them all."""
    for tenant in apps.get_model("accounts", "Tenant")._default_manager.filter(is_active=True).order_by("slug"):
        with tenant_context(tenant.pk), request_context(tenant=tenant.slug):
            yield tenant
