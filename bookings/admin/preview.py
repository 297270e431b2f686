"""The price preview on a tour's page: what a party would pay on a day, line by line, whether or not it is on sale yet."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings.pricing import in_words, quote_of_terms
from config.admin import page
from config.errors import DomainError
from config.i18n import in_language
from ledger.models import Currency
from ledger.money import format_money
from tours.admin.editor import TOUR
from tours.models import Departure, PriceCategory, Tour
from tours.occurrences import moment
from tours.prices import Terms, load_offers, load_terms, starting

MOST_GUESTS = 500
DAYS_AHEAD = 14  # the day that the preview begins with


class PreviewForm(forms.Form):
    option = forms.CharField(max_length=40)
    day = forms.DateField()
    at = forms.TimeField()
    currency = forms.CharField(max_length=3, required=False)

    def __init__(self, *args: Any, codes: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code in codes:
            self.fields[f"guests-{code}"] = forms.IntegerField(
                min_value=0,
                max_value=MOST_GUESTS,
                required=False,
                error_messages={"invalid": gettext_lazy("Guests are whole numbers.")},
            )

    def guests(self) -> dict[str, int]:
        """How many of each category, those of none left out."""
        return {
            name.removeprefix("guests-"): count
            for name, count in self.cleaned_data.items()
            if name.startswith("guests-") and count
        }


@page("price-preview/<uuid:tour_id>/", name="price_preview", permission="tours.view_tour")
def price_preview(request: HttpRequest, tour_id: UUID) -> HttpResponse:
    """The lines of the quote as a piece of a page. Nothing is held or written."""
    if not Tour.objects.alive().filter(pk=tour_id).exists():
        raise Http404
    offers = {offer.option_code: offer for offer in load_offers([tour_id])}
    codes = sorted({code for offer in offers.values() for code in offer.prices})
    form = PreviewForm(request.GET or None, codes=codes)
    shown: dict[str, Any] = {}
    status = 200
    if not form.is_valid():
        faults = [sentence for found in form.errors.values() for sentence in found]
        shown, status = {"refusal": faults[0] if faults else _("Say a day, a time and the guests.")}, 400
    elif form.cleaned_data["option"] not in offers:
        shown, status = {"refusal": _("There is no such option.")}, 404
    else:
        try:
            shown = _priced(offers[form.cleaned_data["option"]], form)
        except DomainError as refusal:
            shown, status = {"refusal": str(refusal)}, refusal.status
    return TemplateResponse(request, "admin/bookings/price_lines.html", shown, status=status)


def _priced(offer: Terms, form: PreviewForm) -> dict[str, Any]:
    values = form.cleaned_data
    starts_at = moment(values["day"], values["at"], ZoneInfo(offer.time_zone))
    known = (
        Departure.objects.filter(option_id=offer.option_id, starts_at=starts_at).values_list("pk", flat=True).first()
    )
    terms = load_terms(known) if known is not None else starting(offer, starts_at)
    made = quote_of_terms(terms, form.guests(), currency=values["currency"].upper() or None)
    quote = in_words(made.as_json())
    currency = quote["currency"]
    for line in [*quote["lines"], *quote["tax_lines"]]:
        line["shown"] = format_money(Decimal(line["amount"]), currency)
    for line in quote["lines"]:
        line["unit_shown"] = format_money(Decimal(line["unit"]), currency)
        line["was_shown"] = format_money(Decimal(line["was"]), currency) if line["was"] else ""
    return {
        "quote": quote,
        "total": format_money(made.total, currency),
        "departure": reverse("admin:tours_departure_change", args=[known]) if known is not None else "",
    }


def preview_of_tour(request: HttpRequest, tour: Tour) -> dict[str, Any]:
    """What the panel asks for, filled in with the next departure, or else a day two weeks ahead at nine."""
    offers = load_offers([tour.pk])
    codes = list(dict.fromkeys(code for offer in offers for code in offer.prices))
    names = {row.code: in_language(row, "name") for row in PriceCategory.objects.filter(code__in=codes)}
    day, at = localdate() + timedelta(days=DAYS_AHEAD), time(9)
    first = Departure.objects.filter(tour_id=tour.pk).bookable().select_related("tour__destination").first()
    if first is not None:
        start: datetime = first.local_start()
        day, at = start.date(), start.time()
    return {
        "tour": tour,
        "address": reverse("admin:price_preview", args=[tour.pk]),
        "options": [(offer.option_code, in_language(offer, "option")) for offer in offers],
        "day": day.isoformat(),
        "at": f"{at:%H:%M}",
        "categories": [(code, names.get(code, code), 2 if place == 0 else 0) for place, code in enumerate(codes)],
        "currency": tour.currency_id,
        "currencies": list(Currency.objects.filter(is_active=True).order_by("code").values_list("code", flat=True)),
    }


TOUR.panel("prices", "admin/bookings/price_preview.html", preview_of_tour, order=5, outside=True)
