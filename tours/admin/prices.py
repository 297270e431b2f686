"""What makes prices beside the list: group prices, other currencies, further taxes, fee, rules."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from ledger.errors import AmountTooFine
from ledger.money import minor_units, round_money, to_minor
from tours.admin.editor import OPTION, TOUR
from tours.admin.pages import CatalogueAdmin, SharedChoices, TimesField, WordedForm, add_faults
from tours.admin.references import ReferenceAdmin
from tours.admin.schedule import Weekdays
from tours.admin.shown import badge, money
from tours.models import (
    CurrencyPrice,
    GroupTier,
    PriceCategory,
    PriceRule,
    RuleEffect,
    RuleKind,
    ServiceFee,
    TourTax,
)
from tours.models.schedule import weekday_names
from tours.price_limits import faults_of_price_rule, faults_of_tier, for_warnings, rivals_of, warnings_of
from tours.services.price_rules import change_price_rule, create_price_rule, delete_price_rule


class AmountForm(WordedForm):
    """An amount in the currency of its row, else the tour's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["amount"] = round_money(self.instance.amount, self.currency)

    @property
    def currency(self) -> str:
        return str(self.instance.currency_id or self.instance.option.tour.currency_id)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        amount = self.cleaned_data.get("amount")
        if amount is None or "currency" in self.errors:
            return
        try:
            to_minor(amount, self.currency)
        except AmountTooFine:
            decimals = minor_units(self.currency)
            said = _("{currency} has {decimals} decimals.").format(currency=self.currency, decimals=decimals)
            add_faults(self, {"amount": [said]})


class TierForm(AmountForm):
    def _post_clean(self) -> None:
        super()._post_clean()
        add_faults(self, faults_of_tier(self.instance))


class TierInline(SharedChoices, TabularInline):
    model = GroupTier
    form = TierForm
    fields = ["from_guests", "category", "amount", "currency"]
    extra = 0

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("category", "option__tour")


class CurrencyPriceForm(AmountForm):
    def _post_clean(self) -> None:
        super()._post_clean()
        if self.instance.currency_id == self.instance.option.tour.currency_id:
            add_faults(self, {"currency": [_("This is the tour's own currency: its prices stand in the price list.")]})


class CurrencyPriceInline(SharedChoices, TabularInline):
    model = CurrencyPrice
    form = CurrencyPriceForm
    fields = ["currency", "category", "amount"]
    extra = 0

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("category", "option__tour")


class TourTaxInline(SharedChoices, TabularInline):
    model = TourTax
    fields = ["tax"]
    extra = 0


OPTION.fields("prices", ("basis", "group_size"), "single_supplement", title=gettext_lazy("How it is sold"), order=5)
OPTION.inline("prices", TierInline, order=20)
OPTION.inline("prices", CurrencyPriceInline, order=30)
TOUR.inline("prices", TourTaxInline, order=30)


class PriceRuleForm(WordedForm):
    categories = forms.MultipleChoiceField(
        label=gettext_lazy("Price categories"),
        required=False,
        choices=lambda: [(category.code, str(category)) for category in PriceCategory.objects.all()],
        widget=Weekdays,
        help_text=gettext_lazy("None: all of them, and groups."),
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Weekdays"),
        coerce=int,
        required=False,
        choices=lambda: list(weekday_names().items()),
        widget=Weekdays,
    )
    start_times = TimesField(
        label=gettext_lazy("Start times"),
        required=False,
        rows=2,
        help_text=gettext_lazy("One a line, as 14:30, in the destination's time zone."),
    )

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if "kind" not in self.errors and "value" not in self.errors:
            add_faults(self, faults_of_price_rule(self.instance))


RULE_FIELDS = [
    *("tour", "option", "name_en", "name_ar", "kind", "effect", "value", "categories", "first_day", "last_day"),
    *("season", "weekdays", "start_times", "days_before", "hours_before", "occupancy_percent", "price_group"),
    *("priority", "is_active"),
]


@admin.register(PriceRule)
class PriceRuleAdmin(CatalogueAdmin):
    form = PriceRuleForm
    list_display = [
        "name_shown",
        "tour_shown",
        "kind_shown",
        "does",
        "where",
        "priority",
        "warnings_shown",
        "is_active",
    ]
    list_filter = [("tour", AutocompleteSelectFilter), ("kind", ChoicesDropdownFilter), "is_active"]
    search_fields = ["name_en", "name_ar", "tour__title_en", "tour__title_ar"]
    search_help_text = gettext_lazy("Name or tour, in English or Arabic")
    autocomplete_fields = ["tour", "option", "season"]
    readonly_fields = ["warnings_shown"]
    ordering = ["tour__title_en", "kind", "-priority", "created_at"]
    list_per_page = 50
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("name_en", "name_ar"),
                    ("tour", "option"),
                    ("kind", "effect", "value"),
                    ("priority", "is_active"),
                    "warnings_shown",
                ],
                "description": gettext_lazy(
                    "A price of certain days (its own, or the list's so much higher or lower) takes the place of season,"
                    " weekday and occupancy, which otherwise multiply; then early bird or last minute, then the members'"
                    " price. Of each step one rule counts: the highest priority, then the most specific, then the oldest."
                ),
            },
        ),
        (
            gettext_lazy("Only for"),
            {
                "fields": [
                    "categories",
                    ("first_day", "last_day", "season"),
                    "weekdays",
                    "start_times",
                    ("days_before", "hours_before"),
                    ("occupancy_percent", "price_group"),
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return for_warnings(super().get_queryset(request)).select_related("price_group")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The rules that may hide those of the page, and the names of categories, are read once."""
        listed = super().get_changelist_instance(request)
        rivals = rivals_of(listed.result_list)
        names = {category.code: str(category) for category in PriceCategory.objects.all()}
        for rule in listed.result_list:
            rule.rivals, rule.category_names = rivals, [names.get(code, code) for code in rule.categories]
        return listed

    def save_model(self, request: HttpRequest, obj: PriceRule, form: Any, change: bool) -> None:
        data = {name: form.cleaned_data[name] for name in RULE_FIELDS if name in form.cleaned_data}
        if change:
            change_price_rule(rule_id=obj.pk, data=data, actor=request.user)
        else:
            obj.pk = create_price_rule(data=data, actor=request.user).pk
        obj._state.adding = False

    def delete_model(self, request: HttpRequest, obj: PriceRule) -> None:
        delete_price_rule(rule_id=obj.pk, actor=request.user)

    @display(description=gettext_lazy("rule"), ordering="name_en")
    def name_shown(self, rule: PriceRule) -> str:
        return str(rule)

    @display(description=gettext_lazy("tour"), ordering="tour__title_en")
    def tour_shown(self, rule: PriceRule) -> str:
        return str(rule.option or rule.tour or _("every tour"))

    @display(description=gettext_lazy("kind"), ordering="kind")
    def kind_shown(self, rule: PriceRule) -> str:
        return str(RuleKind(rule.kind).label)

    @display(description=gettext_lazy("does"))
    def does(self, rule: PriceRule) -> str:
        if rule.effect == RuleEffect.PERCENT:
            return format_html('<bdi dir="ltr">{} %</bdi>', f"{rule.value.normalize():+f}")
        sign = "+" if rule.effect == RuleEffect.AMOUNT and rule.value > 0 else ""
        return format_html(
            '<bdi dir="ltr">{}{}</bdi>', sign, money(rule.value, rule.tour.currency_id) if rule.tour else rule.value
        )

    @display(description=gettext_lazy("only for"))
    def where(self, rule: PriceRule) -> str:
        return format_html_join(" · ", "<bdi>{}</bdi>", [(text,) for text in conditions_in_words(rule)]) or "–"

    @display(description=gettext_lazy("mind"))
    def warnings_shown(self, rule: PriceRule) -> str:
        if rule._state.adding:
            return "–"
        rivals = getattr(rule, "rivals", None)
        found = warnings_of(rule, rivals_of([rule]) if rivals is None else rivals)
        return format_html_join("", "<div>{}</div>", [(badge(text, "warn"),) for text in found]) or "–"


def conditions_in_words(rule: PriceRule) -> list[str]:
    """Each condition in a few words."""
    names = weekday_names()
    words = [str(rule.season)] if rule.season else []
    if rule.first_day or rule.last_day:
        first, last = (date_format(day, "j M Y") if day else "…" for day in (rule.first_day, rule.last_day))
        words.append(first if first == last else f"{first} – {last}")
    comma = _(", ")
    words += [comma.join(names[day] for day in sorted(rule.weekdays))] if rule.weekdays else []
    words += [comma.join(f"{time:%H:%M}" for time in rule.start_times)] if rule.start_times else []
    words += [comma.join(getattr(rule, "category_names", rule.categories))] if rule.categories else []
    if rule.days_before is not None:
        words.append(_("{n} days before or more").format(n=rule.days_before))
    if rule.hours_before is not None:
        words.append(_("{n} hours before or less").format(n=rule.hours_before))
    if rule.occupancy_percent is not None:
        words.append(_("from {n} % sold").format(n=rule.occupancy_percent))
    words += [str(rule.price_group)] if rule.price_group else []
    return words


@admin.register(ServiceFee)
class ServiceFeeAdmin(ReferenceAdmin):
    list_display = ["name_en", "name_ar", "tour_shown", "basis", "value", "is_active"]
    list_select_related = ["tour"]
    search_fields = ["name_en", "name_ar", "tour__title_en", "tour__title_ar"]
    autocomplete_fields = ["tour"]
    fieldsets = [(None, {"fields": [("name_en", "name_ar"), "tour", ("basis", "value"), "is_active"]})]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """No list or page shows the fee: only quotes do, which read it themselves."""
        admin.ModelAdmin.save_related(self, request, form, formsets, change)

    @display(description=gettext_lazy("tour"), ordering="tour__title_en")
    def tour_shown(self, fee: ServiceFee) -> str:
        return str(fee.tour or _("every tour"))
