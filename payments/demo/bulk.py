"""Writing many rows at once: one statement for each table, columns as arrays.

The rows are model instances, so that whatever a model sets by default is set here too. Policies, constraints and triggers
hold as for any other insert; only Django's signals and `save` are passed by, of which no rule of ours makes use.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import Field, JSONField, Model
from django.db.models.expressions import DatabaseDefault
from django.utils.encoding import force_str

ROWS_AT_ONCE = 4000
TEXTS = {"CharField", "TextField", "SlugField", "EmailField", "FileField", "URLField"}


def insert(rows: Iterable[Model]) -> int:
    """Insert the rows, by model in the order in which each model first comes; returns how many. Ids must be set."""
    return _insert_all(rows, "")


def insert_missing(rows: Iterable[Model]) -> int:
    """The same, but rows whose id is there already stay as they are. Returns how many were given."""
    return _insert_all(rows, " ON CONFLICT (id) DO NOTHING")


def _insert_all(rows: Iterable[Model], ending: str) -> int:
    by_model: dict[type[Model], list[Model]] = {}
    for row in rows:
        by_model.setdefault(type(row), []).append(row)
    for model, found in by_model.items():
        for start in range(0, len(found), ROWS_AT_ONCE):
            _insert(model, found[start : start + ROWS_AT_ONCE], ending)
    return sum(len(found) for found in by_model.values())


def _insert(model: type[Model], rows: Sequence[Model], ending: str) -> None:
    # What the database sets by itself is left to it.
    fields = [
        field
        for field in model._meta.local_concrete_fields
        if not isinstance(getattr(rows[0], field.attname), DatabaseDefault)
    ]
    quote = connection.ops.quote_name
    names = [quote(field.column) for field in fields]  # type: ignore[arg-type]
    columns = ", ".join(names)
    values = ", ".join(_value(field, name) for field, name in zip(fields, names, strict=True))
    arrays = ", ".join(f"%s::{_type(field)}[]" for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(model._meta.db_table)} ({columns})"
            f" SELECT {values} FROM unnest({arrays}) AS given ({columns}){ending}",
            [_column(field, rows) for field in fields],
        )


def _value(field: Field, name: str) -> str:
    """A row's value out of its column: `unnest` would flatten lists, so they come as JSON."""
    if not isinstance(field, ArrayField):
        return name
    return f"ARRAY(SELECT jsonb_array_elements_text({name}))::{field.db_type(connection)}"


def _type(field: Field) -> str:
    if isinstance(field, ArrayField):
        return "jsonb"
    kind = field.rel_db_type(connection) if field.remote_field else field.db_type(connection)
    return str(kind).partition("(")[0] if str(kind).startswith(("varchar", "numeric")) else str(kind)


def _column(field: Field, rows: Sequence[Model]) -> list[Any]:
    values = [getattr(row, field.attname) for row in rows]
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        # Stories say when it was; who does not gets the present, as `save` would give.
        return [field.pre_save(row, True) if value is None else value for row, value in zip(rows, values, strict=True)]
    if isinstance(field, JSONField | ArrayField):
        return [None if value is None else orjson.dumps(value, default=force_str).decode() for value in values]
    if field.get_internal_type() in TEXTS:
        # Choices, phone numbers and files are texts with manners.
        return [None if value is None else str(value) for value in values]
    return values
