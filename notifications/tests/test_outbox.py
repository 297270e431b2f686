"""A fact reaches its subscribers once, whatever crashes, raises or runs at once."""

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils.timezone import now

from accounts.models import Role
from accounts.tests.factories import RoleFactory
from config.tenancy import tenant_context, tenant_id_or_none
from config.testing import run_together
from notifications import outbox, tasks
from notifications.models import Delivery, DeliveryStatus, Event
from notifications.outbox import MOST_ATTEMPTS, announce, deliver, deliver_again, on, subscribers_of, waiting_deliveries

pytestmark = pytest.mark.django_db
really_committed = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def subscribers(monkeypatch):
    """Subscribers of a test end with it."""
    outbox._find_receivers()
    monkeypatch.setattr(outbox, "_subscribers", {})


@pytest.fixture(autouse=True)
def tasks_are_lost(monkeypatch):
    """No worker: what `deliver` and the sweep do is seen by itself. Lists what would have been sent."""
    sent = []
    monkeypatch.setattr(outbox, "send_task", lambda name, *args: sent.append((name, *args)))
    return sent


@pytest.fixture
def role(tenant):
    """Something that a fact can be about, and that a subscriber can write."""
    return RoleFactory(code=Role.Code.AGENT, name_en="Guide")


def told(role, **data):
    with transaction.atomic():
        return announce("role.changed", role, **data)


def subscribe(function, name="write_down", fact="role.changed"):
    def subscriber(event):
        function(event)

    subscriber.__name__, subscriber.__module__ = name, "notifications.tests"
    on(fact)(subscriber)


def overdue(**changes):
    Delivery.objects.update(next_try_at=now() - timedelta(minutes=5), **changes)


def rename(role, name):
    def subscriber(event):
        Role.objects.filter(pk=event.subject_id).update(name_en=name)

    return subscriber


def name_of(role):
    return Role.objects.get(pk=role.pk).name_en


@really_committed
def test_a_fact_is_written_with_a_delivery_for_each_subscriber_and_told_after_commit(role, tasks_are_lost):
    subscribe(rename(role, "x"), "first")
    subscribe(rename(role, "y"), "second")
    subscribe(rename(role, "z"), "elsewhere", "other.fact")
    with transaction.atomic():
        event = announce("role.changed", role, amount="12.00")
        assert tasks_are_lost == []
    assert (event.type, event.subject_type, event.subject_id) == ("role.changed", "accounts.role", role.pk)
    assert (event.data, event.expected_deliveries) == ({"amount": "12.00"}, 2)
    deliveries = list(event.deliveries.order_by("subscriber"))
    assert [d.subscriber for d in deliveries] == ["notifications.first", "notifications.second"]
    assert tasks_are_lost == [("notifications.tasks.deliver", str(d.pk)) for d in deliveries]


def test_a_fact_that_nobody_hears_of_is_kept(role, tasks_are_lost):
    assert told(role).expected_deliveries == 0
    assert tasks_are_lost == []
    assert Event.objects.count() == 1


def test_a_fact_that_did_not_happen_was_not_told(role, tasks_are_lost):
    subscribe(rename(role, "x"))
    with transaction.atomic():
        announce("role.changed", role)
        transaction.set_rollback(True)
    assert (Event.objects.count(), Delivery.objects.count(), tasks_are_lost) == (0, 0, [])


@really_committed
def test_outside_a_transaction_nothing_can_be_announced(role):
    with pytest.raises(RuntimeError, match="outside a transaction"):
        announce("role.changed", role)
    assert Event.objects.count() == 0


def test_two_subscribers_cannot_share_a_name(role):
    subscribe(rename(role, "x"))
    with pytest.raises(ValueError, match=r"notifications\.write_down"):
        subscribe(rename(role, "y"))


def test_the_receivers_of_every_app_are_found(monkeypatch):
    monkeypatch.undo()
    assert "accounts.send_reset" in subscribers_of("user.reset_asked")


def test_a_delivery_is_done_once(role):
    calls = []
    subscribe(calls.append)
    delivery = told(role).deliveries.get()
    assert deliver(delivery.pk)
    assert not deliver(str(delivery.pk))  # the task came twice
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.error) == (DeliveryStatus.DONE, 1, "")
    assert delivery.done_at is not None
    assert len(calls) == 1


def test_what_a_subscriber_wrote_goes_with_its_failure_and_the_fault_is_kept(role):
    def fails_after_writing(event):
        Role.objects.filter(pk=event.subject_id).update(name_en="half done")
        raise ZeroDivisionError("no divisor")

    subscribe(fails_after_writing)
    delivery = told(role).deliveries.get()
    assert deliver(delivery.pk)
    delivery.refresh_from_db()
    assert name_of(role) == "Guide"
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.WAITING, 1)
    assert delivery.error == "ZeroDivisionError: no divisor"
    assert not deliver(delivery.pk)  # not before its time


def test_a_subscriber_that_breaks_the_transaction_is_a_failure_like_others(role):
    def breaks_sql(event):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    subscribe(breaks_sql)
    delivery = told(role).deliveries.get()
    assert deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.WAITING
    assert "division by zero" in delivery.error


@really_committed
def test_the_pauses_double_to_an_hour_and_the_twelfth_failure_is_the_last(role, tasks_are_lost):
    def fails(event):
        raise ZeroDivisionError

    subscribe(fails)
    delivery = told(role).deliveries.get()
    pauses = []
    for _ in range(MOST_ATTEMPTS):
        Delivery.objects.update(next_try_at=now())
        assert deliver(delivery.pk)
        delivery.refresh_from_db()
        pauses.append(round((delivery.next_try_at - now()).total_seconds()))
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, 12)
    overdue()
    assert waiting_deliveries() == []
    tasks_are_lost.clear()
    deliver_again(delivery.pk)
    assert tasks_are_lost == [("notifications.tasks.deliver", str(delivery.pk))]
    outbox._subscribers["role.changed"]["notifications.write_down"] = rename(role, "replayed")
    assert deliver(delivery.pk)
    assert name_of(role) == "replayed"
    deliver_again(delivery.pk)  # done stays done
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.DONE


def test_one_that_fails_does_not_hold_up_the_others(role):
    def fails(event):
        raise ZeroDivisionError

    subscribe(fails, "a_fails")
    subscribe(rename(role, "heard"), "b_hears")
    told(role)
    overdue()
    tasks.sweep_deliveries()
    assert name_of(role) == "heard"
    assert dict(Delivery.objects.values_list("subscriber", "status")) == {
        "notifications.a_fails": "WAITING",
        "notifications.b_hears": "DONE",
    }


def test_the_sweep_finishes_what_a_crash_between_commit_and_dispatch_left_for_each_tenant(role, other_tenant):
    subscribe(rename(role, "swept"))
    told(role)
    with tenant_context(other_tenant.pk):
        theirs = RoleFactory(code=Role.Code.AGENT, name_en="Theirs")
        told(theirs)
        overdue()
    overdue()
    with tenant_context(None):
        tasks.sweep_deliveries()
    assert name_of(role) == "swept"
    with tenant_context(other_tenant.pk):
        assert name_of(theirs) == "swept"


def test_the_sweep_leaves_alone_what_has_a_task_on_its_way_or_must_wait(role):
    subscribe(rename(role, "too early"))
    delivery = told(role).deliveries.get()
    tasks.sweep_deliveries()
    Delivery.objects.update(next_try_at=now() + timedelta(minutes=1))
    tasks.sweep_deliveries()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, name_of(role)) == (DeliveryStatus.WAITING, 0, "Guide")


def test_the_oldest_is_swept_first(role):
    subscribe(rename(role, "x"))
    first, second = told(role).deliveries.get(), told(role).deliveries.get()
    overdue()
    Delivery.objects.filter(pk=second.pk).update(next_try_at=now() - timedelta(days=1))
    assert waiting_deliveries() == [second.pk, first.pk]
    assert waiting_deliveries(limit=1) == [second.pk]


def test_a_subscriber_that_a_later_version_dropped_has_nothing_to_do(role):
    subscribe(rename(role, "x"))
    delivery = told(role).deliveries.get()
    outbox._subscribers.clear()
    assert deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, name_of(role)) == (DeliveryStatus.DONE, "Guide")


def test_a_subscriber_that_takes_its_worker_down_each_time_is_given_up(role):
    """A killed process writes no error; the attempt was counted before the subscriber ran."""

    class Killed(BaseException):
        pass

    def kills(event):
        raise Killed

    subscribe(kills)
    delivery = told(role).deliveries.get()
    with pytest.raises(Killed):
        deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.error) == (DeliveryStatus.WAITING, 1, "")
    overdue(attempts=MOST_ATTEMPTS - 1)
    with pytest.raises(Killed):
        deliver(delivery.pk)
    overdue()
    tasks.sweep_deliveries()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, MOST_ATTEMPTS)
    assert delivery.error == "The worker ended while the subscriber ran."


@really_committed
def test_many_tasks_at_once_run_a_delivery_once(role):
    calls = []
    subscribe(calls.append)
    delivery = told(role).deliveries.get()
    outcomes = run_together(*[partial(deliver, delivery.pk)] * 8)
    assert sorted(outcomes) == [False] * 7 + [True]
    assert len(calls) == 1


@really_committed
def test_sweeps_at_once_share_the_work(role):
    heard, lock = [], threading.Lock()

    def counts(event):
        with lock:
            heard.append(event.pk)

    subscribe(counts)
    events = {told(role).pk for _ in range(12)}
    overdue()
    outcomes = run_together(*[tasks.sweep_deliveries] * 4)
    assert outcomes == [None] * 4
    assert len(heard) == 12
    assert set(heard) == events
    assert set(Delivery.objects.values_list("status", "attempts")) == {("DONE", 1)}


@really_committed
def test_a_slow_subscriber_is_not_run_beside_itself(role):
    """Its next try comes while it still runs: the row it holds is skipped."""
    started, may_end, runs = threading.Event(), threading.Event(), []

    def slow(event):
        runs.append(event.pk)
        started.set()
        assert may_end.wait(20)

    subscribe(slow)
    delivery = told(role).deliveries.get()

    def meanwhile():
        assert started.wait(20)
        with connection.cursor() as cursor:  # its time came again; the lock is on the row, so this is a reader's view
            cursor.execute("SELECT attempts FROM notifications_delivery")
            assert cursor.fetchone() == (1,)
        monkeyed = timedelta(minutes=10)
        original, outbox.now = outbox.now, lambda: now() + monkeyed
        try:
            return [deliver(delivery.pk), waiting_deliveries()]
        finally:
            outbox.now = original
            may_end.set()

    outcomes = run_together(partial(deliver, delivery.pk), meanwhile)
    assert outcomes == [True, [False, [delivery.pk]]]
    assert len(runs) == 1


@really_committed
def test_control_without_the_claim_many_tasks_run_it_many_times(role, monkeypatch):
    """What the claim and the row lock are for: take both away, and the subscriber runs again and again."""
    monkeypatch.setattr(outbox, "_begin_attempt", lambda delivery_id: True)
    monkeypatch.setattr(type(Delivery.objects.all()), "select_for_update", lambda self, **_: self)
    together, calls = threading.Barrier(3), []

    def meets(event):
        together.wait(20)
        calls.append(event.pk)

    subscribe(meets)
    delivery = told(role).deliveries.get()
    run_together(*[partial(deliver, delivery.pk)] * 3)
    assert len(calls) == 3


def test_a_subscriber_acts_for_the_tenant_of_the_fact(role, other_tenant, tenant):
    seen = []
    subscribe(lambda event: seen.append((event.tenant_id, tenant_id_or_none())))
    with tenant_context(other_tenant.pk):
        told(RoleFactory(code=Role.Code.AGENT))
        overdue()
    with tenant_context(None):
        tasks.sweep_deliveries()
    assert seen == [(other_tenant.pk, other_tenant.pk)]


def test_another_tenants_delivery_cannot_be_run(role, other_tenant):
    subscribe(rename(role, "x"))
    delivery = told(role).deliveries.get()
    with tenant_context(other_tenant.pk):
        assert not deliver(delivery.pk)
    assert name_of(role) == "Guide"
