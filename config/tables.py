"""Tables that people open in Excel: written so that Arabic and sums arrive right and no cell runs, read with patience.

CSV is UTF-8 with a mark at its beginning (without it Excel takes Arabic for something else). A text that a spreadsheet would
run as a formula is written behind an apostrophe, which reading takes off again.
"""

import csv
import io
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from config.errors import DomainError

MOST_ROWS = 200_000
MOST_BYTES = 11 * 1024 * 1024
MOST_UNPACKED = 200 * 1024 * 1024
MOST_COLUMNS = 100
LONGEST_CELL = 20_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Row = dict[str, str]


class TableUnreadable(DomainError):
    code = "table_unreadable"
    status = 400
    message = gettext_lazy("The file cannot be read: {why}")


def harmless(value: Any) -> Any:
    """The value as a cell: numbers as they are, texts so that no spreadsheet runs them."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float | Decimal):
        return value
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, time):
        return value.isoformat("minutes")
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def csv_lines(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The table as CSV, piece by piece."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    yield b"\xef\xbb\xbf"
    for row in _with_header(headers, rows):
        writer.writerow([harmless(value) for value in row])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def _with_header(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    yield headers
    yield from rows


def xlsx_file(title: str, headers: Sequence[str], rows: Iterable[Sequence[Any]], *, right_to_left: bool) -> bytes:
    """The table as a workbook of one sheet."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.sheet_view.rightToLeft = right_to_left
    sheet.freeze_panes = "A2"
    for row in _with_header(headers, rows):
        sheet.append([harmless(value) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def read_table(content: bytes) -> list[tuple[int, Row]]:
    """`read_rows`, all of them."""
    return list(read_rows(content))


def read_rows(content: bytes) -> Iterator[tuple[int, Row]]:
    """The rows of a CSV or XLSX file with the line each stands in, by the names of the first line; empty lines left out.

    They come one by one, so that a long table is never held as a whole. Names are lower case; values are texts without
    spaces around them. Raises `TableUnreadable`, also after some rows.
    """
    if len(content) > MOST_BYTES:
        raise TableUnreadable(why=_("it is larger than {most} MB.").format(most=MOST_BYTES // 1024 // 1024))
    lines = _xlsx_lines(content) if content[:2] == b"PK" else _csv_lines(content)
    names: list[str] = []
    found = 0
    for number, line in enumerate(lines, start=1):
        cells = [_cell(value) for value in line[:MOST_COLUMNS]]
        if not any(cells):
            continue
        if not names:
            names = [sys.intern(cell.lower().replace(" ", "_")) for cell in cells]
            _refuse_names(names)
            continue
        if found == MOST_ROWS:
            raise TableUnreadable(why=_("it has more than {most} rows.").format(most=MOST_ROWS))
        found += 1
        yield number, {name: cell for name, cell in zip(names, cells, strict=False) if name}
    if not names:
        raise TableUnreadable(why=_("it is empty."))


def _refuse_names(names: list[str]) -> None:
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise TableUnreadable(why=_("the column {name} stands there twice.").format(name=twice[0][:40]))


def _csv_lines(content: bytes) -> Iterator[Sequence[Any]]:
    first = content.partition(b"\n")[0]
    delimiter = max(",;\t", key=lambda one: first.count(one.encode()))
    try:
        with io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="") as text:
            yield from csv.reader(text, delimiter=delimiter, strict=True)
    except UnicodeDecodeError as fault:
        raise TableUnreadable(why=_("it is not UTF-8. In Excel, save it as “CSV UTF-8”.")) from fault
    except csv.Error as fault:
        raise TableUnreadable(why=str(fault)) from fault


def _xlsx_lines(content: bytes) -> Iterator[Sequence[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED:
                raise TableUnreadable(why=_("it is too large unpacked."))
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as fault:
        raise TableUnreadable(why=_("it is no workbook.")) from fault
    if not book.worksheets:
        raise TableUnreadable(why=_("it has no sheet."))
    yield from book.worksheets[0].iter_rows(values_only=True)


def _cell(value: Any) -> str:
    """What stands in a cell, as text; dates and whole numbers as people write them."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("minutes")
        case float() if value.is_integer():
            return str(int(value))
    text = str(value).replace("\x00", "").strip()
    if len(text) > LONGEST_CELL:
        raise TableUnreadable(why=_("a cell has more than {most} letters.").format(most=LONGEST_CELL))
    return text[1:] if text.startswith("'") and text[1:2] in FORMULA_STARTS else text
