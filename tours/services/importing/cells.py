"""Cells that several tables have: None where what is written is none of what it should be."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from tours.services.importing.frame import FALSE, TRUE, whole


def several(read: Callable[[str], Any]) -> Callable[[str], list[Any] | None]:
    """Values with spaces between; None where one of them is none."""

    def read_all(written: str) -> list[Any] | None:
        found = [read(part) for part in written.split()]
        return None if None in found else found

    return read_all


def one_of(values: Collection[str]) -> Callable[[str], str | None]:
    """One of these, in letters of either size."""

    def read(written: str) -> str | None:
        return written.upper() if written.upper() in values else None

    return read


def weekday(written: str) -> int | None:
    day = whole(written)
    return day if day is not None and 1 <= day <= 7 else None


def whole_or_less(written: str) -> int | None:
    """A whole number, which may stand below zero."""
    value = whole(written.removeprefix("-"))
    return -value if value is not None and written.startswith("-") else value


def truth(written: str) -> bool | None:
    return written.lower() in TRUE if written.lower() in (*TRUE, *FALSE) else None


def identity(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None
