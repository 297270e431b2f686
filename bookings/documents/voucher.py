"""The voucher: one page (more for large parties) that a guest shows and a guide scans, in one language or in both."""

from dataclasses import dataclass
from io import BytesIO

import segno
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from bookings.access import voucher_link
from bookings.documents.facts import Fact, Facts, facts_of
from bookings.documents.text import (
    BOLD,
    REGULAR,
    Face,
    is_rtl,
    register_fonts,
    run_width,
    runs,
    size_in,
    visual,
    width_of,
    wrap,
)
from bookings.models import Booking
from config.tenancy import tenant_at_hand

WIDTH, HEIGHT = A4
MARGIN, GAP = 42.0, 26.0
BOTTOM = 66.0
DEEP, BRAND, INK, SOFT, LINE, PALE = (
    HexColor(code) for code in ("#1d4240", "#267a73", "#16302e", "#5b6f6d", "#d5e3e1", "#eff7f5")
)
BAND = 96.0
QR = 98.0
LABEL = 8.0
MOST_LINES = 30  # of one value on one page
KEPT = 2  # so many of the last facts stand on one page with the terms


@dataclass(frozen=True)
class _Density:
    """Size and leading of what the facts say, the space below each, and the same of the terms."""

    value: float
    leading: float
    gap: float
    small: float
    small_leading: float


ROOMY = _Density(11.0, 15.0, 9.0, 10.0, 14.0)
# What does not fit on one page is set closer, as far as it stays easy to read.
DENSITIES = (ROOMY, _Density(10.0, 13.5, 7.0, 9.0, 12.5), _Density(9.5, 12.5, 5.5, 8.5, 11.5))


def voucher_pdf(booking: Booking, language: str = "both") -> bytes:
    """The voucher as PDF; `language` is `en`, `ar` or `both`. The booking comes from `for_display()`.

    On one page where a closer setting makes that possible, else roomy on several.
    """
    register_fonts()
    tenant = tenant_at_hand()
    languages = ("en", "ar") if language == "both" else (language,)
    columns = [facts_of(booking, tenant, one) for one in languages]
    roomy, *closer = (_Voucher(booking, columns, density) for density in DENSITIES)
    drawn = roomy.draw()
    if roomy.page == 1:
        return drawn
    for voucher in closer:
        tried = voucher.draw()
        if voucher.page == 1:
            return tried
    return drawn


class _Voucher:
    """A canvas and where we are on it: `y` is the top of what comes next."""

    def __init__(self, booking: Booking, columns: list[Facts], density: _Density = ROOMY) -> None:
        self.booking, self.columns, self.density = booking, columns, density
        self.buffer = BytesIO()
        self.canvas = Canvas(self.buffer, pagesize=A4)
        self.canvas.setTitle(f"{columns[0].title} {booking.reference}")
        self.canvas.setAuthor(columns[0].operator)
        self.page = 1
        self.y = HEIGHT
        self.column_width = (WIDTH - 2 * MARGIN - GAP * (len(columns) - 1)) / len(columns)

    def draw(self) -> bytes:
        self.band()
        self.ticket()
        rows = [
            [facts.rows[row] if row < len(facts.rows) else Fact("", "") for facts in self.columns]
            for row in range(max(len(facts.rows) for facts in self.columns))
        ]
        terms = self.terms()
        for row in rows[:-KEPT]:
            self.row(row)
        self.make_room(sum(map(self.height_of, rows[-KEPT:])) + self.height_of_terms(terms))
        for row in rows[-KEPT:]:
            self.row(row)
        self.small_print(terms)
        self.footer()
        self.canvas.save()
        return self.buffer.getvalue()

    # --- The head ---

    def band(self) -> None:
        """Who sells and what this is, once a page."""
        canvas, top = self.canvas, HEIGHT
        canvas.setFillColor(DEEP)
        canvas.rect(0, top - BAND, WIDTH, BAND, stroke=0, fill=1)
        canvas.setFillColor(BRAND)
        path = canvas.beginPath()
        path.moveTo(0, top - BAND)
        path.curveTo(WIDTH * 0.3, top - BAND + 34, WIDTH * 0.62, top - BAND - 8, WIDTH, top - BAND + 26)
        path.lineTo(WIDTH, top - BAND)
        path.close()
        canvas.drawPath(path, stroke=0, fill=1)
        for place, facts in enumerate(self.columns):
            width = self.column_width
            name = _shortened(facts.operator, BOLD, 17, width)
            self.text(name, place, top - 42, BOLD, 17, HexColor("#ffffff"))
            self.text(facts.title, place, top - 62, REGULAR, 11.5, HexColor("#b4e4dd"))
        self.y = top - BAND - 18

    def ticket(self) -> None:
        """The card with the reference, the code to scan, and where the trip goes."""
        canvas, pad = self.canvas, 16.0
        inner = WIDTH - 2 * MARGIN - QR - 4 * pad
        headings = [wrap(facts.heading, BOLD, 16, inner) for facts in self.columns]
        half = inner / len(self.columns)
        scans = [wrap(facts.scan, REGULAR, 9.5, half) for facts in self.columns]
        text_height = 40 + sum(22 * len(lines) + 4 for lines in headings) + 13 * max(len(lines) for lines in scans)
        height = max(QR, text_height) + 2 * pad
        top = self.y
        canvas.setFillColor(PALE)
        canvas.setStrokeColor(LINE)
        canvas.roundRect(MARGIN, top - height, WIDTH - 2 * MARGIN, height, 12, stroke=1, fill=1)
        first = self.columns[0]
        left = MARGIN + pad if first.rtl else WIDTH - MARGIN - pad - QR
        self.code(left, top - pad - QR)
        tear = left + QR + pad / 2 if first.rtl else left - pad
        canvas.setStrokeColor(SOFT)
        canvas.setDash(1, 3)
        canvas.line(tear, top - 12, tear, top - height + 12)
        canvas.setDash()
        start = tear + pad if first.rtl else MARGIN + pad
        y = top - pad - 24
        self.span(self.booking.reference, start, inner, y, BOLD, 25, BRAND, rtl=first.rtl)
        y -= 28
        for facts, lines in zip(self.columns, headings, strict=True):
            for line in lines:
                self.span(line, start, inner, y, BOLD, 16, INK, rtl=facts.rtl)
                y -= 22
            y -= 4
        for place, (facts, lines) in enumerate(zip(self.columns, scans, strict=True)):
            for number, line in enumerate(lines):
                self.span(line, start + place * half, half, y + 6 - 13 * number, REGULAR, 9.5, SOFT, rtl=facts.rtl)
        self.y = top - height - 18

    def code(self, left: float, bottom: float) -> None:
        """The QR code, drawn module by module."""
        matrix = list(segno.make(voucher_link(self.booking), error="m", micro=False).matrix_iter(border=2))
        step = QR / len(matrix)
        self.canvas.setFillColor(HexColor("#ffffff"))
        self.canvas.roundRect(left, bottom, QR, QR, 6, stroke=0, fill=1)
        self.canvas.setFillColor(HexColor("#000000"))
        path = self.canvas.beginPath()
        for y, modules in enumerate(matrix):
            for x, dark in enumerate(modules):
                if dark:
                    path.rect(left + x * step, bottom + QR - (y + 1) * step, step, step)
        self.canvas.drawPath(path, stroke=0, fill=1)

    # --- The facts ---

    def height_of(self, cells: list[Fact]) -> float:
        """What a fact takes in all languages, at most what fits on a page."""
        lines = [len(wrap(fact.value, REGULAR, self.density.value, self.column_width)) for fact in cells]
        return LABEL + 4 + self.density.leading * min(MOST_LINES, max(lines)) + self.density.gap

    def row(self, cells: list[Fact]) -> None:
        """One fact, in each language beside the other; what is too long for a page goes on on the next."""
        size, leading = self.density.value, self.density.leading
        rest = [wrap(fact.value, REGULAR, size, self.column_width) for fact in cells]
        labels = [fact.label for fact in cells]
        directions = [
            is_rtl(fact.value, facts.rtl) if fact.is_free else facts.rtl
            for fact, facts in zip(cells, self.columns, strict=True)
        ]
        while any(rest):
            now, rest = [lines[:MOST_LINES] for lines in rest], [lines[MOST_LINES:] for lines in rest]
            height = LABEL + 4 + leading * max(len(lines) for lines in now) + self.density.gap
            self.make_room(height)
            for place, label in enumerate(labels):
                self.text(label, place, self.y - LABEL, REGULAR, LABEL, SOFT)
                for number, line in enumerate(now[place]):
                    y = self.y - LABEL - 4 - leading * (number + 1) + 4
                    self.text(line, place, y, REGULAR, size, INK, rtl=directions[place])
            self.y -= height
            self.canvas.setStrokeColor(LINE)
            for place in range(len(cells)):
                x = self.left_of(place)
                self.canvas.line(x, self.y + self.density.gap / 2, x + self.column_width, self.y + self.density.gap / 2)
            labels = [""] * len(cells)

    def terms(self) -> list[list[tuple[Face, str]]]:
        """The lines of the terms in each language, with the face of each."""
        return [
            [
                (BOLD if number == 0 else REGULAR, part)
                for number, line in enumerate(facts.small_print)
                for part in wrap(line, REGULAR, self.density.small, self.column_width)
            ]
            for facts in self.columns
        ]

    def height_of_terms(self, columns: list[list[tuple[Face, str]]]) -> float:
        return self.density.small_leading * max(len(lines) for lines in columns) + 14

    def small_print(self, columns: list[list[tuple[Face, str]]]) -> None:
        """The terms, one under the other."""
        height = self.height_of_terms(columns)
        self.make_room(height)
        self.y -= 10
        for place, lines in enumerate(columns):
            for number, (font, line) in enumerate(lines):
                y = self.y - 10 - self.density.small_leading * number
                self.text(line, place, y, font, self.density.small, SOFT)
        self.y -= height

    def make_room(self, height: float) -> None:
        """Go on on a new page where so much does not fit any more."""
        if self.y - height < BOTTOM:
            self.footer()
            self.canvas.showPage()
            self.page += 1
            self.band()

    def footer(self) -> None:
        """Whom to ask, and which page this is."""
        canvas = self.canvas
        canvas.setStrokeColor(LINE)
        canvas.line(MARGIN, BOTTOM - 14, WIDTH - MARGIN, BOTTOM - 14)
        y = BOTTOM - 28
        for facts in self.columns:
            for line in wrap(facts.footer, REGULAR, 9, WIDTH - 2 * MARGIN)[:2]:
                self.span(line, MARGIN, WIDTH - 2 * MARGIN, y, REGULAR, 9, SOFT, rtl=facts.rtl)
                y -= 12
        page = f"{self.booking.reference} · {self.page}"
        self.span(page, MARGIN, WIDTH - 2 * MARGIN, 16, REGULAR, 8, SOFT, rtl=not self.columns[-1].rtl)

    # --- Writing ---

    def left_of(self, place: int) -> float:
        return MARGIN + place * (self.column_width + GAP)

    def text(
        self, line: str, place: int, y: float, face: Face, size: float, colour: HexColor, *, rtl: bool | None = None
    ) -> None:
        """A line in a column, on the side where its language begins; `rtl` is the line's own direction."""
        begins_right = self.columns[place].rtl
        own = begins_right if rtl is None else rtl
        shown = runs(visual(line, rtl=own), face)
        self.write(shown, self.left_of(place), self.column_width, y, size, colour, at_right=begins_right)

    def span(
        self, line: str, x: float, width: float, y: float, face: Face, size: float, colour: HexColor, *, rtl: bool
    ) -> None:
        """A line anywhere on the page."""
        self.write(runs(visual(line, rtl=rtl), face), x, width, y, size, colour, at_right=rtl)

    def write(
        self,
        shown: list[tuple[str, str]],
        x: float,
        width: float,
        y: float,
        size: float,
        colour: HexColor,
        *,
        at_right: bool,
    ) -> None:
        self.canvas.setFillColor(colour)
        widths = [run_width(part, font, size) for font, part in shown]
        if at_right:
            x += width - sum(widths)
        for (font, part), step in zip(shown, widths, strict=True):
            self.canvas.setFont(font, size_in(font, size))
            self.canvas.drawString(x, y, part)
            x += step


def _shortened(text: str, face: Face, size: float, width: float) -> str:
    """The text, with an ellipsis where it is wider than its place."""
    if width_of(text, face, size) <= width:
        return text
    while text and width_of(text + "…", face, size) > width:
        text = text[:-1]
    return text.rstrip() + "…"
