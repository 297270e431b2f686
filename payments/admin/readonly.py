"""What the pages of this app share: rows are only looked at, and a dialog ends with a message on the page it came from."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from accounts.admin_audit import AuditedAdmin
from ledger.models import Transaction


class LookedAt(AuditedAdmin, ModelAdmin):
    """No adding, changing or deleting by hand."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def back_to(request: HttpRequest, page: str, message: Any, level: int = messages.SUCCESS) -> HttpResponse:
    """Leave a message and go to a page, from a dialog (which htmx sends) or from a plain form."""
    messages.add_message(request, level, message)
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": page})
    return HttpResponse(status=303, headers={"Location": page})


def page_of(row: Any) -> str:
    """The admin page of a row."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def linked(row: Any) -> str:
    """The row's name as a link to its page; a dash where there is none."""
    return format_html('<a href="{}"><bdi>{}</bdi></a>', page_of(row), row) if row is not None else "–"


def badge(label: Any, colour: str) -> str:
    """A coloured word, as lists show them."""
    return render_to_string("unfold/helpers/label.html", {"text": label, "type": colour})


def posting_link(posting: Transaction | None) -> str:
    return linked(posting)
