"""Rows that the ORM would write one by one, written by one statement with data-modifying CTEs.

A row travels as JSON and PostgreSQL makes it of the table's own type, so that a column added to a model is written without a
change here.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

import orjson
from django.db.models import Model
from django.utils.encoding import force_str


def inserting(model: type[Model], parameter: str, source: str, *, many: bool = False) -> str:
    """`INSERT` of the row (or with `many`, the rows) in the named parameter, where `source` has a row of the same tenant."""
    table = f'"{model._meta.db_table}"'
    make = "json_populate_recordset" if many else "json_populate_record"
    return (
        f"INSERT INTO {table} SELECT made.* FROM {source},"
        f" {make}(NULL::{table}, %({parameter})s::json) made WHERE made.tenant_id = {source}.tenant_id"
    )


def as_row(row: Model) -> str:
    """An unsaved model's columns as JSON, for `inserting`. Values must be of their field's own type."""
    return orjson.dumps(_columns(row), default=force_str).decode()


def as_rows(rows: Iterable[Model]) -> str:
    """The same of several of one model, for `inserting(…, many=True)`."""
    return orjson.dumps([_columns(row) for row in rows], default=force_str).decode()


def _columns(row: Model) -> dict[str, Any]:
    stamped, columns = _fields(type(row))
    for field in stamped:
        field.pre_save(row, add=True)
    values = row.__dict__
    return {column: values[name] for column, name in columns}


@cache
def _fields(model: type[Model]) -> tuple[list[Any], list[tuple[str, str]]]:
    """Those that fill themselves when a row is made, and the column and attribute of each."""
    fields = model._meta.local_concrete_fields
    stamped = [field for field in fields if getattr(field, "auto_now_add", False) or getattr(field, "auto_now", False)]
    return stamped, [(str(field.column), field.attname) for field in fields]
