"""Writing to all guests of a departure, from its manifest."""

from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from bookings import selectors, services
from bookings.services.messages import LONGEST
from config.admin import page
from config.errors import DomainError
from tours.errors import DepartureNotFound

LABELS = {
    "subject_en": gettext_lazy("Subject (English)"),
    "text_en": gettext_lazy("Text (English)"),
    "subject_ar": gettext_lazy("Subject (Arabic)"),
    "text_ar": gettext_lazy("Text (Arabic)"),
}


class MessageForm(forms.Form):
    """Both languages; an empty line begins a new paragraph."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name, label in LABELS.items():
            attrs = {"dir": "rtl", "lang": "ar"} if name.endswith("_ar") else {"dir": "ltr", "lang": "en"}
            is_long = name.startswith("text")
            self.fields[name] = forms.CharField(
                label=label,
                max_length=LONGEST[name],
                widget=UnfoldAdminTextareaWidget({"rows": 6, **attrs})
                if is_long
                else UnfoldAdminTextInputWidget(attrs),
            )


@page("departure/<uuid:departure_id>/message/", name="departure_message", permission="bookings.change_booking")
def write_to_guests(request: HttpRequest, departure_id: UUID) -> HttpResponse:
    """Shows to how many it goes; sends it, to each booking's contact in their language."""
    try:
        manifest = selectors.manifest(departure_id)
    except DepartureNotFound as fault:
        raise Http404 from fault
    form = MessageForm(request.POST or None)
    if form.is_valid():
        try:
            told = services.write_to_guests(departure_id=departure_id, texts=form.cleaned_data, actor=request.user)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            said = ngettext("On its way to {n} booking.", "On its way to {n} bookings.", told).format(n=told)
            messages.success(request, said if told else _("All of them have this message already."))
            return redirect("admin:bookings_manifest", departure_id)
    context = {
        **admin.site.each_context(request),
        "title": _("Write to the guests"),
        "manifest": manifest,
        "form": form,
        "number": services.bookings_to_write_to(departure_id).count(),
    }
    return TemplateResponse(request, "admin/bookings/day/message.html", context)
