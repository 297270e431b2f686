"""Raw SQL sees and writes what the policies allow, whatever the ORM would have scoped."""

import uuid
from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings
from django.db import IntegrityError, ProgrammingError, connection, transaction

from accounts.models import Membership, Role
from accounts.tests.factories import RoleFactory, UserFactory
from config.db.roles import UnsafeServingRole, refuse_unsafe_role
from config.db.security import tenant_owned_models, vouchers
from config.models import TenantForeignKey, TenantOneToOneField
from config.tenancy import TenantRequired, tenant_context

# Every table without a policy, and why it may be so.
WITHOUT_POLICY = {
    "accounts_tenant": "the operators themselves: who asks is found here before there is a tenant",
    "accounts_user": "a person exists once for all; other apps and staff meet them through their membership",
    "accounts_signedout": "sessions of persons, found by a random id",
    "auth_group": "Django's, unused: rights come from our roles",
    "auth_group_permissions": "Django's, unused",
    "auth_permission": "the names of rights, the same for all",
    "django_admin_log": "Django's, never written: the audit trail is ours",
    "django_content_type": "the names of our models",
    "django_migrations": "the owner's, read-only for serving",
    "django_session": "sessions of the back-office, found by a random key",
    "ledger_currency": "the currencies of the world",
    "token_blacklist_blacklistedtoken": "used-up tokens, found by their random id",
    "token_blacklist_outstandingtoken": "used-up tokens, found by their random id",
    "tours_publishedtour": "published facts, for a search whose operators no policy lets use an index",
}


def sql(statement: str, *values: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else [(cursor.rowcount,)]


def count_roles() -> int:
    return sql("SELECT count(*) FROM accounts_role")[0][0]


@pytest.fixture
def foreign_role(tenant, other_tenant) -> Role:
    with tenant_context(other_tenant.pk):
        return RoleFactory(code="ADMIN", name_en="Theirs")


# --- What is seen ---


@pytest.mark.django_db
def test_raw_sql_sees_the_rows_of_the_tenant_at_hand_only(tenant, other_tenant):
    RoleFactory(code="ADMIN")
    with tenant_context(other_tenant.pk):
        RoleFactory(code="ADMIN")
        RoleFactory(code="AGENT")
        assert count_roles() == 2
    assert count_roles() == 1
    with tenant_context(None):
        assert count_roles() == 0


@pytest.mark.django_db
def test_the_orm_raises_where_no_tenant_is_set(tenant):
    with tenant_context(None):
        with pytest.raises(TenantRequired):
            Role.objects.all()
        with pytest.raises(TenantRequired):
            Role.objects.create(code="X", name_en="X", name_ar="X", tenant=tenant)


# --- What is written ---


@pytest.mark.django_db
def test_another_tenants_rows_cannot_be_updated_or_deleted(foreign_role, other_tenant):
    assert sql("UPDATE accounts_role SET name_en = 'Mine' WHERE id = %s::uuid", foreign_role.pk) == [(0,)]
    assert sql("DELETE FROM accounts_role WHERE id = %s::uuid", foreign_role.pk) == [(0,)]
    with tenant_context(other_tenant.pk):
        foreign_role.refresh_from_db()
    assert foreign_role.name_en == "Theirs"


@pytest.mark.django_db
@pytest.mark.parametrize("at_hand", ["tenant", None])
def test_no_row_can_be_written_into_another_tenants_house(tenant, other_tenant, at_hand):
    statement = (
        "INSERT INTO accounts_role (id, tenant_id, code, name_en, name_ar, is_staff, offered)"
        " VALUES (%s::uuid, %s::uuid, 'SPY', 'x', 'x', true, '[]')"
    )
    with (
        tenant_context(tenant.pk if at_hand else None),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        sql(statement, uuid.uuid4(), other_tenant.pk)


@pytest.mark.django_db
def test_a_row_cannot_be_moved_to_another_tenant(tenant, other_tenant):
    mine = RoleFactory(code="ADMIN")
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        sql("UPDATE accounts_role SET tenant_id = %s::uuid WHERE id = %s::uuid", other_tenant.pk, mine.pk)


@pytest.mark.django_db(transaction=True)
def test_a_reference_to_another_tenants_row_is_refused_at_commit(foreign_role):
    """A plain foreign key would take it: its check ignores policies."""
    user = UserFactory()
    with pytest.raises(IntegrityError, match="accounts_membership_role_id_tenant"), transaction.atomic():
        Membership.objects.create(user=user, role_id=foreign_role.pk)
    assert not Membership.objects.exists()


# --- The catalogue of the database ---


@pytest.mark.django_db
def test_every_table_has_a_forced_policy_or_a_reason():
    rows = sql(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,"
        " (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1"
    )
    open_tables = {name for name, forced, policies in rows if not forced or not policies}
    assert open_tables == set(WITHOUT_POLICY)
    assert len(rows) - len(open_tables) >= len(tenant_owned_models()) > 20


@pytest.mark.django_db
def test_every_policy_is_the_one_rule_for_reading_and_for_writing():
    rows = sql(
        "SELECT polname, polcmd, polpermissive, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)"
        " FROM pg_policy"
    )
    assert {
        (name, command.decode() if isinstance(command, bytes) else command, p) for name, command, p, _u, _w in rows
    } == {("tenant_isolation", "*", True)}
    rules = {rule for *_rest, using, check in rows for rule in (using, check)}
    assert len(rules) == 1
    assert "app.tenant_id" in rules.pop()


@pytest.mark.django_db
def test_every_reference_between_owned_rows_compares_tenants():
    """Each such foreign key has its composite constraint, and no table has a plain one beside it."""
    composite = {
        (table, tuple(columns))
        for table, columns in sql(
            "SELECT c.conrelid::regclass::text, (SELECT array_agg(a.attname::text ORDER BY k.n)"
            " FROM unnest(c.conkey) WITH ORDINALITY k(attnum, n)"
            " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum)"
            " FROM pg_constraint c WHERE c.contype = 'f'"
        )
    }
    loose, plain = [], []
    for model in tenant_owned_models():
        for field in model._meta.local_fields:
            if not isinstance(field, TenantForeignKey | TenantOneToOneField):
                if field.is_relation and field.related_model in tenant_owned_models():
                    plain.append(f"{model._meta.label}.{field.name}")
                continue
            if (model._meta.db_table, (field.column, "tenant_id")) not in composite:
                loose.append(f"{model._meta.label}.{field.name}")
    assert (loose, plain) == ([], [])


@pytest.mark.django_db
def test_every_tenant_of_a_row_exists():
    """By a reference to the tenants, or by one to a row of the same tenant that each row has; never by both."""
    plain = {
        table
        for (table,) in sql(
            "SELECT c.conrelid::regclass::text FROM pg_constraint c"
            " WHERE c.contype = 'f' AND c.confrelid = 'accounts_tenant'::regclass"
        )
    }
    for model in tenant_owned_models():
        assert (model._meta.db_table in plain) != bool(vouchers(model)), model
    assert {"bookings_booking", "bookings_hold"}.isdisjoint(plain)
    assert "tours_category" in plain


def test_no_many_to_many_hides_a_table_without_a_tenant():
    hidden = [
        f"{model._meta.label}.{field.name}"
        for model in tenant_owned_models()
        for field in model._meta.local_many_to_many
        if field.remote_field.through._meta.auto_created
    ]
    assert hidden == []


@pytest.mark.django_db
def test_the_serving_role_is_weak():
    flags = sql(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = current_user"
    )
    assert flags == [(False, False, False, False, False)]
    assert sql("SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relowner = current_user::regrole") == [
        (0,)
    ]
    truncatable = sql(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'TRUNCATE')"
    )
    assert truncatable == []
    refuse_unsafe_role(connection)  # as it stands, it may serve


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE accounts_role DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE accounts_role NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant_isolation ON accounts_role",
        "TRUNCATE accounts_role",
        "SET ROLE postgres",
        "SET session_replication_role = replica",
        "CREATE TABLE public.mine (id int)",
        "DELETE FROM django_migrations",
    ],
)
def test_the_serving_role_cannot_lift_what_binds_it(tenant, statement):
    with pytest.raises((ProgrammingError, Exception), match=r"must be owner|permission denied"), transaction.atomic():
        sql(statement)


# --- Roles that must not serve ---


def as_superuser() -> psycopg.Connection:
    """The tests' own server has one beside the owner; elsewhere the owner must be one itself."""
    database = connection.settings_dict["NAME"]
    owner = psycopg.connect(settings.DATABASE_OWNER_URL, dbname=database, autocommit=True)
    if owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()[0]:
        return owner
    owner.close()
    return psycopg.connect(settings.DATABASE_OWNER_URL, dbname=database, user="postgres", autocommit=True)


@contextmanager
def as_role(attributes: str, *grants: str):
    """A psycopg connection of a role made for this test, by a superuser. `{role}` in a grant is its name."""
    name = f"unsafe_{uuid.uuid4().hex[:12]}"
    owner = as_superuser()
    try:
        owner.execute(f"CREATE ROLE {name} LOGIN {attributes}")
        for grant in grants:
            owner.execute(grant.format(role=name))
        owner.execute(f"GRANT USAGE ON SCHEMA public TO {name}")
        owner.execute(f"SET SESSION AUTHORIZATION {name}")
        yield owner
    finally:
        owner.execute("RESET SESSION AUTHORIZATION")
        owner.execute("DROP TABLE IF EXISTS public.made_by_test")
        owner.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER")
        owner.execute(f"DROP OWNED BY {name}")
        owner.execute(f"DROP ROLE {name}")
        owner.close()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("attributes", "grants", "why"),
    [
        ("SUPERUSER", (), "a superuser"),
        ("BYPASSRLS", (), "free of row-level security"),
        (
            "",
            ("CREATE TABLE public.made_by_test (id int)", "ALTER TABLE public.made_by_test OWNER TO {role}"),
            "owns the table",
        ),
        ("", ("GRANT TRUNCATE ON ledger_entry TO {role}",), "may TRUNCATE the ledger"),
    ],
)
def test_a_role_that_could_step_past_the_policies_may_not_serve(attributes, grants, why):
    with as_role(attributes, *grants) as unsafe, pytest.raises(UnsafeServingRole, match=why):
        refuse_unsafe_role(unsafe)


@pytest.mark.django_db
def test_a_member_of_the_owners_role_may_not_serve_either():
    """Whoever may become the owner can lift the policies."""
    owner = sql("SELECT tableowner FROM pg_tables WHERE tablename = 'accounts_role'")[0][0]
    with as_role("", f"GRANT {owner} TO {{role}}") as unsafe, pytest.raises(UnsafeServingRole, match="owns the table"):
        refuse_unsafe_role(unsafe)


@pytest.mark.django_db
def test_an_ordinary_role_may_serve():
    with as_role("") as ordinary:
        refuse_unsafe_role(ordinary)
