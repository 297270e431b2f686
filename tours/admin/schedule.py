"""Schedule rules: weekdays to tick, and what each rule has made."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import HORIZONTAL
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from tours.admin.pages import CatalogueAdmin, DatesField, TimesField, WordedForm, add_faults
from tours.admin.planning import LooksFirst, looked_at_first
from tours.admin.shown import local_time
from tours.limits import faults_of_rule
from tours.models import ScheduleRule
from tours.models.schedule import ordinal_names, weekday_names
from tours.services import RuleChange, create_rule
from tours.services.operations import written
from tours.services.schedule import FIELDS, as_rule_change

RULE_FIELDS = [
    ("repeats", "every"),
    "weekdays",
    "ordinals",
    "dates",
    ("start_time", "more_times"),
    ("closes_at", "capacity"),
    ("valid_from", "valid_until"),
    "season",
    "except_dates",
]


class Weekdays(UnfoldAdminCheckboxSelectMultipleWidget):
    """Seven boxes in a row."""

    def get_context(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return super().get_context(*args, **kwargs) | {"radio_style": HORIZONTAL}


class RuleForm(WordedForm):
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Weekdays"),
        coerce=int,
        required=False,
        choices=lambda: list(weekday_names().items()),
        widget=Weekdays,
    )
    ordinals = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Of the month"),
        coerce=int,
        required=False,
        choices=lambda: list(ordinal_names().items()),
        widget=Weekdays,
        help_text=gettext_lazy("With weekdays of the month: the first Friday is “first” and “Fri”."),
    )
    more_times = TimesField(
        label=gettext_lazy("And at"),
        required=False,
        rows=2,
        help_text=gettext_lazy("More starts on the same days, one a line, as 14:30."),
    )
    dates = DatesField(
        label=gettext_lazy("Dates"),
        required=False,
        rows=3,
        help_text=gettext_lazy("With certain dates: one a line, as 2027-01-31."),
    )
    except_dates = DatesField(
        label=gettext_lazy("Not on"),
        required=False,
        rows=3,
        help_text=gettext_lazy("Days on which it does not run: holidays, maintenance. One a line, as 2027-01-31."),
    )

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        add_faults(self, faults_of_rule(self.instance))


def rule_data(form: forms.ModelForm) -> dict[str, Any]:
    """What the service takes of a form."""
    return {name: form.cleaned_data[name] for name in FIELDS if name in form.cleaned_data}


def span_in_words(rule: ScheduleRule) -> str:
    """From which day until which it runs."""
    until = date_format(rule.valid_until, "j M Y") if rule.valid_until else "…"
    return f"{date_format(rule.valid_from, 'j M Y')} – {until}"


def tell(request: HttpRequest, change: RuleChange) -> None:
    """Say what became of the departures, and name those that were left alone."""
    parts = [
        ngettext("{n} departure made", "{n} departures made", change.made).format(n=change.made),
        ngettext("{n} deleted", "{n} deleted", change.removed).format(n=change.removed) if change.removed else "",
        ngettext("{n} closed", "{n} closed", change.closed).format(n=change.closed) if change.closed else "",
    ]
    messages.success(request, ", ".join(part for part in parts if part) + ".")
    if change.left:
        first = [local_time(row.starts_at, row.tour.destination.time_zone) for row in change.left[:5]]
        more = len(change.left) - len(first)
        named = "; ".join(first) + (_(" and {n} more").format(n=more) if more else "")
        messages.warning(
            request, _("Left as they are, because places are held or booked: {named}.").format(named=named)
        )


def rule_operation(verb: str, rule: ScheduleRule, form: Any = None) -> dict[str, Any]:
    """The change or deletion of a rule, to be looked at before it is done."""
    operation = {"op": f"rule.{verb}", "rule": str(rule.pk)}
    return operation if form is None else operation | {"data": written(rule_data(form))}


def change_rules(request: HttpRequest, operations: list[dict[str, Any]], title: str) -> None:
    """Do it, or have it looked at first where departures are there already."""
    replan = looked_at_first(request, operations, title)
    if replan is not None and replan.done:
        tell(request, as_rule_change(replan, replan.done[0].subject))  # type: ignore[arg-type]


@admin.register(ScheduleRule)
class ScheduleRuleAdmin(LooksFirst, CatalogueAdmin):
    form = RuleForm
    list_display = ["option", "days", "times", "season", "places", "is_active", "departures_coming"]
    list_filter = [("option__tour", AutocompleteSelectFilter), "is_active"]
    list_select_related = ["option__tour"]
    search_fields = ["option__tour__title_en", "option__tour__title_ar", "option__code"]
    autocomplete_fields = ["option"]
    readonly_fields = ["departures_coming"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "option",
                    *RULE_FIELDS,
                    ("is_active", "departures_coming"),
                ]
            },
        )
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        coming = Count("departures", filter=Q(departures__starts_at__gt=now()))
        return super().get_queryset(request).filter(option__tour__deleted_at=None).annotate(coming=coming)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.readonly_fields, "option"] if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: ScheduleRule, form: Any, change: bool) -> None:
        if change:
            change_rules(request, [rule_operation("change", obj, form)], _("Rule {rule}").format(rule=obj))
            return
        outcome = create_rule(option_id=obj.option_id, data=rule_data(form), actor=request.user)
        obj.pk = outcome.rule.pk
        tell(request, outcome)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its departures to come that nobody booked go with it; none of the others does."""
        return [str(rule) for rule in objs], {self.opts.verbose_name_plural: len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: ScheduleRule) -> None:
        change_rules(request, [rule_operation("delete", obj)], _("Rule {rule} deleted").format(rule=obj))

    @display(description=gettext_lazy("weekdays"))
    def days(self, rule: ScheduleRule) -> str:
        return rule.days_in_words

    @display(description=gettext_lazy("starts at"), ordering="start_time")
    def times(self, rule: ScheduleRule) -> str:
        return format_html('<bdi dir="ltr">{}</bdi>', rule.times_in_words)

    @display(description=gettext_lazy("season"), ordering="valid_from")
    def season(self, rule: ScheduleRule) -> str:
        return span_in_words(rule)

    @display(description=gettext_lazy("places"))
    def places(self, rule: ScheduleRule) -> int:
        return rule.capacity or rule.option.capacity

    @display(description=gettext_lazy("departures to come"), ordering="coming")
    def departures_coming(self, rule: ScheduleRule) -> Any:
        return getattr(rule, "coming", "–")
