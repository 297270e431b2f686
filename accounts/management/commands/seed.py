from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.models import Tenant


class Command(BaseCommand):
    help = "What every installation needs: the default tenant with its roles. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        Tenant.objects.get_or_create(
            slug=settings.DEFAULT_TENANT, defaults={"name_en": "Rihla", "name_ar": "رحلة", "currency": "USD"}
        )
