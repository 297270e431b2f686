from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from payments.sandbox.server import run


class Command(BaseCommand):
    help = "Serve the sandbox gateway until stopped (the same as `python -m payments.sandbox`)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8010)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.ALLOW_SANDBOX:
            raise CommandError("ALLOW_SANDBOX is off: the sandbox gateway takes no real money.")
        run(
            host=options["host"],
            port=options["port"],
            state=settings.SANDBOX_STATE,
            key=settings.SANDBOX_SIGNING_KEY,
        )
