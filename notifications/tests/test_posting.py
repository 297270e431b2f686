"""Deliveries that a busy process gathers: sent soon, together, each for its tenant."""

import time
from uuid import uuid4

import pytest
from django.db import transaction

from config.celery import app
from config.tenancy import current_tenant, tenant_context
from notifications import outbox, posting
from notifications.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(monkeypatch):
    """What was sent as tasks: the tenant at hand, the name, the arguments."""
    tasks = []
    monkeypatch.setattr(outbox, "send_task", lambda name, *args: tasks.append((current_tenant.get(), name, *args)))
    return tasks


def wait_for(condition):
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def rows(number):
    return [Delivery(pk=uuid4()) for _row in range(number)]


def test_what_comes_together_is_sent_together_for_its_tenant(tenant, other_tenant, sent):
    mine, theirs = rows(3), rows(2)
    posting.post_on_commit(mine)
    with tenant_context(other_tenant.pk):
        posting.post_on_commit(theirs)
    wait_for(lambda: sum(len(ids) for _tenant, _name, ids in sent) == 5)
    assert {name for _tenant, name, _ids in sent} == {"notifications.tasks.deliver_all"}
    for owner, deliveries in ((tenant, mine), (other_tenant, theirs)):
        found = [pk for its, _name, ids in sent for pk in ids if its == owner.pk]
        assert found == [str(delivery.pk) for delivery in deliveries]


def test_nothing_is_sent_of_what_is_not_committed(tenant, sent):
    with transaction.atomic():
        posting.post_on_commit(rows(1))
        transaction.set_rollback(True)
    kept = rows(1)
    with transaction.atomic():
        posting.post_on_commit(kept)
        time.sleep(0.1)
        assert sent == []
    wait_for(lambda: sent)
    assert sent == [(tenant.pk, "notifications.tasks.deliver_all", [str(kept[0].pk)])]


def test_where_tasks_run_at_once_these_do_too(tenant, sent):
    app.conf.task_always_eager = True
    only = rows(1)
    posting.post_on_commit(only)
    assert sent == [(tenant.pk, "notifications.tasks.deliver", str(only[0].pk))]
