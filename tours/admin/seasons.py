"""Seasons, with their days year by year."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.forms import PaginationInlineFormSet

from tours.admin.planning import LooksFirst, looked_at_first
from tours.admin.references import ReferenceAdmin
from tours.models import Season, SeasonRange


class RangeFormSet(PaginationInlineFormSet):
    """Rows of one season may not overlap: those typed now are compared with each other, the database with all."""

    def clean(self) -> None:
        super().clean()
        spans: list[tuple[Any, Any]] = []
        for form in self.forms:
            values = getattr(form, "cleaned_data", {})
            first, last = values.get("first_day"), values.get("last_day")
            if first and last and not values.get("DELETE"):
                if last < first:
                    continue  # said by the row itself
                if any(first <= other_last and other_first <= last for other_first, other_last in spans):
                    form.add_error("first_day", ValidationError(_("These days overlap other days of the season.")))
                spans.append((first, last))


class RangeInline(TabularInline):
    model = SeasonRange
    formset = RangeFormSet
    fields = ["first_day", "last_day"]
    extra = 0


@admin.register(Season)
class SeasonAdmin(LooksFirst, ReferenceAdmin):
    list_display = ["name_en", "name_ar", "code", "days_shown"]
    search_fields = ["name_en", "name_ar", "code"]
    fieldsets = [(None, {"fields": [("name_en", "name_ar"), "code"]})]
    inlines = [RangeInline]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("ranges")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["code"] if obj else []

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Days that departures are made by are shown with what becomes of these before they are changed."""
        if not formset.has_changed():
            return
        kept = [row.cleaned_data for row in formset.forms if row not in formset.deleted_forms]
        days = [[row["first_day"].isoformat(), row["last_day"].isoformat()] for row in kept if row.get("first_day")]
        operation = {"op": "season.change", "season": str(form.instance.pk), "days": days}
        looked_at_first(request, [operation], _("Days of {season}").format(season=form.instance))
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    @display(description=gettext_lazy("days"))
    def days_shown(self, season: Season) -> str:
        spans = [
            (date_format(span.first_day, "j M Y"), date_format(span.last_day, "j M Y")) for span in season.ranges.all()
        ]
        return format_html_join("", "<div><bdi>{}</bdi> – <bdi>{}</bdi></div>", spans) or "–"
