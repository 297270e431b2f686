from importlib import import_module
from types import ModuleType
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.module_loading import module_has_submodule

from accounts.models import Tenant
from accounts.tenants import each_tenant


class Command(BaseCommand):
    help = (
        "What every installation needs: the default operator, its roles, currencies, categories … Safe to repeat:"
        " what staff changed since is left as it is."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        Tenant.objects.get_or_create(
            slug=settings.DEFAULT_TENANT, defaults={"name_en": "Rihla", "name_ar": "رحلة", "currency": "USD"}
        )
        modules = seed_modules()
        for module in modules:
            if hasattr(module, "seed_platform"):
                with transaction.atomic():
                    module.seed_platform()
        for tenant in each_tenant():
            with transaction.atomic():
                for module in modules:
                    if hasattr(module, "seed_tenant"):
                        module.seed_tenant()
            if options["verbosity"]:
                self.stdout.write(f"{tenant.slug}: seeded")


def seed_modules() -> list[ModuleType]:
    """The `seeds.py` of each app, in the order of INSTALLED_APPS, which is that of dependence."""
    return [
        import_module(f"{config.name}.seeds")
        for config in apps.get_app_configs()
        if module_has_submodule(config.module, "seeds")  # type: ignore[arg-type]
    ]
