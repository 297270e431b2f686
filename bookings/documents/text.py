"""Text in a PDF: wrapped in the order it is read, then joined and turned for the eye.

PDF draws glyphs from left to right as they are given. So a paragraph is broken into lines first, in logical order, each line
measured as it will look; only then are Arabic letters joined and the line put into visual order (the other way round,
the words of a wrapped paragraph would come out in the wrong lines).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby

import arabic_reshaper
from bidi import get_display
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

ARABIC = re.compile(r"[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff]")
STRONG = re.compile(r"[A-Za-zÀ-ɏ]|(?P<arabic>[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff])")
INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
MIRRORED = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")
BRACKET = r"[()\[\]{}<>«»‹›]"
# Stands after a bracket in the order of reading; it takes the bracket's direction and has no glyph.
MARK = "\u034f"
TURNED = re.compile(f"{MARK}({BRACKET})|({BRACKET}){MARK}")


@dataclass(frozen=True)
class Face:
    """A weight: one font for Arabic and all that Latin-1 lacks, one for what Latin letters are set in."""

    arabic: str
    latin: str


REGULAR = Face("Amiri", "Helvetica")
BOLD = Face("Amiri-Bold", "Helvetica-Bold")


# Amiri's letters are small for their size beside Helvetica's.
ARABIC_SCALE = 1.2


def size_in(font: str, size: float) -> float:
    """At which size a font looks as large as Latin letters at `size`."""
    return size * ARABIC_SCALE if font in (REGULAR.arabic, BOLD.arabic) else size


def run_width(part: str, font: str, size: float) -> float:
    """How wide a run will be, in points."""
    return float(pdfmetrics.stringWidth(part, font, size_in(font, size)))


@cache
def register_fonts() -> None:
    """Once per process."""
    folder = files("fontpkg_amiri") / "files"
    for face, file in ((REGULAR, "Amiri-Regular.ttf"), (BOLD, "Amiri-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(face.arabic, str(folder / file)))


def ltr(text: str) -> str:
    """The text kept from left to right whatever surrounds it: references, telephone numbers, times."""
    return f"\u2066{text}\u2069"


def apart(text: str) -> str:
    """The text in its own direction, whatever surrounds it: names in a list."""
    return f"\u2068{text}\u2069"


def is_rtl(text: str, otherwise: bool) -> bool:
    """The direction of its first letter that has one."""
    found = STRONG.search(text)
    return found.group("arabic") is not None if found else otherwise


def joined(text: str) -> str:
    """Arabic letters in the forms they take beside each other; everything else as it is."""
    return str(arabic_reshaper.reshape(text)) if ARABIC.search(text) else text


def visual(line: str, *, rtl: bool) -> str:
    """A line as its glyphs stand from left to right.

    `get_display` puts brackets where they belong and leaves them as they were: those that are read from right to left, which
    is where the mark came out before its bracket, are turned round here.
    """
    marked = re.sub(f"({BRACKET})", rf"\1{MARK}", joined(line.replace(MARK, "")))
    shown = str(get_display(marked, base_dir="R" if rtl else "L"))
    shown = TURNED.sub(lambda found: found[1].translate(MIRRORED) if found[1] else found[2], shown)
    return INVISIBLE.sub("", shown)


def runs(shown: str, face: Face) -> list[tuple[str, str]]:
    """A visual line cut into (font, text), from left to right."""
    return [(font, "".join(letters)) for font, letters in groupby(shown, key=lambda letter: _font_of(letter, face))]


def _font_of(letter: str, face: Face) -> str:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return face.arabic
    return face.latin


def width_of(text: str, face: Face, size: float) -> float:
    """How wide a line will be, in points."""
    shown = INVISIBLE.sub("", joined(text))
    return sum(run_width(part, font, size) for font, part in runs(shown, face))


def wrap(text: str, face: Face, size: float, width: float) -> list[str]:
    """The lines of a text that fit the width, in logical order. Words wider than a line are broken."""
    lines: list[str] = []
    for paragraph in CONTROL.sub(" ", text).splitlines():
        lines += _wrap_paragraph(paragraph, face, size, width)
    return lines


def _wrap_paragraph(paragraph: str, face: Face, size: float, width: float) -> Iterator[str]:
    line = ""
    for word in paragraph.split():
        longer = f"{line} {word}" if line else word
        if width_of(longer, face, size) <= width:
            line = longer
            continue
        if line:
            yield line
        *broken, line = _break_word(word, face, size, width)
        yield from broken
    if line:
        yield line


def _break_word(word: str, face: Face, size: float, width: float) -> list[str]:
    parts, part = [], ""
    for letter in word:
        if part and width_of(part + letter, face, size) > width:
            parts.append(part)
            part = ""
        part += letter
    return [*parts, part]
