"""Walking through the tenants, for jobs that serve them all."""

from collections.abc import Iterator

from accounts.models import Tenant
from config.tenancy import tenant_context


def each_tenant() -> Iterator[Tenant]:
    """Each active tenant in turn, acted for while the loop's body runs."""
    for tenant in Tenant.objects.filter(is_active=True).order_by("slug"):
        with tenant_context(tenant.pk):
            yield tenant
