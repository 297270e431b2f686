"""Who travels, from a booking's page: a row for each guest that was priced, as far as they are known."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from bookings import services
from bookings.errors import AgeOutsideCategory
from bookings.models import Booking
from config.errors import DomainError
from config.i18n import language_now

FIELDS = ("first_name", "last_name", "age", "nationality", "note")


class TravellerForm(forms.Form):
    """One guest; a row that is left empty is not known yet."""

    category = forms.CharField(widget=forms.HiddenInput)
    first_name = forms.CharField(
        label=gettext_lazy("first name"), max_length=60, required=False, widget=UnfoldAdminTextInputWidget
    )
    last_name = forms.CharField(
        label=gettext_lazy("last name"), max_length=60, required=False, widget=UnfoldAdminTextInputWidget
    )
    age = forms.IntegerField(
        label=gettext_lazy("age"), min_value=0, max_value=130, required=False, widget=UnfoldAdminTextInputWidget
    )
    nationality = forms.RegexField(
        r"^[A-Z]{2}$",
        label=gettext_lazy("nationality"),
        required=False,
        widget=UnfoldAdminTextInputWidget({"maxlength": 2}),
        error_messages={"invalid": gettext_lazy("Two capital letters, as EG.")},
    )
    note = forms.CharField(
        label=gettext_lazy("note"), max_length=300, required=False, widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.label = capfirst(str(field.label or ""))

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        names = [given.get("first_name"), given.get("last_name")]
        if any(given.get(name) not in (None, "") for name in FIELDS) and not all(names):
            self.add_error("last_name" if names[0] else "first_name", _("First and last name, or neither."))
        return given


class ReasonForAges(forms.Form):
    age_reason = forms.CharField(
        label=gettext_lazy("Take them at this price all the same, because"),
        max_length=500,
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
    )


def travellers_page(admin: Any, request: HttpRequest, booking: Booking) -> HttpResponse:
    """Fill in the rows; who is of another age than their category is named at the row, and taken with a reason."""
    rows = _rows(booking)
    posted = request.POST or None
    forms_ = [TravellerForm(posted, prefix=str(place), initial=row) for place, row in enumerate(rows)]
    reason = ReasonForAges(posted)
    are_valid = [form.is_valid() for form in [*forms_, reason]]
    if posted is not None and all(are_valid):
        named = [form for form in forms_ if form.cleaned_data["first_name"]]
        travellers = [
            {**{name: form.cleaned_data[name] for name in FIELDS}, "category": row["category"]}
            for form, row in zip(forms_, rows, strict=True)
            if form in named
        ]
        try:
            services.name_travellers(
                booking_id=booking.pk,
                travellers=travellers,
                actor=request.user,
                age_reason=reason.cleaned_data["age_reason"]
                if request.user.has_perm("bookings.override_policy")
                else "",  # type: ignore[union-attr]
            )
        except AgeOutsideCategory as refusal:
            messages.error(request, str(refusal))
            for form, faults in zip(named, refusal.details["travellers"], strict=True):
                for fault in faults.get("age", ()):
                    form.add_error("age", fault)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("The travellers are noted."))
            return redirect("admin:bookings_booking_change", booking.pk)
    is_of_other_age = any("age" in form.errors for form in forms_)
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": _("Travellers of {reference}").format(reference=booking.reference),
        "booking": booking,
        "rows": [(row["label"], form) for row, form in zip(rows, forms_, strict=True)],
        "reason": reason if is_of_other_age and request.user.has_perm("bookings.override_policy") else None,  # type: ignore[union-attr]
    }
    return TemplateResponse(request, "admin/bookings/booking/travellers.html", context)


def _rows(booking: Booking) -> list[dict[str, Any]]:
    """A row for each guest by category, with who was named for it."""
    known: dict[str, list[Any]] = {}
    for traveller in booking.travellers.all():
        known.setdefault(traveller.category, []).append(traveller)
    labels = booking.quote.get("guest_labels", {})
    rows = []
    for code, number in booking.quote["guests"].items():
        label = labels[code][language_now()] if code in labels else code
        for place in range(number):
            named = known.get(code, [])[place : place + 1]
            values = {name: getattr(named[0], name) for name in FIELDS} if named else {}
            rows.append({"category": code, "label": label, **values})
    return rows
