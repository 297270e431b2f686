"""Row-level security: every `TenantOwned` table gets its policy, and references between such tables compare tenants.

Run by the owner after each `migrate` (idempotent), so that no new table can be forgotten; a test sweeps the catalogue.
"""

from typing import Any

from django.apps import apps
from django.db import models

from config.models import TenantForeignKey, TenantOneToOneField, TenantOwned

POLICY = "tenant_isolation"

# The subselect is computed once per statement; a call in the policy itself would be made for each row.
RULE = "tenant_id = (SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)"


def tenant_owned_models() -> list[type[models.Model]]:
    """All managed models whose rows belong to a tenant, in the order of their tables' names."""
    found = [m for m in apps.get_models(include_auto_created=True) if issubclass(m, TenantOwned) and m._meta.managed]
    return sorted(found, key=lambda m: m._meta.db_table)


def secure_tables(connection: Any, serving_role: str | None) -> None:
    """Bring policies, composite references and grants up to date.

    `serving_role` is the role that serves requests; None when the owner is all there is (then only policies are made).
    """
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        owned = [m for m in tenant_owned_models() if m._meta.db_table in tables]
        for model in owned:
            _isolate(cursor, connection.ops.quote_name, model._meta.db_table)
        for model in owned:
            _bind_references(cursor, connection.ops.quote_name, model, tables)
            _drop_implied(cursor, connection.ops.quote_name, model, tables)
        if serving_role:
            _grant(cursor, connection.ops.quote_name, serving_role)


def _isolate(cursor: Any, quote: Any, table: str) -> None:
    cursor.execute(
        "SELECT c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)"
        " FROM pg_class c WHERE c.oid = %s::text::regclass",
        [quote(table)],
    )
    if cursor.fetchone()[0]:
        return
    cursor.execute(f"ALTER TABLE {quote(table)} ENABLE ROW LEVEL SECURITY")
    cursor.execute(f"ALTER TABLE {quote(table)} FORCE ROW LEVEL SECURITY")
    cursor.execute(f"DROP POLICY IF EXISTS {POLICY} ON {quote(table)}")
    cursor.execute(f"CREATE POLICY {POLICY} ON {quote(table)} USING ({RULE}) WITH CHECK ({RULE})")


def _bind_references(cursor: Any, quote: Any, model: type[models.Model], tables: set[str]) -> None:
    for field in model._meta.local_fields:
        if not isinstance(field, TenantForeignKey | TenantOneToOneField):
            continue
        target = field.related_model._meta.db_table  # type: ignore[union-attr]
        if target not in tables:
            continue
        _constrain(cursor, quote, target, f"{target}_id_tenant"[:63], "UNIQUE (id, tenant_id)")
        name = f"{model._meta.db_table}_{field.column}_tenant"[:63]
        columns = f"{quote(field.column)}, tenant_id"
        _constrain(
            cursor,
            quote,
            model._meta.db_table,
            name,
            f"FOREIGN KEY ({columns}) REFERENCES {quote(target)} (id, tenant_id) DEFERRABLE INITIALLY DEFERRED",
        )


def _drop_implied(cursor: Any, quote: Any, model: type[models.Model], tables: set[str]) -> None:
    """Where a row must point to another row of its tenant, that one vouches for the tenant.

    The plain reference beside it would be checked again for each row written, and each time lock the tenant's one row, which
    all who write share (`docs/performance.md`).
    """
    if not any(field.related_model._meta.db_table in tables for field in vouchers(model)):  # type: ignore[union-attr]
        return
    cursor.execute(
        "SELECT c.conname FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attname = 'tenant_id'"
        " WHERE c.contype = 'f' AND c.conrelid = %s::text::regclass AND c.conkey = ARRAY[a.attnum]",
        [quote(model._meta.db_table)],
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(name)}")


def vouchers(model: type[models.Model]) -> list[models.ForeignObject]:
    """The references of an owned table that each row has, to a row of another table that has the same tenant."""
    return [
        field
        for field in model._meta.local_fields
        if isinstance(field, TenantForeignKey | TenantOneToOneField)
        and not field.null
        and field.related_model is not model
    ]


def _constrain(cursor: Any, quote: Any, table: str, name: str, rule: str) -> None:
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_constraint WHERE conname = %s AND conrelid = %s::text::regclass)",
        [name, quote(table)],
    )
    if not cursor.fetchone()[0]:
        cursor.execute(f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(name)} {rule}")


def _grant(cursor: Any, quote: Any, role: str) -> None:
    """The serving role reads and writes rows; it owns nothing and may not truncate."""
    cursor.execute(f"GRANT USAGE ON SCHEMA public TO {quote(role)}")
    cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {quote(role)}")
    cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quote(role)}")
    cursor.execute(f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {quote(role)}")
