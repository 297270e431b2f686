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
