from typing import Any

from django.core.management.base import BaseCommand

from bookings import tasks


class Command(BaseCommand):
    help = "Let go of holds that ran out, of every tenant. The same as the job of each minute."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{tasks.expire_holds()} holds let go")
