"""`manage.py export_things_to_do [--tenant SLUG] [--to FOLDER]`: publish the Google Things to do feed, and write it as files."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.tenants import each_tenant
from tours.errors import FeedRefused
from tours.services.feeds import publish_things_to_do


class Command(BaseCommand):
    help = "Publish the Google Things to do feed of each operator that has named a public site."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default="", help="Only this operator (its slug); it must not be refused.")
        parser.add_argument("--to", default="", help="Also write the files into this folder.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = False
        for tenant in each_tenant():
            if options["tenant"] and tenant.slug != options["tenant"]:
                continue
            if not options["tenant"] and not tenant.site_address:
                continue
            found = True
            self._export(tenant, options)
        if options["tenant"] and not found:
            raise CommandError(f"There is no operator {options['tenant']}.")

    def _export(self, tenant: Any, options: Any) -> None:
        try:
            feed = publish_things_to_do()
        except FeedRefused as refusal:
            if options["tenant"]:
                raise CommandError(f"{tenant.slug}: {refusal}") from refusal
            self.stderr.write(f"{tenant.slug}: {refusal}")
            return
        self.stdout.write(f"{tenant.slug}: {feed.products} products, {len(feed.left_out)} left out")
        if options["to"]:
            folder = Path(options["to"])
            folder.mkdir(parents=True, exist_ok=True)
            for part in feed.parts.all():
                (folder / f"{tenant.slug}-things-to-do-{part.number}.json").write_text(part.body, "utf-8")
