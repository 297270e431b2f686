from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config.translations import untranslated, update


class Command(BaseCommand):
    help = "Bring locale/ar up to the texts in the sources, and say what is still to be translated."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "locale" / "ar" / "LC_MESSAGES" / "django.po"
        catalogue = update(path, settings.BASE_DIR)
        missing = untranslated(catalogue)
        self.stdout.write(f"{len(catalogue)} messages, {len(missing)} without a translation")
        for message in missing:
            self.stdout.write(f"  {message}")
