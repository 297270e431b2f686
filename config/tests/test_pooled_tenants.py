"""A pooled connection outlives the request: no tenant may find on it what the one before has left."""

import contextlib
from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.backends.postgresql import base

from accounts.tests.factories import RoleFactory
from config.db.base import DatabaseWrapper
from config.tenancy import current_tenant, tenant_context
from config.testing import run_together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two_houses(tenant, other_tenant):
    """Two tenants with one role and two roles, and a pool that has a single connection."""
    RoleFactory(code="ADMIN")
    with tenant_context(other_tenant.pk):
        RoleFactory(code="ADMIN")
        RoleFactory(code="AGENT")
    pool = connection.settings_dict["OPTIONS"]["pool"]
    connection.close()
    connection.close_pool()
    connection.settings_dict["OPTIONS"]["pool"] = {**pool, "min_size": 1, "max_size": 1}
    yield {tenant.pk: 1, other_tenant.pk: 2}
    connection.close()
    connection.close_pool()
    connection.settings_dict["OPTIONS"]["pool"] = pool


def seen() -> tuple[int, int]:
    """How many roles raw SQL sees, and on which connection of the server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), pg_backend_pid() FROM accounts_role")
        return cursor.fetchone()


def fail() -> None:
    with pytest.raises(DatabaseError):
        seen_by("SELECT 1 / 0")


def seen_by(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def nothing() -> None:
    seen()


def error_outside_a_transaction() -> None:
    fail()


def look_and_roll_back() -> None:
    """In a transaction of its own, or in a savepoint where one is open."""
    with contextlib.suppress(LookupError), transaction.atomic():
        seen()
        raise LookupError


def rolled_back() -> None:
    look_and_roll_back()


def error_in_a_transaction() -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        seen_by("SELECT 1 / 0")


def savepoint_rolled_back() -> None:
    with transaction.atomic():
        look_and_roll_back()
        seen()


def error_in_a_savepoint() -> None:
    with transaction.atomic():
        with pytest.raises(DatabaseError), transaction.atomic():
            seen_by("SELECT 1 / 0")
        seen()


def left_open() -> None:
    """A request that ends in the middle of a transaction: the pool rolls it back."""
    transaction.set_autocommit(False)
    seen()
    connection.in_atomic_block = False


def left_broken() -> None:
    transaction.set_autocommit(False)
    fail()
    connection.in_atomic_block = False


HAPPENINGS: list[Callable[[], None]] = [
    nothing,
    error_outside_a_transaction,
    rolled_back,
    error_in_a_transaction,
    savepoint_rolled_back,
    error_in_a_savepoint,
    left_open,
    left_broken,
]


def test_two_tenants_in_turn_on_one_connection_never_see_each_other(two_houses):
    server_processes = set()
    for happening in HAPPENINGS:
        for tenant, roles in [*two_houses.items(), *two_houses.items()]:
            with tenant_context(tenant):
                count, server_process = seen()
                assert count == roles, happening.__name__
                happening()
                connection.close()  # the end of a request: back into the pool
                server_processes.add(server_process)
        with tenant_context(None):
            assert seen()[0] == 0, happening.__name__
            connection.close()
    assert len(server_processes) == 1  # it was one connection all the time, or the test shows nothing


def test_a_tenant_that_changes_within_a_transaction_is_told_at_once(two_houses):
    (first, one), (second, two) = two_houses.items()
    with transaction.atomic(), tenant_context(first):
        assert seen()[0] == one
        with tenant_context(second):
            assert seen()[0] == two
        assert seen()[0] == one


def savepoint_with_a_loop_that_breaks_off(tenant: UUID) -> int:
    """A loop through tenants breaks off within a savepoint: its generator is not closed yet when the savepoint is rolled back,
    which takes the `set_config` of the loop back. Returns what is seen next under the loop's tenant."""
    outside = current_tenant.get()
    try:
        with contextlib.suppress(LookupError), transaction.atomic():
            current_tenant.set(tenant)
            seen()
            raise LookupError
        return seen()[0]
    finally:
        current_tenant.set(outside)


def test_a_savepoint_that_takes_back_the_change_of_tenant_is_noticed(two_houses):
    (first, one), (second, two) = two_houses.items()
    with tenant_context(first), transaction.atomic():
        assert savepoint_with_a_loop_that_breaks_off(second) == two
        assert seen()[0] == one


def test_without_our_rollback_the_connection_leaks(two_houses, monkeypatch):
    """The control: Django's own `_rollback` leaves a note that is not true, and one tenant reads the other's rows."""
    monkeypatch.setattr(DatabaseWrapper, "_rollback", base.DatabaseWrapper._rollback)
    (first, one), (second, two) = two_houses.items()
    with tenant_context(first):
        assert seen()[0] == one
        connection.close()
    with tenant_context(second):
        look_and_roll_back()  # tells the second tenant inside the transaction, whose rollback takes that back
        assert seen()[0] == one != two
        connection.close()


def test_without_our_savepoint_rollback_the_connection_leaks(two_houses, monkeypatch):
    monkeypatch.setattr(DatabaseWrapper, "_savepoint_rollback", base.DatabaseWrapper._savepoint_rollback)
    (first, one), (second, _two) = two_houses.items()
    with tenant_context(first), transaction.atomic():
        assert savepoint_with_a_loop_that_breaks_off(second) == one


def test_many_threads_with_tenants_of_their_own_share_a_small_pool(two_houses):
    """Eight at once on a pool of one: each waits for its turn and sees its own."""

    def ask(tenant, roles):
        with tenant_context(tenant):
            return {seen()[0] for _time in range(5)} == {roles}

    connection.close()
    calls = [partial(ask, *house) for house in two_houses.items()] * 4
    assert run_together(*calls) == [True] * 8
