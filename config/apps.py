from typing import Any

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class RihlaAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "config.admin.BackOffice"


class ConfigConfig(AppConfig):
    name = "config"
    default = True

    def ready(self) -> None:
        from config import checks  # noqa: F401  registers the system checks

        start_observers()
        post_migrate.connect(secure_after_migrate, sender=self, dispatch_uid="rihla-row-level-security")


def start_observers() -> None:
    """Traces and faults go to whoever the settings name; without a name nothing of them is even imported."""
    from django.conf import settings

    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        from config import tracing

        tracing.start()
    if settings.SENTRY_DSN:
        from config import faults

        faults.start()


def secure_after_migrate(sender: Any, using: str, **_: Any) -> None:
    """Policies and grants for whatever tables the migration made. Runs as the owner, who migrates."""
    from urllib.parse import unquote, urlsplit

    from django.conf import settings
    from django.db import connections

    from config.db.security import secure_tables

    secure_tables(connections[using], unquote(urlsplit(settings.DATABASE_URL).username or "") or None)
