from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.models import Tenant
from accounts.seeding import seed_platform, seed_tenant


class Command(BaseCommand):
    help = (
        "What every installation needs: the default operator, its roles, currencies, categories … Safe to repeat:"
        " what staff changed since is left as it is."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        Tenant.objects.get_or_create(
            slug=settings.DEFAULT_TENANT, defaults={"name_en": "Rihla", "name_ar": "رحلة", "currency": "USD"}
        )
        seed_platform()
        for tenant in Tenant.objects.filter(is_active=True).order_by("slug"):
            seed_tenant(tenant)
            if options["verbosity"]:
                self.stdout.write(f"{tenant.slug}: seeded")
