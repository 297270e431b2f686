import logging
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from config.errors import DomainError
from notifications.mail import send_again
from notifications.models import Attachment, Delivery, DeliveryStatus, Event, Message, MessageStatus
from notifications.outbox import deliver_again

logger = logging.getLogger(__name__)


class Written:
    """Written by services: staff look, and try again what did not get through, by actions of the list."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)  # type: ignore[attr-defined]

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        """Whoever may change the rows of a kind may have them tried again."""
        options = self.opts  # type: ignore[attr-defined]
        return bool(request.user.has_perm(f"{options.app_label}.change_{options.model_name}"))  # type: ignore[union-attr]


def link_to_subject(kind: str, id_: Any) -> str:
    """A link to the page of what a fact or message is about, named by what it is; the plain kind where there is none."""
    if not kind:
        return "–"
    try:
        address = reverse(f"admin:{kind.replace('.', '_')}_change", args=[id_])
    except NoReverseMatch:
        return kind
    return format_html('<a href="{}">{}</a>', address, apps.get_model(kind)._meta.verbose_name)


def try_each(
    model_admin: ModelAdmin, request: HttpRequest, rows: QuerySet[Any], attempt: Callable[[Any], None]
) -> None:
    """Do it for each row; tell how many went, and why others did not."""
    done = 0
    for row in rows:
        try:
            attempt(row.pk)
        except DomainError as refusal:
            model_admin.message_user(request, f"{row}: {refusal}", messages.ERROR)
        else:
            done += 1
            logger.info("%s %s: tried again by %s", row._meta.label_lower, row.pk, request.user.pk)
    if done:
        text = ngettext("%(count)d is on its way again.", "%(count)d are on their way again.", done)
        model_admin.message_user(request, text % {"count": done}, messages.SUCCESS)


class DeliveryInline(Written, TabularInline):
    model = Delivery
    fields = ["subscriber", "status", "attempts", "next_try_at", "done_at", "error"]
    extra = 0
    hide_title = True
    show_change_link = True


@admin.register(Event)
class EventAdmin(Written, ModelAdmin):
    list_display = ["type", "occurred_at", "subject", "expected_deliveries"]
    list_filter = ["type", "occurred_at"]
    search_fields = ["=subject_id", "type"]
    date_hierarchy = "occurred_at"
    fields = ["type", "occurred_at", "subject", "subject_id", "data", "expected_deliveries"]
    inlines = [DeliveryInline]

    @display(description=_("about"))
    def subject(self, event: Event) -> str:
        return link_to_subject(event.subject_type, event.subject_id)


@admin.register(Delivery)
class DeliveryAdmin(Written, ModelAdmin):
    list_display = ["event_type", "subscriber", "status_shown", "attempts", "next_try_at", "done_at"]
    list_filter = ["status", "subscriber", "event__type"]
    list_select_related = ["event"]
    search_fields = ["=event__subject_id", "subscriber", "error"]
    fields = ["event", "subscriber", "status", "attempts", "next_try_at", "done_at", "error"]
    ordering = ["-next_try_at"]
    actions = ["try_again"]

    @display(description=_("event"), ordering="event__type")
    def event_type(self, delivery: Delivery) -> str:
        return delivery.event.type

    @display(
        description=_("status"),
        ordering="status",
        label={DeliveryStatus.WAITING: "warning", DeliveryStatus.DONE: "success", DeliveryStatus.FAILED: "danger"},
    )
    def status_shown(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.status, delivery.get_status_display()

    @admin.action(description=_("Try again"), permissions=["try_again"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        try_each(self, request, queryset.exclude(status=DeliveryStatus.DONE), deliver_again)


class AttachmentInline(Written, TabularInline):
    model = Attachment
    fields = ["name", "content_type", "size"]
    extra = 0
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Attachment.objects.defer("content").annotate(bytes=Length("content"))

    @display(description=_("size"))
    def size(self, attachment: Any) -> str:
        return filesizeformat(attachment.bytes)


@admin.register(Message)
class MessageAdmin(Written, ModelAdmin):
    list_display = ["subject", "recipient", "template", "language_shown", "status_shown", "created_at", "sent_at"]
    list_filter = ["status", "template", "language", "created_at"]
    search_fields = ["recipient", "subject", "=subject_id"]
    date_hierarchy = "created_at"
    fieldsets = [
        (None, {"fields": ["recipient", "subject", "about", "template", "language_shown"]}),
        (
            _("Sending"),
            {"fields": ["status", "attempts", "next_try_at", "error", "created_at", "sent_at", "once_key"]},
        ),
        (_("Content"), {"fields": ["preview", "plain_text"]}),
    ]
    inlines = [AttachmentInline]
    actions = ["send_again"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = Message.objects.all()
        return rows if request.resolver_match.url_name.endswith("_change") else rows.defer("text", "html")  # type: ignore[union-attr]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for _title, options in self.fieldsets for name in options["fields"]]

    @display(description=_("language"), ordering="language")
    def language_shown(self, message: Message) -> str:
        return str(dict(settings.LANGUAGES).get(message.language, message.language))

    @display(description=_("about"))
    def about(self, message: Message) -> str:
        return link_to_subject(message.subject_type, message.subject_id)

    @display(
        description=_("status"),
        ordering="status",
        label={MessageStatus.QUEUED: "warning", MessageStatus.SENT: "success", MessageStatus.FAILED: "danger"},
    )
    def status_shown(self, message: Message) -> tuple[str, str]:
        return message.status, message.get_status_display()

    @display(description=_("preview"))
    def preview(self, message: Message) -> Any:
        """In a frame that may run nothing and reach nothing of ours."""
        if message.is_secret:
            return _("Not shown: this message opens its recipient's account.")
        if not message.html:
            return _("No longer kept: what mails said goes after a time.")
        return format_html(
            '<iframe sandbox="" srcdoc="{}" title="{}" style="width:100%; height:640px; border:0; border-radius:8px;'
            ' background:#eef4f3"></iframe>',
            message.html,
            message.subject,
        )

    @display(description=_("text"))
    def plain_text(self, message: Message) -> Any:
        if message.is_secret:
            return _("Not shown: this message opens its recipient's account.")
        return format_html('<pre dir="auto" style="white-space:pre-wrap">{}</pre>', message.text)

    @admin.action(description=_("Send again"), permissions=["try_again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        try_each(self, request, queryset, send_again)
