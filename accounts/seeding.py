"""Seeding: each app says in its `seeds.py` what an installation and what an operator needs."""

from importlib import import_module
from types import ModuleType

from django.apps import apps
from django.db import transaction
from django.utils.module_loading import module_has_submodule

from accounts.models import Tenant
from config.tenancy import tenant_context


def seed_modules() -> list[ModuleType]:
    """The `seeds.py` of each app, in the order of INSTALLED_APPS, which is that of dependence."""
    return [
        import_module(f"{config.name}.seeds")
        for config in apps.get_app_configs()
        if config.module is not None and module_has_submodule(config.module, "seeds")
    ]


def seed_platform() -> None:
    """Rows without a tenant, of every app. Safe to repeat."""
    for module in seed_modules():
        if hasattr(module, "seed_platform"):
            with transaction.atomic():
                module.seed_platform()


def seed_tenant(tenant: Tenant) -> None:
    """What this operator needs of every app, all or nothing. Safe to repeat."""
    with tenant_context(tenant.pk), transaction.atomic():
        for module in seed_modules():
            if hasattr(module, "seed_tenant"):
                module.seed_tenant()
