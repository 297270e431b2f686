"""Notices of gateways: stored raw before anything is done about them, then taken up by a worker.

A notice is only a reason to ask the gateway. That makes repeats, wrong order and lost ones harmless.
"""

import logging
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db import transaction
from django.utils.timezone import now
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from accounts.audit import record
from config import metrics
from config.errors import NotFound
from config.tenancy import tenant_id_or_raise
from notifications.outbox import send_task
from payments.errors import NoticeEmptied
from payments.gateways.interface import GatewayError, MalformedNotice, NormalizedEvent
from payments.gateways.registry import gateway_of
from payments.models import GatewayObject, Notice, NoticeStatus, Payment, Refund
from payments.services.checks import check_payment
from payments.services.refunds import ask_after_refund
from payments.services.states import note_dispute

logger = logging.getLogger(__name__)

ONE_TRY_TAKES_AT_MOST = timedelta(seconds=90)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)
UNKNOWN_FOR_GOOD_AFTER = timedelta(hours=24)
BATCH = 500

# What a payment must have become for a notice of this type to be news.
MEANS = {
    "payment.pending": {"PENDING"},
    "payment.authorized": {"PROCESSING", "PAID"},
    "payment.processing": {"PROCESSING"},
    "payment.succeeded": {"PAID"},
    "payment.failed": {"FAILED"},
    "payment.cancelled": {"CANCELLED"},
}


@transaction.atomic
def store_notice(
    *, gateway: str, event: NormalizedEvent, body: bytes, headers: dict[str, str], address: str | None
) -> bool:
    """Put a verified notice into the inbox; returns False when the same event lies there already.

    After commit a task takes it up; a sweep does where the task is lost.
    """
    notice = Notice(
        gateway=gateway, dedupe_key=event.dedupe_key, type=event.type, body=body, headers=headers, address=address
    )
    Notice.objects.bulk_create([notice], ignore_conflicts=True)
    is_new = Notice.objects.filter(pk=notice.pk).exists()
    metrics.count(metrics.NOTICES, gateway, "stored" if is_new else "repeated")
    if is_new:
        transaction.on_commit(partial(send_task, "payments.tasks.process_notice", str(notice.pk)))
    return is_new


def count_forged() -> int:
    """Count a notice with a bad signature; returns how many came to this tenant today, 0 where that is not known."""
    try:
        cache.add(_forged_key(), 0, timeout=48 * 3600)
        return int(cache.incr(_forged_key()))
    except (ConnectionInterrupted, RedisError, ValueError):
        return 0  # the cache is away, or forgot it between the two: counting must not stop an answer


def forged_today() -> int:
    """How many notices with a bad signature came to this tenant today."""
    try:
        return int(cache.get(_forged_key()) or 0)
    except (ConnectionInterrupted, RedisError):
        return 0


def _forged_key() -> str:
    return f"forged-notices:{tenant_id_or_raise()}:{now():%Y-%m-%d}"


def process_notice(*, notice_id: UUID) -> Notice | None:
    """Take up a notice: find its payment, ask the gateway, apply the answer, mark it. None when somebody else is at it.

    Where the gateway does not answer or the payment is not known (yet), it is tried again later; an unknown payment is
    given up after 24 hours. Safe to repeat and to kill.
    """
    notice = _claim(notice_id)
    if notice is None:
        return None
    try:
        event = gateway_of(notice.gateway).read_notice(bytes(notice.body))
    except MalformedNotice as fault:
        return _finish(notice, NoticeStatus.IGNORED, str(fault))
    if event.type == "ignored":
        return _finish(notice, NoticeStatus.IGNORED, "a type that we do not need")
    payment = find_payment(event)
    if payment is None:
        return _unknown(notice)
    notice.payment = payment
    try:
        is_news = _apply(event, payment)
    except GatewayError as trouble:
        return _try_later(notice, str(trouble))
    return _finish(notice, NoticeStatus.DONE if is_news else NoticeStatus.STALE)


@transaction.atomic
def _claim(notice_id: UUID) -> Notice | None:
    notice = (
        Notice.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .filter(pk=notice_id, status__in=[NoticeStatus.NEW, NoticeStatus.FAILED], next_try_at__lte=now())
        .first()
    )
    if notice is None:
        return None
    notice.attempts = min(notice.attempts + 1, 1000)
    notice.next_try_at = now() + ONE_TRY_TAKES_AT_MOST
    notice.save(update_fields=["attempts", "next_try_at"])
    return notice


def find_payment(event: NormalizedEvent) -> Payment | None:
    """The payment that an event names, by our id or by any id its gateway has used before."""
    for reference in event.payment_refs:
        try:
            payment = Payment.objects.filter(pk=UUID(reference), gateway=event.gateway).first()
        except ValueError:
            payment = None
        if payment is not None:
            return payment
    known = GatewayObject.objects.filter(gateway=event.gateway, remote_id__in=event.payment_refs)
    found = known.select_related("payment").first()
    return found.payment if found else None


def _apply(event: NormalizedEvent, payment: Payment) -> bool:
    """Ask the gateway about what the event names. Whether the event told how things stand (else it was stale)."""
    if event.type.startswith("refund."):
        refund = Refund.objects.filter(payment=payment, gateway_reference=event.refund_ref).first()
        waiting = [refund] if refund else list(payment.refunds.filter(status="PENDING"))
        for one in waiting:
            ask_after_refund(refund_id=one.pk)
        check_payment(payment_id=payment.pk)  # a refund made at the gateway's own desk shows there
        return True
    payment = check_payment(payment_id=payment.pk)
    if event.type.startswith("dispute."):
        note_dispute(payment_id=payment.pk, is_over=event.type == "dispute.closed")
        return True
    stands_for = "PAID" if payment.has_money else payment.status
    return stands_for in MEANS[event.type]


def _unknown(notice: Notice) -> Notice:
    if notice.received_at <= now() - UNKNOWN_FOR_GOOD_AFTER:
        logger.error("notice %s of %s names a payment that we do not know", notice.dedupe_key, notice.gateway)
        return _finish(notice, NoticeStatus.IGNORED, "unknown payment")
    return _try_later(notice, "unknown payment")


def _try_later(notice: Notice, why: str) -> Notice:
    """After 10 s, 20 s, 40 s … up to an hour."""
    notice.status, notice.error = NoticeStatus.FAILED, why[:2000]
    notice.next_try_at = now() + min(FIRST_PAUSE * 2 ** min(notice.attempts - 1, 10), LONGEST_PAUSE)
    notice.save(update_fields=["status", "error", "next_try_at", "payment"])
    return notice


def _finish(notice: Notice, status: NoticeStatus, why: str = "") -> Notice:
    metrics.count(metrics.NOTICES, notice.gateway, status.lower())
    notice.status, notice.error, notice.next_try_at, notice.done_at = status, why, None, now()
    notice.save(update_fields=["status", "error", "next_try_at", "done_at", "payment"])
    return notice


@transaction.atomic
def replay_notice(*, notice_id: UUID, actor: Any) -> None:
    """Staff wants a notice taken up again, whatever became of it; harmless, because the gateway is asked.

    Raises `NotFound`, `NoticeEmptied`.
    """
    notice = Notice.objects.select_for_update(of=("self",), no_key=True).filter(pk=notice_id).first()
    if notice is None:
        raise NotFound
    if not notice.body:
        raise NoticeEmptied
    before = {"status": notice.status}
    notice.status, notice.next_try_at, notice.done_at = NoticeStatus.NEW, now(), None
    notice.save(update_fields=["status", "next_try_at", "done_at"])
    record("payments.notice.replayed", notice, actor=actor, before=before, after={"status": notice.status})
    transaction.on_commit(partial(send_task, "payments.tasks.process_notice", str(notice.pk)))


def sweep_inbox() -> int:
    """Send a task for every notice of the current tenant that waits and is due; returns how many."""
    waiting = Notice.objects.filter(status__in=[NoticeStatus.NEW, NoticeStatus.FAILED], next_try_at__lte=now())
    ids = list(waiting.order_by("next_try_at").values_list("pk", flat=True)[:BATCH])
    for notice_id in ids:
        send_task("payments.tasks.process_notice", str(notice_id))
    return len(ids)
