"""Keys, locks, sessions and reports of the nightly proof: how long they are kept."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db.models import Q, QuerySet
from django.utils.timezone import now

from accounts.models import IdempotencyKey, InvariantReport, SignedOut, SignInLock
from config.retention import kept_days, let_go

KEYS_ARE_KEPT = timedelta(hours=24)


@let_go("keys", lambda: KEYS_ARE_KEPT)
def old_keys(before: datetime, most: int) -> int:
    """Idempotency keys after the 24 hours that clients are told."""
    return delete_some(IdempotencyKey.objects.filter(taken_at__lt=before).order_by("taken_at"), most)


@let_go("locks", lambda: settings.LOCK_OUT_FOR)
def old_locks(before: datetime, most: int) -> int:
    """Failed log-ins that lock nobody any more."""
    over = Q(locked_until__lt=now()) | Q(locked_until=None, first_failure_at__lt=before)
    return delete_some(SignInLock.objects.filter(over), most)


@let_go("reports", kept_days("reports"))
def old_reports(before: datetime, most: int) -> int:
    """What the nightly proof found."""
    return delete_some(InvariantReport.objects.filter(ran_at__lt=before), most)


@let_go("sessions", lambda: settings.REFRESH_TOKEN_LIFE, of_tenants=False)
def old_sessions(before: datetime, most: int) -> int:
    """Sessions that ended so long ago that no token of theirs can still be valid, and used-up refresh tokens that expired."""
    call_command("flushexpiredtokens")
    call_command("clearsessions")
    return delete_some(SignedOut.objects.filter(at__lt=before).order_by("at"), most)


def delete_some(rows: QuerySet[Any], most: int) -> int:
    """Delete up to so many of these rows; how many there were."""
    _all, by_model = rows.model._base_manager.filter(pk__in=list(rows.values_list("pk", flat=True)[:most])).delete()
    return int(by_model.get(rows.model._meta.label, 0))
