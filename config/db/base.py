"""PostgreSQL with the tenant on each connection.

A pooled connection outlives the request and keeps what the last one set, so the raw connection carries a note of the tenant
it was told, and is told again whenever the note differs from `current_tenant`. A rollback takes `set_config` back, so after
one the note is unknown.
"""

from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from config.db import limits
from config.db.pool import Pool
from config.db.statements import watch_statement
from config.tenancy import current_tenant

UNKNOWN = object()


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(watch_statement)

    @property
    def pool(self) -> Any:
        """The pool of this database in this process, as Django keeps it, but of our kind; None where it has none."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        pools: dict[str, Pool] = self._connection_pools  # type: ignore[attr-defined]
        if self.alias not in pools:
            parameters = {**self.get_connection_params(), "autocommit": True}
            configure = self._configure_connection  # type: ignore[attr-defined]
            made = Pool(kwargs=parameters, open=False, configure=configure, **options)
            pools.setdefault(self.alias, made)  # of two threads at once, the first one's counts
        return pools[self.alias]

    def _configure_connection(self, connection: Any) -> bool:
        limits.bind(connection)
        return bool(super()._configure_connection(connection))  # type: ignore[misc]

    def create_cursor(self, name: str | None = None) -> Any:
        wanted = current_tenant.get()
        if getattr(self.connection, "tenant", None) != wanted:
            self._tell_tenant(wanted)
        return super().create_cursor(name)

    def _tell_tenant(self, tenant: Any) -> None:
        if self.connection.info.transaction_status == TransactionStatus.INERROR:
            return  # only a rollback can come now, and the note stays different, so the next cursor tells it
        with self.wrap_database_errors:
            self.connection.execute("SELECT set_config('app.tenant_id', %s, false)", [str(tenant or "")])
        self.connection.tenant = tenant

    def _rollback(self) -> Any:
        if self.connection is not None:
            self.connection.tenant = UNKNOWN
        return super()._rollback()

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)
        self.connection.tenant = UNKNOWN

    def _close(self) -> Any:
        if self.connection is not None and self.connection.info.transaction_status != TransactionStatus.IDLE:
            self.connection.tenant = UNKNOWN  # the pool will roll back what was left open
        return super()._close()
