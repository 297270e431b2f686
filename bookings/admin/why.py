"""“Why this price”: the quote of any party, day and customer, line by line with the rule behind each, for staff."""

from collections.abc import Mapping
from datetime import datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelect2Widget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import PriceGroup
from bookings import pricing
from bookings.models import Partner
from config.admin import page
from config.errors import DomainError
from ledger.models import Currency
from ledger.money import format_money
from tours.models import Departure, PriceCategory, PriceRule, ServiceFee, TourOption
from tours.prices import Terms, load_offers, load_terms, starting


class WhyForm(forms.Form):
    option: Any = forms.ModelChoiceField(
        TourOption._base_manager.none(), label=gettext_lazy("Tour and option"), widget=UnfoldAdminSelect2Widget
    )
    day = forms.DateField(label=gettext_lazy("Day"), widget=UnfoldAdminTextInputWidget({"type": "date"}))
    time = forms.TimeField(
        label=gettext_lazy("Time"),
        required=False,
        widget=UnfoldAdminTextInputWidget({"type": "time"}),
        help_text=gettext_lazy("Empty: the first start of that day, else 9:00."),
    )
    bought = forms.DateField(
        label=gettext_lazy("Bought on"),
        required=False,
        widget=UnfoldAdminTextInputWidget({"type": "date"}),
        help_text=gettext_lazy("Empty: now."),
    )
    currency: Any = forms.ModelChoiceField(
        Currency.objects.none(), label=gettext_lazy("Currency"), required=False, widget=UnfoldAdminSelectWidget
    )
    group: Any = forms.ModelChoiceField(
        PriceGroup._base_manager.none(),
        label=gettext_lazy("Price group"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    partner: Any = forms.ModelChoiceField(
        Partner._base_manager.none(), label=gettext_lazy("Partner"), required=False, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, may_see_partners: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = TourOption.objects.filter(tour__deleted_at=None).select_related("tour")
        choose: dict[str, Any] = {
            "option": options.order_by("tour__title_en", "display_order", "code"),
            "currency": Currency.objects.order_by("code"),
            "group": PriceGroup.objects.all(),
            "partner": Partner.objects.filter(is_active=True) if may_see_partners else Partner.objects.none(),
        }
        for name, rows in choose.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]
        for category in PriceCategory.objects.all():
            self.fields[f"guests_{category.code}"] = forms.IntegerField(
                label=str(category),
                required=False,
                min_value=0,
                max_value=500,
                widget=UnfoldAdminTextInputWidget({"type": "number", "min": "0", "inputmode": "numeric"}),
            )

    @property
    def guest_fields(self) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith("guests_")]

    @property
    def party(self) -> dict[str, int]:
        return {
            name.removeprefix("guests_"): number
            for name, number in self.cleaned_data.items()
            if name.startswith("guests_") and number
        }

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if not self.errors and not self.party:
            self.add_error(self.guest_fields[0].name, _("Say how many guests there are."))
        return values


@page("why-this-price/", name="why_this_price", permission="tours.view_pricerule")
def why_this_price(request: HttpRequest) -> HttpResponse:
    """Changes nothing: what is asked stands in the address, so that it can be sent to a colleague."""
    user: Any = request.user
    asked = request.GET if "option" in request.GET else None
    start = {"day": localdate().isoformat(), "guests_adult": 2}
    form = WhyForm(asked, initial=start, may_see_partners=user.has_perm("bookings.view_netrate"))
    shown: dict[str, Any] = {}
    if asked is not None and form.is_valid():
        try:
            shown = _answer(form)
        except DomainError as refusal:
            shown = {"refusal": str(refusal)}
    context = {**admin.site.each_context(request), "title": _("Why this price"), "form": form, **shown}
    return TemplateResponse(request, "admin/bookings/why.html", context)


def _answer(form: WhyForm) -> dict[str, Any]:
    values = form.cleaned_data
    terms, departure = _terms(values)
    zone = ZoneInfo(terms.time_zone)
    at = datetime.combine(values["bought"], time(12), zone) if values["bought"] else now()
    quote = pricing.quote_of_terms(
        terms,
        form.party,
        currency=values["currency"].pk if values["currency"] else None,
        group=values["group"].code if values["group"] else "",
        partner=values["partner"],
        at=at,
    )
    stored = pricing.in_words(quote.as_json())
    return {
        "quote": shown_quote(stored),
        "departure": departure,
        "start": terms.starts_at.astimezone(zone),
        "sold": terms.sold,
        "capacity": terms.capacity,
        "converted": stored["rate"] != "1",
        "rate": stored["rate"],
        "list_currency": stored["price_list_currency"],
    }


def _terms(values: Mapping[str, Any]) -> tuple[Terms, Departure | None]:
    """Of the departure on that day, if there is one, else of one that would be there with all places free."""
    option = values["option"]
    found = Departure.objects.filter(option=option, local_date=values["day"]).order_by("starts_at")
    zone = ZoneInfo(option.tour.destination.time_zone)
    if values["time"]:
        moment = datetime.combine(values["day"], values["time"], zone)
        departure = found.filter(starts_at=moment).first()
    else:
        departure = found.first()
        moment = datetime.combine(values["day"], time(9), zone)
    if departure is not None:
        return load_terms(departure.pk), departure
    offer = next(terms for terms in load_offers([option.tour_id]) if terms.option_id == option.pk)
    return starting(offer, moment), None


def shown_quote(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A quote in words with amounts as people read them, and a link to each rule that is still there."""

    def money(amount: str | None) -> str | None:
        return None if amount is None else format_money(Decimal(amount), stored["currency"])

    known = _links(stored["lines"])
    lines = [
        {
            **line,
            "unit": money(line["unit"]),
            "amount": money(line["amount"]),
            "was": money(line["was"]),
            "link": known.get(line["rule"]),
            "because": [
                {**step, "unit": money(step["unit"]), "link": known.get(step["rule"])} for step in line["because"]
            ],
        }
        for line in stored["lines"]
    ]
    taxes = [{**line, "amount": money(line["amount"])} for line in stored["tax_lines"]]
    return {"lines": lines, "taxes": taxes, "total": money(stored["total"])}


def _links(lines: Any) -> dict[str, str]:
    rules = {step["rule"] for line in lines for step in (line, *line["because"])}
    ids = {rule.partition(":")[2] for rule in rules if rule.startswith("price_rule:")}
    there = PriceRule.objects.filter(pk__in=ids).values_list("pk", flat=True) if ids else []
    found = {f"price_rule:{pk}": reverse("admin:tours_pricerule_change", args=[pk]) for pk in there}
    fees = {rule.partition(":")[2] for rule in rules if rule.startswith("fee:")}
    there = ServiceFee.objects.filter(pk__in=fees).values_list("pk", flat=True) if fees else []
    return found | {f"fee:{pk}": reverse("admin:tours_servicefee_change", args=[pk]) for pk in there}
