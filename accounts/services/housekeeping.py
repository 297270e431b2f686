"""Letting go of what has done its service."""

from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.db.models import Q
from django.utils.timezone import now

from accounts.models import IdempotencyKey, SignedOut, SignInLock

KEYS_ARE_KEPT = timedelta(hours=24)


def forget_old_keys() -> int:
    """Idempotency keys of the current tenant after 24 hours, and failed log-ins that lock nobody any more.

    Returns how many rows went. Safe to run twice at once.
    """
    keys, _by_model = IdempotencyKey.objects.filter(taken_at__lt=now() - KEYS_ARE_KEPT).delete()
    over = Q(locked_until__lt=now()) | Q(locked_until=None, first_failure_at__lt=now() - settings.LOCK_OUT_FOR)
    locks, _by_model = SignInLock.objects.filter(over).delete()
    return keys + locks


def forget_old_sessions() -> int:
    """Sessions that ended so long ago that no token of theirs can still be valid, and used-up refresh tokens that expired."""
    gone, _by_model = SignedOut.objects.filter(at__lt=now() - settings.REFRESH_TOKEN_LIFE).delete()
    call_command("flushexpiredtokens")
    call_command("clearsessions")
    return gone
