import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from config.admin import id_of
from config.errors import DomainError
from config.filters import DaysFilter
from payments.admin.payments import AskForm
from payments.admin.readonly import LookedAt, back_to, badge, linked, page_of
from payments.gateways.http import redacted
from payments.models import Notice, NoticeStatus
from payments.services import replay_notice

COLOURS = {
    NoticeStatus.NEW: "info",
    NoticeStatus.DONE: "success",
    NoticeStatus.IGNORED: "default",
    NoticeStatus.STALE: "default",
    NoticeStatus.FAILED: "danger",
}


@admin.register(Notice)
class NoticeAdmin(LookedAt):
    empty_hint = _("What gateways report about payments arrives here by itself.")
    list_display = ["dedupe_key", "gateway", "type", "state", "payment_link", "received_at", "attempts"]
    list_filter = [("status", ChoicesDropdownFilter), "gateway", "type", ("received_at", DaysFilter)]
    list_filter_submit = True
    list_select_related = ["payment"]
    search_fields = ["dedupe_key", "payment__number", "payment__booking__reference"]
    search_help_text = _("Event, payment, booking")
    fieldsets = [
        (None, {"fields": ["dedupe_key", "gateway", "type", "state_badge", "payment_link"]}),
        (_("Work on it"), {"fields": ["received_at", "attempts", "next_try_at", "done_at", "error"]}),
        (_("As it came"), {"fields": ["payload", "headers_shown", "address"]}),
    ]
    actions_detail = ["replay"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related("payment")
        return rows if request.resolver_match and request.resolver_match.kwargs else rows.defer("body")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for _title, block in self.fieldsets for name in block["fields"]]

    @display(description=_("status"), ordering="status", label=COLOURS)
    def state(self, notice: Notice) -> tuple[str, str]:
        return notice.status, notice.get_status_display()

    @display(description=_("status"))
    def state_badge(self, notice: Notice) -> str:
        return badge(notice.get_status_display(), COLOURS[NoticeStatus(notice.status)])

    @display(description=_("payment"), ordering="payment__number")
    def payment_link(self, notice: Notice) -> str:
        return linked(notice.payment)

    @display(description=_("body"))
    def payload(self, notice: Notice) -> str:
        raw = bytes(notice.body)
        if not raw:
            return str(_("No longer kept: what gateways told us goes after a time."))
        try:
            text = json.dumps(redacted(json.loads(raw)), indent=2, ensure_ascii=False)
        except ValueError:
            text = raw.decode("utf-8", "replace")
        return format_html('<pre dir="ltr" style="overflow:auto;max-height:32rem">{}</pre>', text)

    @display(description=_("headers"))
    def headers_shown(self, notice: Notice) -> str:
        lines = "\n".join(f"{name}: {value}" for name, value in sorted(notice.headers.items()))
        return format_html('<pre dir="ltr" style="overflow:auto">{}</pre>', lines)

    def has_reconcile_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("payments.reconcile")  # type: ignore[union-attr]

    @action(
        description=_("Take it up again"),
        icon="replay",
        permissions=["reconcile"],
        dialog={
            "title": _("Take this notice up again?"),
            "description": _("The gateway is asked about its payment once more. Repeating is harmless."),
            "form_class": AskForm,
            "form_submit_text": _("Take it up"),
        },
    )
    def replay(self, request: HttpRequest, form: AskForm, object_id: str) -> HttpResponse:
        notice_id = id_of(object_id)
        page = page_of(Notice(pk=notice_id))
        try:
            replay_notice(notice_id=notice_id, actor=request.user)
        except DomainError as refusal:
            return back_to(request, page, str(refusal), messages.ERROR)
        return back_to(request, page, _("The notice is being taken up again."))
