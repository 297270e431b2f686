"""The back-office's first page. `config` knows no app, so each registers its panels in `dashboard.py`.

    @panel(order=10, permission="bookings.view_booking")
    def departures(request) -> Panel: ...

A panel is shown to those who hold the permission. It costs queries on every visit: keep to one or two each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.module_loading import autodiscover_modules


@dataclass(frozen=True)
class Figure:
    """One number that matters now: `tone` is `plain`, `good` or `bad`."""

    label: Any
    value: Any
    note: Any = ""
    link: str = ""
    tone: str = "plain"


@dataclass(frozen=True)
class Cell:
    """A table's cell with more than text: a link, or a badge of a tone (`good`, `bad`, `warn`, `plain`)."""

    text: Any
    link: str = ""
    badge: str = ""
    # 0 to 100: drawn as a bar behind the text.
    percent: int | None = None

    def __str__(self) -> str:
        return str(self.text)


@dataclass(frozen=True)
class Bar:
    """One day of a chart: `share` and `before` (of the day so many days earlier) of the tallest, 0 to 100.

    `label` stands below it, `title` is shown when it is pointed at; `x` is where it begins, of 300.
    """

    label: Any
    share: float
    before: float
    title: Any
    x: float = 0


@dataclass(frozen=True)
class Chart:
    """A figure day by day, beside the same of the period before: bars, and a line for what was."""

    title: Any
    value: Any
    before: Any
    bars: Sequence[Bar]
    # In percent against the period before; None where there is nothing to compare with.
    change: int | None = None
    note: Any = ""
    # What the value is made of, in short texts.
    parts: Sequence[Any] = ()

    @property
    def line(self) -> str:
        """The corners of the line, as SVG writes them."""
        width = WIDTH / max(len(self.bars), 1)
        return " ".join(f"{bar.x + width / 2:.1f},{100 - bar.before:.1f}" for bar in self.bars)

    @property
    def bar_width(self) -> str:
        return f"{WIDTH / max(len(self.bars), 1) * 0.8:.2f}"

    @property
    def grows(self) -> bool:
        return (self.change or 0) >= 0


WIDTH = 300  # of a chart's own units; it is drawn as wide as there is room


def chart(
    title: Any,
    days: Sequence[date],
    amounts: Mapping[date, Decimal],
    *,
    value: Any,
    before: Any,
    change: int | None,
    shown: Callable[[Decimal], Any],
    note: Any = "",
    parts: Sequence[Any] = (),
) -> Chart:
    """A chart of the later half of `days`, compared with the earlier half. Days without an amount had none."""
    half = len(days) // 2
    then, now = days[:half], days[half:]
    tallest = max([amounts.get(day, Decimal(0)) for day in days], default=Decimal(0)) or Decimal(1)

    def share(day: date) -> float:
        return round(float(max(amounts.get(day, Decimal(0)), Decimal(0)) / tallest * 100), 1)

    bars = [
        Bar(
            label=date_format(day, "j M"),
            share=share(day),
            before=share(earlier),
            title=f"{date_format(day, 'DATE_FORMAT')}: {shown(amounts.get(day, Decimal(0)))}",
            x=round(place * WIDTH / half, 2),
        )
        for place, (day, earlier) in enumerate(zip(now, then, strict=True))
    ]
    return Chart(title, value, before, bars, change, note, parts)


def change_in_percent(now: Decimal, before: Decimal) -> int | None:
    """How much more, in percent; None where nothing was before."""
    return round((now - before) / before * 100) if before > 0 else None


@dataclass(frozen=True)
class Panel:
    """A box of the page: figures, or a table, or charts, or several of them."""

    title: Any = ""
    figures: Sequence[Figure] = ()
    headers: Sequence[Any] = ()
    rows: Sequence[Sequence[Any]] = ()
    charts: Sequence[Chart] = ()
    empty: Any = ""
    link: str = ""
    link_text: Any = ""
    wide: bool = False


@dataclass(order=True)
class _Registered:
    order: int
    name: str
    permission: str = field(compare=False)
    make: Callable[[HttpRequest], Panel] = field(compare=False)


_panels: dict[str, _Registered] = {}


def panel(*, order: int, permission: str) -> Callable[[Callable[[HttpRequest], Panel]], Callable[[HttpRequest], Panel]]:
    """Register a panel; the page shows panels by their order."""

    def register(make: Callable[[HttpRequest], Panel]) -> Callable[[HttpRequest], Panel]:
        name = f"{make.__module__}.{make.__name__}"
        _panels[name] = _Registered(order, name, permission, make)
        return make

    return register


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Called by the theme with the page's context; returns it with the panels this person may see."""
    autodiscover_modules("dashboard")
    user: Any = request.user
    context["panels"] = [row.make(request) for row in sorted(_panels.values()) if user.has_perm(row.permission)]
    return context
