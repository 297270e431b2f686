"""Each proof is shown rows that were damaged past our code, and must name the damage."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils.timezone import now

from accounts.models import Role
from accounts.tests.factories import RoleFactory
from config.invariants import check_all
from notifications import outbox
from notifications.models import Delivery, Event, Message
from notifications.outbox import announce, deliver, on

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(hours=3)


@pytest.fixture
def rows(tenant, monkeypatch):
    """A fact with two deliveries, one done; a mail that is queued and one that is sent."""
    outbox._find_receivers()
    monkeypatch.setattr(outbox, "_subscribers", {})

    @on("role.changed")
    def first(event):
        pass

    @on("role.changed")
    def second(event):
        pass

    with transaction.atomic():
        event = announce("role.changed", RoleFactory(code=Role.Code.AGENT))
    assert deliver(event.deliveries.get(subscriber="notifications.first").pk)
    to = {"recipient": "mona@example.com", "language": "en", "template": "sample"}
    Message.objects.create(once_key="queued", **to)
    Message.objects.create(once_key="sent", status="SENT", sent_at=now(), **to)
    return {
        "event": event,
        "done": event.deliveries.get(status="DONE"),
        "waiting": event.deliveries.get(status="WAITING"),
        "queued": Message.objects.get(once_key="queued"),
        "sent": Message.objects.get(once_key="sent"),
    }


def faults():
    return {name: found for name, found in check_all().faults.items() if found}


def test_all_is_well(rows):
    names = set(check_all().faults)
    assert len([name for name in names if name.startswith(("outbox:", "messages:"))]) == 6
    assert faults() == {}


def test_a_lost_delivery_is_named(rows):
    rows["waiting"].delete()
    sentence = f"role.changed {rows['event'].pk}: 1 deliveries, 2 expected"
    assert faults() == {"outbox: every event has the deliveries that were written with it": [sentence]}
    Delivery.objects.all().delete()
    assert "0 deliveries, 2 expected" in str(faults())


def test_a_delivery_that_waits_for_nobody_is_named(rows):
    Delivery.objects.filter(pk=rows["waiting"].pk).update(next_try_at=now() - LONG_AGO)
    ((name, (sentence,)),) = faults().items()
    assert name == "outbox: no delivery waits past its time"
    assert str(rows["waiting"].pk) in sentence


def test_a_delivery_that_was_given_up_is_named_with_its_error(rows):
    Delivery.objects.filter(pk=rows["waiting"].pk).update(status="FAILED", error="ZeroDivisionError: oh")
    sentence = f"role.changed → notifications.second ({rows['waiting'].pk}): ZeroDivisionError: oh"
    assert faults() == {"outbox: no delivery was given up": [sentence]}


@pytest.mark.parametrize(("row", "changes"), [("done", {"done_at": None}), ("waiting", {"done_at": now()})])
def test_done_without_a_date_and_a_date_without_done_are_named(rows, row, changes):
    Delivery.objects.filter(pk=rows[row].pk).update(**changes)
    ((name, (sentence,)),) = faults().items()
    assert name == "outbox: what is done says when"
    assert str(rows[row].pk) in sentence


def test_a_message_that_waits_for_nobody_is_named(rows):
    Message.objects.filter(pk=rows["queued"].pk).update(next_try_at=now() - LONG_AGO)
    ((name, (sentence,)),) = faults().items()
    assert name == "messages: no message waits past its time"
    assert str(rows["queued"].pk) in sentence


def test_a_message_that_is_sent_at_no_time_is_named(rows):
    Message.objects.filter(pk=rows["sent"].pk).update(sent_at=None)
    assert faults() == {"messages: what is sent says when": [f"sample ({rows['sent'].pk}) is sent, at no time"]}


def test_events_of_a_kind_nobody_hears_need_no_delivery(rows):
    with transaction.atomic():
        announce("nobody.cares", rows["event"])
    assert Event.objects.count() == 2
    assert faults() == {}
