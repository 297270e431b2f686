"""Tasks are sent by name after commit; nothing that must happen rests on the broker."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils.timezone import now

from accounts.tests.factories import UserFactory
from config.celery import app
from config.tenancy import tenant_context
from config.testing import run_together, server
from notifications import outbox, tasks
from notifications.models import Delivery, DeliveryStatus, Message, MessageStatus
from notifications.outbox import announce, deliver, send_task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queued(settings):
    """Tasks of the test are sent, not run on the spot."""
    app.conf.task_always_eager = False


@pytest.fixture
def real_queue(queued):
    """They go through the broker, which holds none before and after."""
    app.control.purge()
    yield
    app.control.purge()


def test_a_broker_that_is_away_costs_no_time_and_no_error(tenant, queued, monkeypatch):
    broken = app.connection_for_write("redis://127.0.0.1:1/0")
    task = app.tasks["notifications.tasks.deliver"]
    send = type(task).apply_async
    monkeypatch.setattr(type(task), "apply_async", lambda self, args: send(self, args, connection=broken))
    warnings = []
    monkeypatch.setattr(outbox.logger, "warning", lambda text, *values: warnings.append(text % values))
    started = time.monotonic()
    send_task("notifications.tasks.deliver", "0199")
    assert time.monotonic() - started < 2
    assert warnings == ["the broker does not answer; notifications.tasks.deliver waits for its sweep"]


def test_a_process_that_imported_no_tasks_can_send_them():
    """As a web process is: it knows tasks by name only, and its first requests come at once, in several threads."""
    program = (
        "import django; django.setup()\n"
        "import sys, threading\n"
        "from config.celery import app\n"
        "assert 'notifications.tasks' not in sys.modules\n"
        "from notifications import outbox\n"
        "at_once, known = threading.Barrier(8), []\n"
        "def send():\n"
        "    at_once.wait(30)\n"
        "    outbox._find_tasks()\n"
        "    known.append('notifications.tasks.deliver' in app.tasks)\n"
        "threads = [threading.Thread(target=send) for _ in range(8)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join(60)\n"
        "assert known == [True] * 8, known\n"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run([sys.executable, "-c", program], env=env, cwd=settings.BASE_DIR, check=True, timeout=60)


def wait_until(true, seconds=60):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.1)


def announce_reset(user):
    with transaction.atomic():
        return announce("user.password_changed", user).deliveries.get()


def state_of(delivery):
    return Delivery.objects.values_list("status", "attempts").get(pk=delivery.pk)


def test_a_worker_killed_between_commit_and_delivery_loses_nothing(tenant, real_queue, tmp_path):
    """The pid is real, and so is `kill -9`. The worker holds the task, has not acknowledged it, and is gone."""
    user = UserFactory(first_name="Mona")
    with server.working(MAIL_DIR=str(tmp_path / "mail")) as process:
        told = announce_reset(user)
        wait_until(lambda: state_of(told) == (DeliveryStatus.DONE, 1))  # it lives, and delivers
        wait_until(lambda: Message.objects.filter(status=MessageStatus.SENT).exists())  # and has nothing left to do
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE notifications_message IN SHARE MODE")  # its subscriber's write has to wait
            (lost,) = run_together(partial(announce_reset, user))
            wait_until(lambda: state_of(lost) == (DeliveryStatus.WAITING, 1))
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait(20) == -signal.SIGKILL
    assert state_of(lost) == (DeliveryStatus.WAITING, 1)
    assert Message.objects.count() == 1

    def swept():
        Delivery.objects.filter(status=DeliveryStatus.WAITING).update(next_try_at=now() - timedelta(minutes=1))
        with tenant_context(None):
            tasks.sweep_deliveries()
        return state_of(lost)[0] == DeliveryStatus.DONE

    wait_until(swept)  # PostgreSQL takes a moment to see that the worker is gone and to free the row
    assert Message.objects.filter(once_key=f"password_changed:{lost.event_id}").count() == 1
    assert Message.objects.count() == 2
    assert not deliver(lost.pk)  # the task that was never acknowledged comes back one day
    Message.objects.filter(status=MessageStatus.QUEUED).update(next_try_at=now() - timedelta(minutes=1))
    with tenant_context(None):
        tasks.sweep_messages()
    assert set(Message.objects.values_list("status", flat=True)) == {MessageStatus.SENT}
