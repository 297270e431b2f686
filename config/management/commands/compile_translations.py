from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management.base import BaseCommand


def compile_catalogues(folder: Path) -> list[Path]:
    """Write each `.mo` that is older than its `.po` below the folder; returns those written. Needs no gettext tools."""
    written = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as reading:
            catalogue = read_po(reading)
        partial = target.with_suffix(".mo.new")
        with partial.open("wb") as writing:
            write_mo(writing, catalogue)
        partial.replace(target)
        written.append(target)
    return written


class Command(BaseCommand):
    help = "Compile the translations that changed (with Babel, so that no gettext tools are needed)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for folder in settings.LOCALE_PATHS:
            for path in compile_catalogues(Path(folder)):
                self.stdout.write(f"compiled {path.relative_to(settings.BASE_DIR)}")
