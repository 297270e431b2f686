"""Collecting and compiling the texts that people read, in plain Python: no gettext tools are needed anywhere.

The theme of the back-office speaks no Arabic: its words are collected and translated with our own.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import unfold
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
LEFT_OUT = {".venv", "venv", "var", "node_modules", "tests", "migrations", ".git", "benchmarks", "scripts"}


def sources(root: Path) -> Iterator[Path]:
    """Every file below the root whose texts people read: Python and templates, without tests and migrations."""
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if LEFT_OUT.intersection(relative.parts[:-1]) or not path.is_file():
            continue
        if path.suffix == ".py" or ("templates" in relative.parts and path.suffix in {".html", ".txt"}):
            yield path


def collect(root: Path) -> Catalog:
    """A catalogue of all messages that the sources below the root ask for, each with the files it stands in."""
    found = _empty()
    for path in sources(root):
        _collect_file(found, path, path.relative_to(root).as_posix())
    return found


def collect_theme() -> Catalog:
    """The messages of the installed parts of the theme that Django itself has no Arabic for."""
    found, package = _empty(), Path(unfold.__file__).parent
    parts = {name.removeprefix("unfold.contrib.") for name in settings.INSTALLED_APPS if name.startswith("unfold.")}
    for path in sources(package):
        where = path.relative_to(package)
        if where.parts[0] != "contrib" or where.parts[1] in parts:
            _collect_file(found, path, f"unfold/{where.as_posix()}")
    for known in _known_to_django():
        found.delete(known)
    return found


def _known_to_django() -> Iterator[str]:
    root = Path(django.__file__).parent
    for path in [
        *root.glob("conf/locale/ar/LC_MESSAGES/*.mo"),
        *root.glob("contrib/*/locale/ar/LC_MESSAGES/django.mo"),
    ]:
        with path.open("rb") as reading:
            yield from (message.id if isinstance(message.id, str) else message.id[0] for message in read_mo(reading))


def _collect_file(found: Catalog, path: Path, where: str) -> None:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # What stands between the tags keeps its indentation, which Python's tokenizer would take for blocks.
        text = "\n".join(line.lstrip() for line in templatize(text).splitlines())
    for _line, message, _comments, context in extract("python", io.BytesIO(text.encode()), KEYWORDS):
        # Without line numbers: a moved line is no change for the translator.
        found.add(message, locations=[(where, None)], context=context)  # type: ignore[list-item]


def _empty() -> Catalog:
    return Catalog(
        locale="ar",
        domain="django",
        project="Rihla",
        copyright_holder="Rihla",
        header_comment="# What people read in Rihla, in Arabic. `manage.py collect_translations` keeps the list of messages.",
        fuzzy=False,
    )


def update(catalogue_path: Path, root: Path) -> Catalog:
    """Bring the `.po` up to what the sources ask for: keeps translations, adds what is new, drops what is gone."""
    known = read(catalogue_path) if catalogue_path.exists() else _empty()
    wanted = collect(root)
    for message in collect_theme():
        if message.id:
            wanted.add(message.id, locations=message.locations, context=message.context)
    known.update(wanted, no_fuzzy_matching=True)
    known.obsolete.clear()
    with catalogue_path.open("wb") as writing:
        write_po(writing, known, width=120, sort_output=True, omit_header=False, include_lineno=False)
    return known


def read(catalogue_path: Path) -> Catalog:
    """The catalogue in a `.po` file."""
    with catalogue_path.open("rb") as reading:
        return read_po(reading, locale="ar", domain="django")


def untranslated(catalogue: Catalog) -> list[str]:
    """Messages without a translation, or with one that somebody must look at again."""
    missing = []
    for message in catalogue:
        if not message.id:
            continue
        texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.fuzzy or not all(texts):
            missing.append(message.id if isinstance(message.id, str) else message.id[0])
    return missing


def compile_changed(folder: Path) -> list[Path]:
    """Write each `.mo` that is older than its `.po` below the folder; returns those written."""
    written = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        partial = target.with_suffix(".mo.new")
        with partial.open("wb") as writing:
            write_mo(writing, read(source))
        partial.replace(target)
        written.append(target)
    return written
