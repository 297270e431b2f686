"""What only an owner with all guards switched off can do: for tests that damage rows and see it named."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings

from config.tenancy import current_tenant
from config.testing.server import url_of_test_database


@contextmanager
def unguarded_owner() -> Iterator[Any]:
    """A connection of the owner to the test's database, in autocommit, on which no trigger or foreign key runs.

    It sees the rows of the tenant at hand. What it writes is committed: only for tests with `transaction=True`.
    """
    with psycopg.connect(url_of_test_database(settings.DATABASE_OWNER_URL), autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("SELECT set_config('app.tenant_id', %s, false)", [str(current_tenant.get() or "")])
        yield owner


@contextmanager
def without_guard(table: str, name: str, *mending: str) -> Iterator[Any]:
    """The constraint or index `name` of `table` taken away while the block runs, then put back as the migrations made it.

    The block gets the owner's connection (`unguarded_owner`). `mending` are the statements that make the rows fit the
    guard again; they run before it is put back, also after a failure. Raises LookupError for a guard that is not there.
    """
    with unguarded_owner() as owner:
        rule = owner.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s",
            [table, name],
        ).fetchone()
        index = owner.execute("SELECT pg_get_indexdef(to_regclass(%s))", [name]).fetchone()[0]
        if not (rule or index):
            raise LookupError(f"{table} has no guard {name}")
        owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}" if rule else f"DROP INDEX {name}")
        try:
            yield owner
        finally:
            for statement in mending:
                owner.execute(statement)
            owner.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule[0]}" if rule else index)
