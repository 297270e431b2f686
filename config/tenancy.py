"""Which tenant we act for.

The context variable scopes the ORM; `config.db` copies it into the connection, where row-level security insists.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

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
