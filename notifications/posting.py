"""Sending deliveries from a busy web process: gathered for a moment by one thread, and sent as one task.

Making a task costs a fifth of what a booking does, and nobody waits for it. What is lost when the process dies is found by the
sweep, as ever: the rows are committed.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Iterable
from contextvars import Context, copy_context
from functools import partial
from uuid import UUID

from django.db import transaction

from config.celery import app
from config.tenancy import tenant_id_or_raise
from notifications import outbox
from notifications.models import Delivery

logger = logging.getLogger(__name__)

GATHERED_FOR = 0.05  # seconds
MOST_AT_ONCE = 50  # deliveries in one task

Waiting = tuple[UUID, str, Context]  # the tenant, the delivery, and for whom it is sent


class Post:
    """The thread of one process, and what it has still to send."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.waiting: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        threading.Thread(target=self.run, name="post", daemon=True).start()

    def run(self) -> None:
        while True:
            batch = [self.waiting.get()]
            time.sleep(GATHERED_FOR)
            while len(batch) < MOST_AT_ONCE and not self.waiting.empty():
                batch.append(self.waiting.get())
            try:
                self.send(batch)
            except Exception:  # the outermost edge of the thread, which must live on; the sweep takes these up
                logger.exception("%s deliveries were not sent", len(batch))

    @staticmethod
    def send(batch: list[Waiting]) -> None:
        for tenant in dict.fromkeys(tenant for tenant, _delivery, _context in batch):
            of_tenant = [(delivery, context) for its, delivery, context in batch if its == tenant]
            ids = [delivery for delivery, _context in of_tenant]
            of_tenant[0][1].run(outbox.send_task, "notifications.tasks.deliver_all", ids)


_lock = threading.Lock()
_post: Post | None = None


def post_on_commit(deliveries: Iterable[Delivery]) -> None:
    """As `outbox.send_on_commit`, but a moment later and together with others. Where tasks run at once, these do too."""
    if app.conf.task_always_eager:
        outbox.send_on_commit(deliveries)
        return
    tenant, context = tenant_id_or_raise(), copy_context()
    waiting = [(tenant, str(delivery.pk), context) for delivery in deliveries]
    transaction.on_commit(partial(_post_all, waiting))


def _post_all(waiting: list[Waiting]) -> None:
    office = _post_office()
    for one in waiting:
        office.waiting.put(one)


def _post_office() -> Post:
    global _post
    with _lock:
        if _post is None or _post.process != os.getpid():
            _post = Post()
        return _post
