"""Keeping departures on sale for as many days ahead as `DEPARTURE_HORIZON_DAYS` says, for every operator."""

from datetime import timedelta

from django.conf import settings
from django.utils.timezone import now

from accounts.tenants import each_tenant
from tours.services import generate_departures


def extend_horizon(days: int | None = None) -> dict[str, int]:
    """Make the departures of the next days (by default those of the setting) of each operator. Returns how many, by slug."""
    until = now().date() + timedelta(days=settings.DEPARTURE_HORIZON_DAYS if days is None else days)
    return {tenant.slug: generate_departures(until=until) for tenant in each_tenant()}
