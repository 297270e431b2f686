"""Tests run as the serving role, under row-level security; only making and emptying the database is the owner's."""

from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase

from accounts.models import Tenant
from accounts.tests.factories import TenantFactory
from config.celery import app
from config.db.roles import ensure_serving_role
from config.tenancy import tenant_context
from config.translations import compile_changed

# After a test that committed. Emptying every table as Django does, with its `TRUNCATE`s and all that follows a migration, takes
# ten times as long. What migrations made stays: permissions and kinds of content. Policies bind the owner too, hence tenant by
# tenant; what grew large is truncated, or the next tests would read through its dead rows.
EMPTY = """
DO $$
DECLARE
    house text;
    filled regclass[] := ARRAY(
        SELECT oid::regclass FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
          AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
    );
    large regclass[] := ARRAY(SELECT t FROM unnest(filled) t WHERE pg_relation_size(t) > 262144);
    t regclass;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR house IN SELECT id::text FROM accounts_tenant UNION ALL SELECT '' LOOP
        PERFORM set_config('app.tenant_id', house, true);
        FOREACH t IN ARRAY filled LOOP
            EXECUTE format('DELETE FROM %s', t);
        END LOOP;
    END LOOP;
    FOREACH t IN ARRAY large LOOP
        EXECUTE format('TRUNCATE %s CASCADE', t);
    END LOOP;
END $$
"""


def pytest_configure(config: pytest.Config) -> None:
    """Arabic is tested as it is served: compiled. Once, before workers start."""
    if not hasattr(config, "workerinput"):
        compile_changed(settings.LOCALE_PATHS[0])


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Make the serving role before the tables are: migrations end with grants to it."""
    serving = urlsplit(settings.DATABASE_URL)
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        ensure_serving_role(owner, unquote(serving.username or ""), serving.password)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Any:
    """From here on the connection is the serving role's, as in production."""
    owner = dict(connection.settings_dict)
    serving = urlsplit(settings.DATABASE_URL)

    def do_as_owner(statements: list[str]) -> None:
        parameters = {"dbname": connection.settings_dict["NAME"], "user": owner["USER"], "password": owner["PASSWORD"]}
        if owner["HOST"]:
            parameters |= {"host": owner["HOST"]}
        if owner["PORT"]:
            parameters |= {"port": owner["PORT"]}
        with psycopg.connect(**parameters) as doing:
            for statement in statements:
                doing.execute(statement)

    def empty(test: TransactionTestCase) -> None:
        do_as_owner([EMPTY])

    with django_db_blocker.unblock():
        connection.close()
        connection.close_pool()
        connection.settings_dict.update(USER=unquote(serving.username or ""), PASSWORD=serving.password or "")
        connection.ops.execute_sql_flush = do_as_owner
        TransactionTestCase._fixture_teardown = empty
        yield
        connection.close()
        connection.close_pool()
        connection.settings_dict.update(USER=owner["USER"], PASSWORD=owner["PASSWORD"])


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Any:
    """bcrypt as in production, but with the least work: a quarter of a second for each person adds up."""
    cost, BCryptSHA256PasswordHasher.rounds = BCryptSHA256PasswordHasher.rounds, 4
    yield cost
    BCryptSHA256PasswordHasher.rounds = cost


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Counters, locks and cached answers of one test must not meet the next."""
    cache.clear()


@pytest.fixture(autouse=True)
def tasks_wait() -> None:
    """A task sent in a test waits for a worker, unless the test says `app.conf.task_always_eager = True`."""
    app.conf.task_always_eager = False


@pytest.fixture
def tenant(db: None) -> Any:
    """The default tenant, acted for during the test."""
    tenant = TenantFactory(slug=settings.DEFAULT_TENANT)
    with tenant_context(tenant.pk):
        yield tenant


@pytest.fixture
def other_tenant(db: None) -> Tenant:
    """Somebody else's house. Nothing is set for it."""
    return TenantFactory(slug="other")
