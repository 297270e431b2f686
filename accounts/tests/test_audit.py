"""The audit trail: complete, in the transaction of the change, and nobody's to edit."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils.timezone import now

from accounts.audit import differences, plain, record, snapshot, stored
from accounts.models import AuditEntry, IdempotencyKey, InvariantReport, SignedOut, SignInLock, User
from accounts.tasks import check_invariants
from accounts.tests.factories import TenantFactory, UserFactory
from config.addresses import Caller, current_caller
from config.logs import request_context
from config.retention import forget_old
from config.tenancy import tenant_context

pytestmark = pytest.mark.django_db


def test_an_entry_says_who_what_which_when_from_where_and_in_which_request(tenant):
    actor, subject = UserFactory(first_name="Boss"), UserFactory()
    token = current_caller.set(Caller("10.0.0.1", "Firefox"))
    try:
        with request_context(request_id="r-12345678"):
            record("x.y.z", subject, actor=actor, before={"a": 1}, after={"a": Decimal("2.50")}, reason="why")
    finally:
        current_caller.reset(token)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason, entry.outcome) == ("x.y.z", "why", "DONE")
    assert (entry.subject_type, entry.subject_id, entry.subject_name) == (
        "accounts.user",
        str(subject.pk),
        "Mona Saleh",
    )
    assert (entry.actor_id, entry.actor_name) == (actor.pk, "Boss Saleh")
    assert (entry.before, entry.after) == ({"a": 1}, {"a": "2.50"})
    assert (entry.address, entry.agent, entry.request_id) == ("10.0.0.1", "Firefox", "r-12345678")


def test_an_entry_stays_exactly_when_the_change_stays(tenant):
    user = UserFactory()
    with pytest.raises(LookupError), transaction.atomic():  # noqa: PT012
        record("x.y.z", user, actor=None)
        raise LookupError
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    "statement", ["UPDATE accounts_auditentry SET reason = 'x'", "DELETE FROM accounts_auditentry"]
)
def test_the_database_refuses_to_edit_it(tenant, statement):
    record("x.y.z", UserFactory(), actor=None)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.count() == 1


def test_a_snapshot_masks_the_password_and_still_notices_its_change(tenant):
    user = UserFactory()
    before = stored(user)
    user.set_password("Another-77")
    user.first_name = "Muna"
    old, new = differences(before, snapshot(user))
    assert set(new) == {"password", "first_name"}
    assert (plain(old)["password"], plain(new)["password"]) == ("***", "***")


def test_any_value_becomes_plain():
    values = {
        "time": dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC),
        "day": dt.date(2026, 1, 2),
        "many": [Decimal("1.10"), None, True],
        "set": {1},
        5: {"deep": dt.time(9, 30)},
    }
    assert plain(values) == {
        "time": "2026-01-02T03:04:00+00:00",
        "day": "2026-01-02",
        "many": ["1.10", None, True],
        "set": [1],
        "5": {"deep": "09:30:00"},
    }


def test_longest_texts_are_cut_not_refused(tenant):
    user = UserFactory(first_name="x" * 50, last_name="y" * 50)
    entry = record("x.y.z", user, actor=user, reason="r" * 900)
    assert len(entry.reason) == 500


# --- Jobs ---


def test_old_keys_locks_and_sessions_are_forgotten_for_every_operator_and_young_ones_stay(tenant):
    gulf = TenantFactory(slug="gulf")
    user = UserFactory()
    for house in (tenant, gulf):
        with tenant_context(house.pk):
            for age, name in ((23, "young"), (25, "old")):
                key = IdempotencyKey.objects.create(caller="c", route="r", key=name, body_hash="h")
                IdempotencyKey.objects.filter(pk=key.pk).update(taken_at=now() - dt.timedelta(hours=age))
            for minutes, name in ((5, "young"), (16, "old")):
                began = now() - dt.timedelta(minutes=minutes)
                SignInLock.objects.create(email=f"{name}@b.c", address="10.0.0.1", failures=1, first_failure_at=began)
            until = now() + dt.timedelta(minutes=3)
            began = now() - dt.timedelta(minutes=16)
            SignInLock.objects.create(
                email="locked@b.c", address="10.0.0.1", failures=5, first_failure_at=began, locked_until=until
            )
    for days in (6, 8):
        ended = SignedOut.objects.create(session=f"00000000-0000-0000-0000-00000000000{days}", user=user)
        SignedOut.objects.filter(pk=ended.pk).update(at=now() - dt.timedelta(days=days))
    with tenant_context(None):
        forget_old()
        forget_old()
    for house in (tenant, gulf):
        with tenant_context(house.pk):
            assert [key.key for key in IdempotencyKey.objects.all()] == ["young"]
            assert {lock.email for lock in SignInLock.objects.all()} == {"young@b.c", "locked@b.c"}
    assert [str(s.session)[-1] for s in SignedOut.objects.all()] == ["6"]


def test_the_nightly_check_leaves_a_report_for_every_operator(tenant):
    gulf = TenantFactory(slug="gulf")
    with tenant_context(None):
        check_invariants()
    for house in (tenant, gulf):
        with tenant_context(house.pk):
            assert InvariantReport.objects.get().is_clean


def test_a_person_is_named_once_whatever_the_case(tenant):
    UserFactory(email="mona@example.com")
    with pytest.raises(DatabaseError, match="user_email_once"), transaction.atomic():
        UserFactory(email="MONA@example.com")
    assert User.objects.get_by_natural_key(" Mona@Example.com ").email == "mona@example.com"
