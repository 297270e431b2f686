"""Feeds for other companies: what was published when, what stayed out and why."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from config.errors import DomainError
from tours.admin.shown import badge
from tours.models import Feed
from tours.services.feeds import publish_things_to_do


@admin.register(Feed)
class FeedAdmin(ModelAdmin):
    empty_hint = gettext_lazy(
        "Lists of the tours for search engines, made each night and when you ask for it, once the operator has a site."
    )
    list_display = ["kind", "products", "made_at", "state_shown"]
    actions_list = ["publish_now"]
    fields = ["kind", "products", "made_at", "state_shown", "refused_at", "refusal", "left_out_shown"]
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_publish_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("tours.publish")  # type: ignore[union-attr]

    @action(description=gettext_lazy("Publish now"), icon="publish", permissions=["publish"])
    def publish_now(self, request: HttpRequest) -> HttpResponse:
        try:
            feed = publish_things_to_do(actor=request.user)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("Published: {n} products.").format(n=feed.products))
        return redirect("admin:tours_feed_changelist")

    @display(description=gettext_lazy("state"))
    def state_shown(self, feed: Feed) -> str:
        if feed.refusal:
            return badge(_("Refused; the last good one is still served") if feed.made_at else _("Refused"), "bad")
        return badge(_("Published"), "good")

    @display(description=gettext_lazy("left out"))
    def left_out_shown(self, feed: Feed) -> str:
        rows = [(row["title"], _("has no price")) for row in feed.left_out]
        return format_html_join("", "<div>{}: {}</div>", rows) if rows else "–"
