"""Several counts in one statement: a page that shows many of them asks once."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet


def counts(*wanted: QuerySet[Any]) -> list[int]:
    """How many rows each has, in the order given."""
    parts: list[str] = []
    parameters: list[Any] = []
    for place, rows in enumerate(wanted):
        statement, values = rows.order_by().values("pk").query.sql_with_params()
        parts.append(f"(SELECT count(*) FROM ({statement}) AS rows_{place})")
        parameters.extend(values)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", parameters)
        return list(cursor.fetchone() or ())
