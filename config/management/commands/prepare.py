from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from config.db.roles import ensure_serving_role


class Command(BaseCommand):
    help = (
        "Bring the database to this version: the serving role, migrations, policies, what every installation needs,"
        " and the public catalogue."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        serving = urlsplit(settings.DATABASE_URL)
        with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner:
            ensure_serving_role(owner, unquote(serving.username or ""), serving.password)
        call_command("migrate", verbosity=options["verbosity"], interactive=False)
        call_command("seed", verbosity=options["verbosity"])
        # What the public list shows was written by the version before.
        call_command("rebuild_catalogue", verbosity=options["verbosity"])
