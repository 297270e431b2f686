"""What the pages of a tour and of an option are made of: tabs, into which each subject puts its fields, inlines and panels.

A module of the back-office, of this app or one above, adds its part where it is imported, and it falls into its tab by itself:

    TOUR.fields("policies", ("deposit_percent", "balance_days"), title=_("Deposit"), order=30)
    TOUR.inline("extras", PickupInline, order=20)
    TOUR.panel("reviews", "admin/bookings/tour_reviews.html", reviews_of_tour)
    OPTION.inline("prices", PriceRuleInline)

Fields that are written also stand in `tours.services.tours.FIELDS`. An inline whose rows are written by services has a method
`save_rows(request, parent, formset)`; the others are saved and audited as they are. Inlines come once there is a row for them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

Row = Any  # a name, a callable that shows something, or a tuple of them


@dataclass(frozen=True)
class _Fields:
    tab: str
    rows: tuple[Row, ...]
    title: Any
    order: int


@dataclass(frozen=True)
class _Inline:
    tab: str
    inline: type
    order: int


@dataclass(frozen=True)
class _Panel:
    code: str
    tab: str
    template: str
    context: Callable[[HttpRequest, Any], dict[str, Any]]
    order: int
    outside: bool


@dataclass
class Editor:
    """The parts of one page. `tabs` are its names by code, in their order; `panel_page` is where a panel comes from."""

    tabs: dict[str, Any]
    panel_page: str = ""
    _fields: list[_Fields] = field(default_factory=list)
    _inlines: list[_Inline] = field(default_factory=list)
    _panels: list[_Panel] = field(default_factory=list)
    _shown: list[Any] = field(default_factory=list)

    def fields(self, tab: str, *rows: Row, title: Any = None, order: int = 50, shown: tuple[Any, ...] = ()) -> None:
        """Rows of fields, those of a tuple side by side. What stands in `shown` is only looked at."""
        self._fields.append(_Fields(self._known(tab), rows, title, order))
        self._shown.extend(shown)

    def inline(self, tab: str, inline: type, *, order: int = 50) -> None:
        self._inlines.append(_Inline(self._known(tab), inline, order))

    def panel(
        self,
        tab: str,
        template: str,
        context: Callable[[HttpRequest, Any], dict[str, Any]],
        *,
        order: int = 90,
        outside: bool = False,
    ) -> None:
        """Something to look at: `context(request, row)` fills the template, which finds that as `panel`.

        It is asked for when it comes into view, so that the page does not wait for what nobody looks at. One that has a form
        of its own stands `outside` the page's, below it.
        """
        code = f"{self._known(tab)}-{sum(one.tab == tab for one in self._panels) + 1}"
        self._panels.append(_Panel(code, tab, template, context, order, outside))

    def _known(self, tab: str) -> str:
        if tab not in self.tabs:
            raise LookupError(tab)
        return tab

    # --- What the page asks for ---

    def tab_of(self, name: str) -> str:
        """Where a field stands."""
        for one in self._fields:
            if any(name == row or (isinstance(row, tuple) and name in row) for row in one.rows):
                return one.tab
        return next(iter(self.tabs))

    @property
    def fieldsets(self) -> list[tuple[Any, dict[str, Any]]]:
        places = list(self.tabs)
        parts = sorted(self._fields, key=lambda one: (places.index(one.tab), one.order))
        return [(one.title, {"fields": list(one.rows), "classes": [f"editor-{one.tab}"]}) for one in parts]

    @property
    def inlines(self) -> list[type]:
        return [one.inline for one in sorted(self._inlines, key=lambda one: one.order)]

    @property
    def shown(self) -> list[Any]:
        return list(self._shown)

    def shown_panel(self, code: str, request: HttpRequest, row: Any) -> str | None:
        """A panel as HTML; None where there is none of that code."""
        one = next((panel for panel in self._panels if panel.code == code), None)
        return None if one is None else render_to_string(one.template, {"panel": one.context(request, row)}, request)

    def laid_out(self, row: Any, adminform: Any, formsets: Any) -> list[dict[str, Any]]:
        """The tabs that hold something, each with its parts, and how many faults they have."""
        where = {one.inline: one.tab for one in self._inlines}
        laid: list[dict[str, Any]] = []
        for code, title in self.tabs.items():
            sections = [part for part in adminform if f"editor-{code}" in part.classes]
            inlines = [one for one in formsets if where.get(type(one.opts)) == code]
            panels = [
                {"address": reverse(self.panel_page, args=[row.pk, one.code]), "outside": one.outside}
                for one in sorted(self._panels, key=lambda one: one.order)
                if one.tab == code and row is not None
            ]
            if sections or inlines or panels:
                faults = sum(bool(line.errors()) for part in sections for line in part)
                faults += sum(bool(found) for one in inlines for found in one.formset.errors)
                laid.append(
                    {
                        "code": code,
                        "title": title,
                        "sections": sections,
                        "inlines": inlines,
                        "panels": panels,
                        "faults": faults,
                    }
                )
        return laid


class EditedInTabs:
    """For the admin of a model with an `editor`. Put it before `CatalogueAdmin`."""

    editor: Editor
    change_form_template = "admin/tours/editor/page.html"
    head_template = ""

    def head(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the head of the page says of the row, as `head` in `head_template`."""
        return {}

    @property
    def fieldsets(self) -> Any:
        return self.editor.fieldsets

    @property
    def inlines(self) -> Any:
        return self.editor.inlines

    @property
    def readonly_fields(self) -> Any:
        return self.editor.shown

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Pictures and the rest come once there is a row that they belong to."""
        return self.inlines if obj else []

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> Any:
        """They stand in our tabs, not in tabs of their own."""
        found = super().get_inline_instances(request, obj)  # type: ignore[misc]
        for inline in found:
            inline.tab = False
        return found

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        row = kwargs.get("obj")
        formsets = context.get("inline_admin_formsets") or []
        context["editor_tabs"] = self.editor.laid_out(row, context["adminform"], formsets)
        context["head"] = self.head(request, row) if row is not None and self.head_template else None
        context["head_template"] = self.head_template
        context["editor_faulty"] = next((tab["code"] for tab in context["editor_tabs"] if tab["faults"]), "")
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        inline = next((one for one in self.inlines if one.model is formset.model), None)
        save_rows = getattr(inline, "save_rows", None)
        if save_rows is None:
            super().save_formset(request, form, formset, change)  # type: ignore[misc]
        else:
            save_rows(request, form.instance, formset)


TOUR = Editor(
    {
        "texts": _("Texts"),
        "facts": _("Facts"),
        "pictures": _("Pictures"),
        "prices": _("Options and prices"),
        "schedule": _("Schedule"),
        "itinerary": _("Itinerary"),
        "extras": _("Extras and pickups"),
        "resources": _("Guides and equipment"),
        "policies": _("Policies"),
        "reviews": _("Reviews"),
        "seo": _("Search engines"),
    },
    panel_page="admin:tour_panel",
)
OPTION = Editor(
    {
        "option": _("Option"),
        "prices": _("Prices"),
        "schedule": _("Schedule"),
        "capacity": _("Capacity"),
    }
)
