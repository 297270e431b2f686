"""Five failed log-ins of one e-mail from one address lock the pair for 15 minutes.

An attempt is counted before the password is looked at, in one statement, so that attempts sent all at once gain nothing.
"""

from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.timezone import now

from accounts.audit import record
from accounts.errors import SignInLocked
from accounts.models import SignInLock
from config.ids import uuid7
from config.tenancy import tenant_id_or_raise

COUNT_ATTEMPT = """
INSERT INTO accounts_signinlock AS kept (id, tenant_id, email, address, failures, first_failure_at)
VALUES (%s::uuid, %s::uuid, %s::text, %s::inet, 1, statement_timestamp())
ON CONFLICT ON CONSTRAINT sign_in_lock_once DO UPDATE SET
    failures = CASE WHEN {over} THEN 1 ELSE kept.failures + 1 END,
    first_failure_at = CASE WHEN {over} THEN statement_timestamp() ELSE kept.first_failure_at END,
    locked_until = CASE WHEN NOT ({over}) AND kept.failures + 1 >= %s::int
                        THEN statement_timestamp() + %s::interval END
WHERE kept.locked_until IS NULL OR kept.locked_until <= statement_timestamp()
RETURNING failures
""".format(over="kept.locked_until IS NOT NULL OR kept.first_failure_at <= statement_timestamp() - %s::interval")


def count_attempt(*, email: str, address: str) -> None:
    """Count a log-in that is about to be tried. Raises `SignInLocked` (with `retry_after`, seconds) instead when locked."""
    span = settings.LOCK_OUT_FOR
    values: list[Any] = [uuid7(), tenant_id_or_raise(), email, address, span, span, span, settings.LOCK_OUT_AFTER, span]
    with connection.cursor() as cursor:
        cursor.execute(COUNT_ATTEMPT, values)
        counted = cursor.fetchone()
    if counted is None:
        raise locked(email, address)


def locked(email: str, address: str) -> SignInLocked:
    until = SignInLock.objects.filter(email=email, address=address).values_list("locked_until", flat=True).first()
    seconds = max(1, int((until - now()).total_seconds())) if until else 1
    return SignInLocked(minutes=-(-seconds // 60), retry_after=seconds)


def forget_failures(*, email: str, address: str) -> None:
    """The person has proven who they are."""
    SignInLock.objects.filter(email=email, address=address).delete()


@transaction.atomic
def lift_lock(*, lock_id: object, actor: object) -> None:
    """Staff let a person try again at once. Safe to repeat."""
    lock = SignInLock.objects.select_for_update().filter(pk=lock_id).first()
    if lock is None:
        return
    record(
        "accounts.signinlock.lifted",
        lock,
        actor=actor,
        before={"failures": lock.failures, "locked_until": lock.locked_until},
    )
    lock.delete()
