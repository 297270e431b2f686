"""The price of days drawn on the calendar: what guests would pay, then one click."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from bookings import wording
from bookings.admin.availability import safe_address
from config.admin import page
from config.errors import DomainError
from config.i18n import in_language
from ledger.money import format_money
from tours.models import RuleEffect, Tour
from tours.models.schedule import weekday_names
from tours.services.day_prices import NAMES, PricePlan, PriceWish, apply_prices, plan_prices

DAY = {"type": "date"}


class PriceForm(forms.Form):
    what = forms.CharField(max_length=60, widget=forms.HiddenInput)
    back = forms.CharField(required=False, max_length=500, widget=forms.HiddenInput)
    date_from = forms.DateField(label=gettext_lazy("From the day"), widget=UnfoldAdminTextInputWidget(DAY))
    date_to = forms.DateField(label=gettext_lazy("Until the day"), widget=UnfoldAdminTextInputWidget(DAY))
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("On"), coerce=int, widget=forms.CheckboxSelectMultiple, choices=()
    )
    effect = forms.ChoiceField(
        label=gettext_lazy("Price"), choices=RuleEffect.choices, widget=UnfoldAdminSelectWidget, initial="PERCENT"
    )
    value = forms.DecimalField(
        label=gettext_lazy("Value"),
        max_digits=14,
        decimal_places=3,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=gettext_lazy(
            "-10 with percent: a tenth less. Amounts are in the tour's currency, for each guest or group."
        ),
    )
    name_en = forms.CharField(
        label=gettext_lazy("Name (English)"),
        max_length=80,
        widget=UnfoldAdminTextInputWidget({"dir": "ltr", "lang": "en"}),
        help_text=gettext_lazy("Customers read it on their price."),
    )
    name_ar = forms.CharField(
        label=gettext_lazy("Name (Arabic)"),
        max_length=80,
        widget=UnfoldAdminTextInputWidget({"dir": "rtl", "lang": "ar"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["weekdays"].choices = list(weekday_names().items())  # type: ignore[attr-defined]

    def clean_what(self) -> tuple[str, UUID]:
        kind, _colon, written = str(self.cleaned_data["what"]).partition(":")
        try:
            if kind in ("tour", "option"):
                return kind, UUID(written)
        except ValueError:
            pass
        raise forms.ValidationError(_("Choose one tour first: prices are a tour's."))

    def wish(self) -> PriceWish:
        values = self.cleaned_data
        kind, pk = values["what"]
        if kind == "tour":
            tour_id, option_id = pk, None
        else:
            option_id = pk
            tour_id = Tour.objects.alive().filter(options=pk).values_list("pk", flat=True).first() or pk
        return PriceWish(
            tour_id=tour_id,
            option_id=option_id,
            first_day=values["date_from"],
            last_day=values["date_to"],
            weekdays=tuple(values["weekdays"]),
            effect=values["effect"],
            value=values["value"],
            name_en=values["name_en"].strip(),
            name_ar=values["name_ar"].strip(),
        )


@page("departures/prices/", name="day_prices", permission="tours.add_pricerule")
def day_prices(request: HttpRequest) -> HttpResponse:
    """The form, filled in by the calendar (`do=begin`); `do=look` shows the new prices below it, `do=apply` makes them so.

    Opened by its address it would not know of which tour: the calendar does.
    """
    if request.method == "GET":
        return redirect("admin:departure_calendar")
    do = request.POST.get("do", "")
    today = localdate().isoformat()
    first = {"weekdays": list(range(1, 8)), "name_en": NAMES[0], "name_ar": NAMES[1]}
    if do in ("look", "apply"):
        form = PriceForm(request.POST)
    else:
        taken: dict[str, Any] = {name: request.POST.get(name, today) for name in ("date_from", "date_to")}
        taken |= {name: request.POST.get(name, "") for name in ("what", "back")}
        taken["weekdays"] = request.POST.getlist("weekdays") or first["weekdays"]
        form = PriceForm(initial={**first, **taken})
    plan, refusal, status = None, "", 200
    if form.is_bound and form.is_valid():
        try:
            if do == "apply":
                rule = apply_prices(
                    wish=form.wish(), fingerprint=request.POST.get("fingerprint", ""), actor=request.user
                )
                messages.success(request, _("The price of these days is set: {rule}.").format(rule=rule))
                return redirect(safe_address(form.cleaned_data["back"]) or "admin:departure_calendar")
            plan = plan_prices(form.wish(), actor=request.user)
        except DomainError as fault:
            refusal, status = str(fault), fault.status
            for name, sentences in fault.details.items():
                if name in form.fields:
                    form.add_error(name, sentences)
            plan = plan_prices(form.wish(), actor=request.user) if fault.code == "plan_stale" else None
    elif form.is_bound:
        status = 400
    context = {
        **admin.site.each_context(request),
        "title": _("Price of certain days"),
        "form": form,
        "refusal": refusal,
        "plan": _in_words(plan) if plan is not None else None,
    }
    return TemplateResponse(request, "admin/bookings/day_prices.html", context, status=status)


def _in_words(plan: PricePlan) -> dict[str, Any]:
    count = len(plan.changing)
    return {
        "told": ngettext("{n} departure gets another price.", "{n} departures get another price.", count).format(
            n=count
        ),
        "same": len(plan.rows) - count,
        "rows": [
            {
                "start": wording.moment_in_words(row.departure.local_start()),
                "option": in_language(row.departure.option, "name"),
                "before": "–" if row.before is None else format_money(row.before, plan.currency),
                "after": "–" if row.after is None else format_money(row.after, plan.currency),
                "booked": row.departure.seats_booked,
            }
            for row in plan.changing
        ],
        "fingerprint": plan.fingerprint,
    }
