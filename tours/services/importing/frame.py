"""What every table that is brought in has in common: its faults, its sample, and going through it piece by piece.

A row that says what is so already is left alone, so that a table that was exported, changed in a few places and brought
back touches those places only. A table is never held as a whole: a reader takes some rows at a time.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, time
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, Protocol

from django.utils.dateparse import parse_date, parse_time
from django.utils.translation import gettext as _

from config.errors import DomainError
from config.tables import Row

AT_ONCE = 1000  # rows
MOST_FAULTS = 200  # that are named; the others are counted
MOST_SAMPLES = 20
LONGEST_VALUE = 60
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0", "")

Line = tuple[int, Row]
Told = Callable[[int], None]


@dataclass(frozen=True)
class Fault:
    """What is wrong in a line of the file, and what stands there; `column` may be empty."""

    line: int
    column: str
    sentence: str
    value: str = ""


@dataclass(frozen=True)
class Sample:
    """What a good row would do: `changes` are columns with what stood and what will stand; a new row has none."""

    line: int
    name: str
    is_new: bool
    changes: list[tuple[str, str, str]]


@dataclass
class Outcome:
    """What came, or would come, of a table."""

    rows: int = 0
    added: int = 0
    changed: int = 0
    same: int = 0
    faulty: int = 0
    faults: list[Fault] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._faulty_lines: set[int] = set()

    def refuse(self, line: int, column: str, sentence: Any) -> None:
        if line not in self._faulty_lines:
            self._faulty_lines.add(line)
            self.faulty += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(line, column, str(sentence)))

    def refuse_for(self, line: int, refusal: DomainError) -> None:
        """The fields a service names, else its sentence."""
        named = [(name, one) for name, found in refusal.details.items() if isinstance(found, list) for one in found]
        for name, sentence in named or [("", str(refusal))]:
            self.refuse(line, name, sentence)

    def is_faulty(self, line: int) -> bool:
        return line in self._faulty_lines

    def take(self, line: int, name: str, *, is_new: bool, changes: Iterable[tuple[str, Any, Any]] = ()) -> None:
        """Count a good row that makes a difference, and show the first of them."""
        if is_new:
            self.added += 1
        else:
            self.changed += 1
        if len(self.samples) < MOST_SAMPLES:
            told = [(column, _short(old), _short(new)) for column, old, new in changes]
            self.samples.append(Sample(line, name[:200], is_new, told))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Reader(Protocol):
    """Goes through the rows of one kind. `take` looks at some rows, and writes those that are good where it is for good."""

    @property
    def columns(self) -> Sequence[str]: ...

    @property
    def needed(self) -> Collection[str]: ...

    def take(self, rows: Sequence[Line]) -> None: ...

    def finish(self) -> None: ...


def go_through(reader: Reader, rows: Iterable[Line], outcome: Outcome, told: Told | None = None) -> None:
    """Hand the rows to the reader some at a time; `told` hears how far it is."""
    lines = iter(rows)
    some = list(islice(lines, AT_ONCE))
    if not _has_columns(some, reader, outcome):
        return
    while some:
        known = len(outcome.faults)
        reader.take(some)
        _name_values(outcome, known, dict(some))
        outcome.rows += len(some)
        if told is not None:
            told(outcome.rows)
        some = list(islice(lines, AT_ONCE))
    reader.finish()
    for told_in_order in (outcome.faults, outcome.samples):  # as they stand in the file, not as they were looked at
        told_in_order.sort(key=lambda one: one.line)


def _name_values(outcome: Outcome, first: int, rows: dict[int, Row]) -> None:
    """Put to each new fault what stands in its cell."""
    for place in range(first, len(outcome.faults)):
        fault = outcome.faults[place]
        value = rows.get(fault.line, {}).get(fault.column, "")
        outcome.faults[place] = Fault(fault.line, fault.column, fault.sentence, _short(value))


def _has_columns(rows: Sequence[Line], reader: Reader, outcome: Outcome) -> bool:
    names = set(rows[0][1]) if rows else set()
    if not rows:
        outcome.refuse(1, "", _("There is no row below the names of the columns."))
    for name in sorted(set(reader.needed) - names) if rows else ():
        outcome.refuse(1, name, _("This column is missing."))
    for name in sorted(names - set(reader.columns)):
        outcome.refuse(1, name, _("There is no such column."))
    return not outcome.faults


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


# --- Cells ---


def whole(written: str) -> int | None:
    return int(written) if written.isdecimal() and len(written) <= 9 else None


def day_of(written: str) -> date | None:
    try:
        return parse_date(written)
    except ValueError:
        return None


def clock_of(written: str) -> time | None:
    try:
        return parse_time(written)
    except ValueError:
        return None


def amount_of(written: str) -> Decimal | None:
    """An amount with a point and without thousands: 1250.50."""
    try:
        amount = Decimal(written)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < Decimal(10) ** 11 else None


def pieces(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for first in range(0, len(rows), size):
        yield rows[first : first + size]
