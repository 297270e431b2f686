"""Bases of models whose rows belong to a tenant."""

from typing import Any

from django.db import models

from config.db import lookups  # noqa: F401  registers them
from config.tenancy import tenant_id_or_none, tenant_id_or_raise


class TenantManager(models.Manager):
    """Sees the rows of the current tenant only and raises when there is none. Combine: `TenantManager.from_queryset(X)()`."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(tenant_id=tenant_id_or_raise())


class TenantForeignKey(models.ForeignKey):
    """A reference between rows of one tenant.

    The constraint in the database is a composite one (`x_id, tenant_id`) made by `config.db.security`, because a plain
    foreign-key check ignores policies and would accept another tenant's row. Hence no plain constraint beside it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_constraint", None)
        return name, path, args, kwargs


class TenantOneToOneField(models.OneToOneField):
    """`TenantForeignKey`, once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_constraint", None)
        return name, path, args, kwargs


class TenantOwned(models.Model):
    """A row of one tenant: scoped by the manager, guarded by a policy (see `config.db.security`)."""

    tenant = models.ForeignKey(
        "accounts.Tenant", models.PROTECT, related_name="+", editable=False, default=tenant_id_or_none
    )

    objects = TenantManager()

    class Meta:
        abstract = True

    def validate_constraints(self, exclude: Any = None) -> None:
        """Forms leave out the tenant, which they do not show; what is unique per tenant must be looked at all the same."""
        super().validate_constraints(exclude=set(exclude or ()) - {"tenant"})

    def unique_error_message(self, model_class: Any, unique_check: Any) -> Any:
        """Names the fields that people see."""
        shown = tuple(name for name in unique_check if name != "tenant")
        return super().unique_error_message(model_class, shown or unique_check)
