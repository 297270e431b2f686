"""Writing many rows at once: one statement for each table, columns as arrays.

The rows are model instances, so that whatever a model sets by default is set here too. Policies, constraints and triggers
hold as for any other insert; only Django's signals and `save` are passed by, of which no rule of ours makes use.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from django.db import connection
from django.db.models import Field, JSONField, Model
from django.db.models.expressions import DatabaseDefault
from django.utils.encoding import force_str

ROWS_AT_ONCE = 4000
TEXTS = {"CharField", "TextField", "SlugField", "EmailField", "FileField", "URLField"}


def insert(rows: Iterable[Model]) -> int:
    """Insert the rows, by model in the order in which each model first comes; returns how many. Ids must be set."""
    by_model: dict[type[Model], list[Model]] = {}
    for row in rows:
        by_model.setdefault(type(row), []).append(row)
    for model, found in by_model.items():
        for start in range(0, len(found), ROWS_AT_ONCE):
            _insert(model, found[start : start + ROWS_AT_ONCE])
    return sum(len(found) for found in by_model.values())


def _insert(model: type[Model], rows: Sequence[Model]) -> None:
    # What the database sets by itself is left to it.
    fields = [
        field
        for field in model._meta.local_concrete_fields
        if not isinstance(getattr(rows[0], field.attname), DatabaseDefault)
    ]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)  # type: ignore[arg-type]
    arrays = ", ".join(f"%s::{_type(field)}[]" for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(model._meta.db_table)} ({columns}) SELECT * FROM unnest({arrays})",
            [_column(field, rows) for field in fields],
        )


def _type(field: Field) -> str:
    kind = field.rel_db_type(connection) if field.remote_field else field.db_type(connection)
    return str(kind).partition("(")[0] if str(kind).startswith(("varchar", "numeric")) else str(kind)


def _column(field: Field, rows: Sequence[Model]) -> list[Any]:
    values = [getattr(row, field.attname) for row in rows]
    if isinstance(field, JSONField):
        return [None if value is None else orjson.dumps(value, default=force_str).decode() for value in values]
    if field.get_internal_type() in TEXTS:
        # Choices, phone numbers and files are texts with manners.
        return [None if value is None else str(value) for value in values]
    return values
