"""Pages of a tour for what needs a second look: making a copy of it."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from config.errors import DomainError
from tours.models import Tour
from tours.services import copy_titles, duplicate_tour


class CopyForm(forms.Form):
    title_en = forms.CharField(
        label=gettext_lazy("Title (English)"),
        min_length=3,
        max_length=200,
        widget=UnfoldAdminTextInputWidget({"dir": "ltr", "lang": "en"}),
    )
    title_ar = forms.CharField(
        label=gettext_lazy("Title (Arabic)"),
        required=False,
        min_length=3,
        max_length=200,
        widget=UnfoldAdminTextInputWidget({"dir": "rtl", "lang": "ar"}),
    )


def duplicate_view(page: Any, request: HttpRequest, tour_id: UUID) -> HttpResponse:
    """Asks for the titles of the copy; the answer makes it and opens it."""
    if not page.has_add_permission(request):
        raise PermissionDenied
    tour = get_object_or_404(Tour.objects.alive(), pk=tour_id)
    title_en, title_ar = copy_titles(tour)
    form = CopyForm(request.POST or None, initial={"title_en": title_en, "title_ar": title_ar})
    status = 200
    if form.is_valid():
        try:
            copy = duplicate_tour(tour_id=tour.pk, actor=request.user, **form.cleaned_data)
        except DomainError as refusal:
            status = refusal.status
            for name in refusal.details if refusal.details.keys() <= form.fields.keys() else ():
                form.add_error(name, str(refusal))
            if not form.errors:
                form.add_error(None, str(refusal))
        else:
            messages.success(request, _("This is the copy: a draft, until you put it on sale."))
            return redirect("admin:tours_tour_change", copy.pk)
    elif form.is_bound:
        status = 400
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": _("Duplicate “{tour}”").format(tour=tour),
        "tour": tour,
        "form": form,
    }
    return TemplateResponse(request, "admin/tours/editor/duplicate.html", context, status=status)
