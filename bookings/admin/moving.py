"""Moving a booking, in two steps: where to, then what it costs or brings back; only what was shown is done."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminTextareaWidget

from bookings import services, wording
from bookings.models import Booking
from bookings.services import MoveTerms
from config.errors import DomainError
from config.i18n import in_language
from tours.models import Departure, DepartureStatus
from tours.selectors.capacity import places_left, places_left_of

SHOWN_AT_MOST = 60  # departures to choose from
AROUND = timedelta(days=45)


class MoveForm(forms.Form):
    departure = forms.TypedChoiceField(label=gettext_lazy("To"), coerce=UUID, widget=forms.RadioSelect)
    keep_price = forms.BooleanField(label=gettext_lazy("Keep the price that was agreed"), required=False)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text=gettext_lazy("Kept in the booking's history."),
    )
    fingerprint = forms.CharField(required=False, widget=forms.HiddenInput)
    total = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, departures: list[Departure], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        left = places_left_of(departures)
        choices = [(row.pk, departure_in_words(row, left[row.pk])) for row in departures]
        self.fields["departure"].choices = choices  # type: ignore[attr-defined]


def departure_in_words(departure: Departure, left: int | None = None) -> str:
    """`Saturday, 28 November 2026, 09:00 · Shared tour · 5 places left`; `left` where it was asked for with others."""
    left = places_left(departure) if left is None else left
    parts = [
        start_of(departure),
        str(in_language(departure.option, "name")),
        ngettext("{n} place left", "{n} places left", left).format(n=left),
    ]
    return " · ".join(parts)


def start_of(departure: Departure) -> str:
    """`Saturday, 28 November 2026, 09:00`; by opening hours its hours."""
    end = wording.local(departure.ends_at, departure.tour.destination.time_zone)
    return wording.span_in_words(departure.local_start(), end, departure.any_time)


def departures_for(tour_id: Any, *, around: Any, without: Any = (), seats: int = 0) -> list[Departure]:
    """What of a tour is open and still to come, the nearest to a moment first kept, in order of time."""
    rows = (
        Departure.objects.upcoming()
        .filter(
            tour_id=tour_id,
            status=DepartureStatus.OPEN,
            starts_at__gt=around - AROUND,
            starts_at__lt=around + AROUND,
        )
        .exclude(pk__in=list(without))
        .select_related("tour__destination", "option")
    )
    left = places_left_of(rows)
    found = sorted((row for row in rows if left[row.pk] >= seats), key=lambda row: abs(row.starts_at - around))
    return sorted(found[:SHOWN_AT_MOST], key=lambda row: (row.starts_at, row.option.display_order))


def move_page(admin: Any, request: HttpRequest, booking: Booking) -> HttpResponse:
    """Ask where to; show what it means; do it once that was agreed to."""
    item = booking.items.all()[0]
    rows = departures_for(
        booking.quote["tour_id"], around=booking.starts_at, without=[item.departure_id], seats=item.seats
    )
    form = MoveForm(request.POST or None, departures=rows)
    terms: MoveTerms | None = None
    if form.is_valid():
        given = form.cleaned_data
        where = {"departure_id": given["departure"], "actor": request.user, "keep_price": given["keep_price"]}
        try:
            terms = services.move_terms(booking, **where)
            shown = given["total"] == str(terms.total) and given["fingerprint"] == _seen(terms)
            if request.POST.get("do") == "apply" and shown:
                services.move_booking(
                    booking_id=booking.pk,
                    reason=given["reason"],
                    fingerprint="" if given["keep_price"] else terms.quote["fingerprint"],
                    **where,
                )
                messages.success(request, _("The booking is moved."))
                return redirect("admin:bookings_booking_change", booking.pk)
            if request.POST.get("do") == "apply":
                messages.warning(request, _("It is not what you saw any more: look again."))
        except DomainError as refusal:
            messages.error(request, str(refusal))
            terms = None
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": _("Move {reference}").format(reference=booking.reference),
        "booking": booking,
        "when": wording.start_in_words(booking),
        "form": form,
        "terms": _terms_in_words(terms) if terms else None,
    }
    return TemplateResponse(request, "admin/bookings/booking/move.html", context)


def _seen(terms: MoveTerms) -> str:
    return f"{terms.departure.pk}:{terms.keeps_price}"


def _terms_in_words(terms: MoveTerms) -> dict[str, Any]:
    booking = terms.booking
    rows = [
        (_("From"), wording.start_in_words(booking)),
        (_("To"), departure_in_words(terms.departure)),
        (_("Price so far"), wording.money(booking, booking.total)),
        (_("Price then"), wording.money(booking, terms.total)),
    ]
    if terms.to_pay > 0:
        rows.append((_("Still to pay then"), wording.money(booking, terms.to_pay)))
    if terms.refund > 0:
        rows.append((_("Goes back"), wording.money(booking, terms.refund)))
    return {"rows": rows, "total": str(terms.total), "seen": _seen(terms)}
