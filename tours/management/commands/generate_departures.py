from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tours.horizon import extend_horizon


class Command(BaseCommand):
    help = "Make the departures that the schedules ask for, for every operator. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=int,
            default=settings.DEPARTURE_HORIZON_DAYS,
            help="how many days ahead (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["days"] <= 1000:
            raise CommandError("--days must be between 0 and 1000")
        for slug, made in extend_horizon(options["days"]).items():
            self.stdout.write(f"{slug}: {made} departures made")
