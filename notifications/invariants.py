"""What must hold in the outbox and among the messages: what was announced reaches whom it must."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, F, Q
from django.utils.timezone import now

from config.invariants import invariant
from notifications.models import Delivery, DeliveryStatus, Event, Message, MessageStatus

# Sweeps run every few seconds: what waits for so long past its time is waiting for nobody.
OVERDUE_AFTER = timedelta(hours=2)


@invariant("outbox: every event has the deliveries that were written with it")
def events_are_delivered() -> Iterator[str]:
    rows = Event.objects.annotate(found=Count("deliveries")).exclude(found=F("expected_deliveries")).order_by("pk")
    for event in rows.only("type", "subject_id", "expected_deliveries"):
        yield f"{event.type} {event.pk}: {event.found} deliveries, {event.expected_deliveries} expected"


@invariant("outbox: no delivery waits past its time")
def no_delivery_is_overdue() -> Iterator[str]:
    rows = Delivery.objects.filter(status=DeliveryStatus.WAITING, next_try_at__lt=now() - OVERDUE_AFTER)
    for delivery in rows.select_related("event").order_by("pk"):
        yield f"{delivery.event.type} → {delivery.subscriber} ({delivery.pk}) waits since {delivery.next_try_at:%Y-%m-%d %H:%M}"


@invariant("outbox: no delivery was given up")
def no_delivery_was_given_up() -> Iterator[str]:
    rows = Delivery.objects.filter(status=DeliveryStatus.FAILED).select_related("event").order_by("pk")
    for delivery in rows:
        yield f"{delivery.event.type} → {delivery.subscriber} ({delivery.pk}): {delivery.error[:200]}"


@invariant("outbox: what is done says when")
def done_is_dated() -> Iterator[str]:
    sound = Q(status=DeliveryStatus.DONE, done_at__isnull=False) | Q(done_at__isnull=True) & ~Q(
        status=DeliveryStatus.DONE
    )
    for delivery in Delivery.objects.exclude(sound).order_by("pk"):
        yield f"delivery {delivery.pk} is {delivery.status}, done at {delivery.done_at}"


@invariant("messages: no message waits past its time")
def no_message_is_overdue() -> Iterator[str]:
    rows = Message.objects.filter(status=MessageStatus.QUEUED, next_try_at__lt=now() - OVERDUE_AFTER)
    for message in rows.defer("text", "html").order_by("pk"):
        yield f"{message.template} ({message.pk}) waits since {message.next_try_at:%Y-%m-%d %H:%M}"


@invariant("messages: what is sent says when")
def sent_is_dated() -> Iterator[str]:
    rows = Message.objects.filter(status=MessageStatus.SENT, sent_at__isnull=True).defer("text", "html")
    for message in rows.order_by("pk"):
        yield f"{message.template} ({message.pk}) is sent, at no time"
