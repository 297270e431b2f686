from typing import Any

from django.core.management.base import BaseCommand

from accounts.tenants import each_tenant
from tours.published import rebuild_catalogue


class Command(BaseCommand):
    help = "Make the published facts of every tour anew: what the public list searches and shows."

    def handle(self, *args: Any, **options: Any) -> None:
        for tenant in each_tenant():
            listed = rebuild_catalogue()
            if options["verbosity"]:
                self.stdout.write(f"{tenant.slug}: {listed} tours listed")
