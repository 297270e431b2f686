"""The back-office's first page. `config` knows no app, so each registers its panels in `dashboard.py`.

    @panel(order=10, permission="bookings.view_booking")
    def departures(request) -> Panel: ...

A panel is shown to those who hold the permission. It costs queries on every visit: keep to one or two each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
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
    """One bar of a chart: `share` of the tallest, 0 to 100; `label` below it, `title` when pointed at."""

    label: Any
    share: int
    title: Any


@dataclass(frozen=True)
class Panel:
    """A box of the page: figures, or a table, or a chart, or several of them."""

    title: Any = ""
    figures: Sequence[Figure] = ()
    headers: Sequence[Any] = ()
    rows: Sequence[Sequence[Any]] = ()
    bars: Sequence[Bar] = ()
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
