"""The outbox: a fact is written with the change that made it true, and told to its subscribers after commit.

announce("booking.confirmed", booking, amount="120.00")      # in a service, inside its transaction

@on("booking.confirmed")                                     # in receivers.py of this app or one above
def send_voucher(event: Event) -> None: ...                  # idempotent; one transaction; no gateway calls
"""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model
from django.utils.module_loading import autodiscover_modules
from django.utils.timezone import now
from kombu.exceptions import OperationalError

from config.celery import app
from notifications.models import Delivery, DeliveryStatus, Event

logger = logging.getLogger(__name__)

Subscriber = Callable[[Event], None]

MOST_ATTEMPTS = 12
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)
GRACE = timedelta(seconds=10)  # what was just announced has a task on its way: the sweep leaves it alone so long

_subscribers: dict[str, dict[str, Subscriber]] = {}
_discovering = threading.RLock()


def on(*types: str) -> Callable[[Subscriber], Subscriber]:
    """Subscribe a function to facts of these types. Its name (`app.function`) marks what was delivered: keep it."""

    def register(subscriber: Subscriber) -> Subscriber:
        name = f"{subscriber.__module__.split('.')[0]}.{subscriber.__name__}"
        for type_ in types:
            if _subscribers.setdefault(type_, {}).setdefault(name, subscriber) is not subscriber:
                raise ValueError(f"two subscribers of {type_} are called {name}")
        return subscriber

    return register


def subscribers_of(type_: str) -> dict[str, Subscriber]:
    """Who hears of facts of this type, by name."""
    _find_receivers()
    return _subscribers.get(type_, {})


@cache
def _find_receivers() -> None:
    with _discovering:
        autodiscover_modules("receivers")


def announce(type_: str, subject: Model, **data: Any) -> Event:
    """Write the fact and one delivery per subscriber. Must be called inside the transaction that makes the fact true.

    `data` must be JSON (amounts as text). After commit each delivery is sent as a task; a sweep finds what was lost.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"{type_} was announced outside a transaction")
    event, deliveries = fact(type_, subject, **data)
    event.save(force_insert=True)
    Delivery.objects.bulk_create(deliveries)
    send_on_commit(deliveries)
    return event


def announce_each(type_: str, subjects: Iterable[Model], data: Callable[[Any], dict[str, Any]]) -> None:
    """`announce` of one fact for each of many subjects, in two statements. `data` says what is told of one."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"{type_} was announced outside a transaction")
    facts = [fact(type_, subject, **data(subject)) for subject in subjects]
    Event.objects.bulk_create([event for event, _deliveries in facts], batch_size=1000)
    deliveries = [delivery for _event, some in facts for delivery in some]
    Delivery.objects.bulk_create(deliveries, batch_size=1000)
    send_on_commit(deliveries)


def fact(type_: str, subject: Model, **data: Any) -> tuple[Event, list[Delivery]]:
    """The rows that `announce` writes, not yet written: for the few statements that write everything at once."""
    names = sorted(subscribers_of(type_))
    event = Event(
        type=type_,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        data=data,
        expected_deliveries=len(names),
    )
    return event, [Delivery(event=event, subscriber=name) for name in names]


def send_on_commit(deliveries: Iterable[Delivery]) -> None:
    """Have each of these deliveries, which are written, run as a task once they are committed."""
    for delivery in deliveries:
        transaction.on_commit(partial(send_task, "notifications.tasks.deliver", str(delivery.pk)))


def send_task(name: str, *args: Any) -> None:
    """Send a Celery task by its name; with the broker away, log it: a sweep takes up the row later."""
    _find_tasks()
    try:
        app.tasks[name].apply_async(args)
    except OperationalError:
        logger.warning("the broker does not answer; %s waits for its sweep", name)


@cache
def _find_tasks() -> None:
    """A web process has imported no `tasks.py` yet; only those register themselves.

    Celery does this once and lets a second thread go on while the first still imports: hence the lock.
    """
    with _discovering:
        app.loader.import_default_modules()


def deliver(delivery_id: UUID | str) -> bool:
    """Run one delivery. Returns False when it was done already, is not due, or runs elsewhere.

    The attempt is counted first and by itself, so that a subscriber that takes its worker down is not run for ever. Its
    writes and the mark "done" commit together. What it raises is kept on the row, and the delivery is tried again later:
    after 10 s, 20 s, 40 s … up to an hour; given up after 12 attempts (staff can replay it).
    """
    if not _begin_attempt(delivery_id):
        return False
    try:
        with transaction.atomic():
            delivery = (
                Delivery.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("event")
                .filter(pk=delivery_id, status=DeliveryStatus.WAITING)
                .first()
            )
            if delivery is None:
                return False
            subscriber = subscribers_of(delivery.event.type).get(delivery.subscriber)
            if subscriber is not None:  # a subscriber that a later version dropped has nothing to do
                subscriber(delivery.event)
            delivery.status, delivery.done_at, delivery.error = DeliveryStatus.DONE, now(), ""
            delivery.save(update_fields=["status", "done_at", "error"])
    except Exception as fault:  # the outermost edge of a subscriber: noted, logged, tried again
        logger.exception("delivery %s failed", delivery_id)
        _note_failure(delivery_id, fault)
    return True


def _begin_attempt(delivery_id: UUID | str) -> bool:
    """Count the attempt and put the next one off: 10 s, 20 s, 40 s … up to an hour. Only one of many callers succeeds."""
    with transaction.atomic():
        delivery = (
            Delivery.objects.select_for_update(skip_locked=True)
            .filter(pk=delivery_id, status=DeliveryStatus.WAITING, attempts__lt=MOST_ATTEMPTS, next_try_at__lte=now())
            .first()
        )
        if delivery is None:
            return False
        delivery.next_try_at = now() + min(FIRST_PAUSE * 2**delivery.attempts, LONGEST_PAUSE)
        delivery.attempts += 1
        delivery.save(update_fields=["attempts", "next_try_at"])
    return True


def _note_failure(delivery_id: UUID | str, fault: Exception) -> None:
    waiting = Delivery.objects.filter(pk=delivery_id, status=DeliveryStatus.WAITING)
    waiting.update(error=f"{type(fault).__name__}: {fault}"[:2000])
    waiting.filter(attempts__gte=MOST_ATTEMPTS).update(status=DeliveryStatus.FAILED)


def deliver_again(delivery_id: UUID | str) -> None:
    """Staff: run a delivery that was given up, or does not want to wait. One that is done stays done."""
    with transaction.atomic():
        again = Delivery.objects.filter(pk=delivery_id).exclude(status=DeliveryStatus.DONE)
        if again.update(status=DeliveryStatus.WAITING, attempts=0, next_try_at=now()):
            transaction.on_commit(partial(send_task, "notifications.tasks.deliver", str(delivery_id)))


def waiting_deliveries(limit: int = 200) -> list[UUID]:
    """Deliveries of the current tenant whose time has come and that no task seems to run, the oldest first."""
    due = now() - GRACE
    return list(
        Delivery.objects.filter(status=DeliveryStatus.WAITING, attempts__lt=MOST_ATTEMPTS, next_try_at__lte=due)
        .order_by("next_try_at")
        .values_list("pk", flat=True)[:limit]
    )


def give_up_lost_deliveries() -> int:
    """Deliveries whose last attempt ended with its worker: no result, no attempts left. Returns how many there were."""
    lost = Delivery.objects.filter(status=DeliveryStatus.WAITING, attempts__gte=MOST_ATTEMPTS, next_try_at__lte=now())
    return lost.update(status=DeliveryStatus.FAILED, error="The worker ended while the subscriber ran.")
