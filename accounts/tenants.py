"""Walking through the tenants, for jobs that serve them all."""

from config.tenancy import each_tenant

__all__ = ["each_tenant"]
