"""The two roles: one owns and migrates, the other serves and can do no more than its policies allow."""

import contextlib
import hashlib
import hmac
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

MAKING = 7_265_746_811  # of the advisory lock under which a role is made


class UnsafeServingRole(RuntimeError):
    """The role that would serve requests could step past row-level security."""


def serving_url(owner_url: str, secret: str) -> str:
    """The address of the serving role where only the owner's address is given.

    The role is named after the database, its password derived from the secret key: no second secret to keep.
    """
    parts = urlsplit(owner_url)
    database = unquote(parts.path.lstrip("/"))
    role = f"{database}_app"[:63]
    password = hmac.new(secret.encode(), f"serving role of {database}".encode(), hashlib.sha256).hexdigest()
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role, safe='')}:{password}@{host}"))


def ensure_serving_role(owner: Any, role: str, password: str | None) -> None:
    """Make the serving role, or bring it into the shape it must have. `owner` is a psycopg connection in autocommit."""
    owner.execute(
        "SELECT pg_advisory_lock(%s)", [MAKING]
    )  # two starts at once would update the same rows of the catalogue
    try:
        _ensure(owner, role, password)
    finally:
        owner.execute("SELECT pg_advisory_unlock(%s)", [MAKING])


def _ensure(owner: Any, role: str, password: str | None) -> None:
    name = sql.Identifier(role)
    exists = owner.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None
    if not exists:
        # Another start may have made it a moment ago.
        with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    flags = owner.execute(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = %s", [role]
    ).fetchone()
    if any(flags):
        owner.execute(sql.SQL("ALTER ROLE {} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(name))
    if password and not exists:
        owner.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(password)))
    database = owner.execute("SELECT current_database()").fetchone()[0]
    owner.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), name))


def refuse_unsafe_role(connection: Any) -> None:
    """Raise `UnsafeServingRole` when the connection's role could step past the policies. Called before serving."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        role, is_super, bypasses = cursor.fetchone()
        if is_super or bypasses:
            raise UnsafeServingRole(
                f"DATABASE_URL logs in as {role}, which is {'a superuser' if is_super else 'free of row-level security'}."
                " Give a role of its own to serving, and the powerful one to DATABASE_OWNER_URL."
            )
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'"
            " WHERE c.relkind IN ('r', 'p') AND pg_has_role(current_user, c.relowner, 'USAGE') LIMIT 1"
        )
        owned = cursor.fetchone()
        if owned:
            raise UnsafeServingRole(
                f"DATABASE_URL logs in as {role}, which owns the table {owned[0]}; an owner can lift its policies."
            )
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'"
            " WHERE c.relname LIKE 'ledger%' AND c.relkind IN ('r', 'p')"
            " AND has_table_privilege(current_user, c.oid, 'TRUNCATE') LIMIT 1"
        )
        if cursor.fetchone():
            raise UnsafeServingRole(f"DATABASE_URL logs in as {role}, which may TRUNCATE the ledger.")
