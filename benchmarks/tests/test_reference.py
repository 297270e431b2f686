"""The service that Rihla is compared with writes our tables: a column that it does not know must not stop the comparison unseen.

FastAPI and SQLAlchemy are no requirement of the tests, hence its source is read.
"""

import ast
from pathlib import Path

import pytest

from bookings.models import Booking, Hold

SOURCE = Path(__file__).resolve().parents[1] / "reference.py"


def columns_of(name: str) -> set[str]:
    tree = ast.parse(SOURCE.read_text())
    made = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    return {
        node.target.id for node in made.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


@pytest.mark.parametrize("model", [Booking, Hold])
def test_the_reference_fills_whatever_must_be_filled(model):
    needed = {
        str(field.column)
        for field in model._meta.local_concrete_fields
        if not field.null and not field.has_db_default() and not field.generated
    }
    assert needed <= columns_of(model.__name__)
