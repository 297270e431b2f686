"""Raw SQL sees what the policies allow, whatever the ORM would have scoped."""

import pytest
from django.db import connection

from accounts.tests.factories import RoleFactory
from config.tenancy import tenant_context

pytestmark = pytest.mark.django_db


def count_roles() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_role")
        return int(cursor.fetchone()[0])


def test_raw_sql_sees_the_rows_of_the_tenant_at_hand_only(tenant, other_tenant):
    RoleFactory(code="ADMIN")
    with tenant_context(other_tenant.pk):
        RoleFactory(code="ADMIN")
        RoleFactory(code="AGENT")
        assert count_roles() == 2
    assert count_roles() == 1
    with tenant_context(None):
        assert count_roles() == 0
