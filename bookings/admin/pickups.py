"""Fetching a party elsewhere, from its booking's page: the difference is shown first, and only that is confirmed."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from bookings import pricing, services, wording
from bookings.admin.shown import amounts
from bookings.models import Booking
from config.errors import DomainError
from tours.models import PickupKind, PickupRule
from tours.selectors.choices import zones_with_places


class PickupForm(forms.Form):
    """`place:<id>` or `zone:<code>` for each end; a zone goes with an address in words."""

    def __init__(self, *args: Any, rule: PickupRule, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_transfer = rule.kind == PickupKind.TRANSFER
        ends = [("origin", _("From")), ("destination", _("To"))] if self.is_transfer else [("origin", _("Pickup at"))]
        choices = _choices(rule)
        for name, label in ends:
            self.fields[name] = forms.ChoiceField(
                label=label,
                choices=[("", _("nowhere")), *choices],
                required=rule.kind != PickupKind.OPTIONAL,
                widget=UnfoldAdminSelectWidget,
            )
            if rule.allows_unlisted:
                self.fields[f"{name}_text"] = forms.CharField(
                    label=_("Address that is not listed"),
                    max_length=160,
                    required=False,
                    widget=UnfoldAdminTextInputWidget,
                )
        self.fields["expected_difference"] = forms.DecimalField(required=False, widget=forms.HiddenInput)

    def ride(self) -> dict[str, Any]:
        """As the services take it."""
        here = self._point("origin")
        if self.is_transfer:
            return {"transfer": {"origin": here or {}, "destination": self._point("destination") or {}}}
        return {"pickup": here} if here else {}

    def _point(self, name: str) -> dict[str, Any] | None:
        kind, _colon, which = self.cleaned_data[name].partition(":")
        if kind == "place":
            return {"place_id": which}
        return {"zone": which, "text": self.cleaned_data.get(f"{name}_text", "")} if kind else None


def _choices(rule: PickupRule) -> list[Any]:
    found = []
    for zone in zones_with_places(rule):
        places = [(f"place:{place['id']}", place["name"]) for place in zone["places"]]
        if rule.allows_unlisted:
            places.append((f"zone:{zone['code']}", _("{zone}: another address").format(zone=zone["name"])))
        found.append((zone["name"], places))
    return found


def pickup_page(admin: Any, request: HttpRequest, booking: Booking) -> HttpResponse:
    """Choose, see the difference, confirm exactly that."""
    rule = PickupRule.objects.filter(tour_id=booking.trip.tour_id).first()
    if rule is None:
        messages.error(request, _("This tour fetches nobody."))
        return redirect("admin:bookings_booking_change", booking.pk)
    form = PickupForm(request.POST or None, rule=rule, initial=_as_chosen(booking))
    context: dict[str, Any] = {"verb": _("Show the difference")}
    if form.is_valid():
        asked = {"booking_id": booking.pk, "actor": request.user, **form.ride()}
        expected = form.cleaned_data["expected_difference"]
        try:
            quote, difference = services.pickup_change(**asked)
            if expected is not None and expected == difference:
                services.change_pickup(**asked, expected_difference=expected)
                messages.success(request, _("The pickup is changed; the guest is told."))
                return redirect("admin:bookings_booking_change", booking.pk)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            context = {
                "verb": _("Change it"),
                "expected_difference": difference,
                "difference": amounts(
                    [
                        (_("Total so far"), wording.money(booking, booking.total)),
                        (_("Difference"), wording.money(booking, difference)),
                        (_("Total"), wording.money(booking, quote["total"])),
                    ]
                ),
            }
    return TemplateResponse(
        request,
        "admin/bookings/booking/pickup.html",
        {
            **admin.admin_site.each_context(request),
            "opts": admin.opts,
            "booking": booking,
            "form": form,
            "title": _("Pickup of {reference}").format(reference=booking.reference),
            "explanation": wording.pickup_in_words(booking) or _("Nowhere so far."),
            **context,
        },
    )


def _as_chosen(booking: Booking) -> dict[str, str]:
    ride = pricing.ride_asked(booking.quote)
    ends = ride.get("transfer") or {"origin": ride.get("pickup") or {}}
    chosen = {}
    for name, point in ends.items():
        if point:
            chosen[name] = f"place:{point['place_id']}" if "place_id" in point else f"zone:{point['zone']}"
            chosen[f"{name}_text"] = point.get("text", "")
    return chosen
