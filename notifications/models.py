"""The outbox: facts that happened, who must hear of them, and the messages that went out to people."""

from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned


class Event(TenantOwned):
    """A fact, written in the transaction that made it true."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    type = models.CharField(_("type"), max_length=60)
    occurred_at = models.DateTimeField(_("occurred at"), default=now)
    subject_type = models.CharField(_("kind of thing"), max_length=60)
    subject_id = models.UUIDField(_("id of the thing"))
    data = models.JSONField(_("data"), default=dict)
    # How many deliveries were written with it: what lets a lost one be noticed (`notifications.invariants`).
    expected_deliveries = models.PositiveSmallIntegerField(_("subscribers"), db_default=0)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-occurred_at"]
        indexes = [models.Index(fields=["tenant", "subject_type", "subject_id"], name="event_by_subject")]

    def __str__(self) -> str:
        return f"{self.type} {self.subject_id}"


class DeliveryStatus(models.TextChoices):
    WAITING = "WAITING", _("Waiting")
    DONE = "DONE", _("Done")
    FAILED = "FAILED", _("Given up")


class Delivery(TenantOwned):
    """One event for one subscriber. Taken up again by a sweep until it is done."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event = TenantForeignKey(Event, models.CASCADE, related_name="deliveries", verbose_name=_("event"))
    subscriber = models.CharField(_("subscriber"), max_length=120)
    status = models.CharField(_("status"), max_length=8, choices=DeliveryStatus.choices, default=DeliveryStatus.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(_("next try"), default=now)
    done_at = models.DateTimeField(_("done at"), null=True)
    error = models.TextField(_("error"), blank=True, default="")

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [models.UniqueConstraint(fields=["event", "subscriber"], name="delivery_once")]
        indexes = [
            models.Index(fields=["next_try_at"], condition=models.Q(status="WAITING"), name="delivery_waiting"),
            models.Index(fields=["next_try_at"], condition=models.Q(status="FAILED"), name="delivery_given_up"),
        ]

    def __str__(self) -> str:
        return f"{self.event} → {self.subscriber}"


class MessageStatus(models.TextChoices):
    QUEUED = "QUEUED", _("Queued")
    SENT = "SENT", _("Sent")
    FAILED = "FAILED", _("Failed")


class Message(TenantOwned):
    """A mail to a person: written with the fact it tells of, sent after commit, once, retried until it goes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    template = models.CharField(_("template"), max_length=60)
    once_key = models.CharField(_("sent once for"), max_length=160, help_text=_("Two messages never share it."))
    recipient = models.EmailField(_("to"))
    language = models.CharField(_("language"), max_length=2)
    subject = models.CharField(_("subject"), max_length=250)
    text = models.TextField(_("text"))
    html = models.TextField(_("HTML"))
    is_secret = models.BooleanField(
        _("secret"),
        db_default=False,
        help_text=_("Holds a link that opens an account: staff do not see the text, and it is emptied once sent."),
    )
    subject_type = models.CharField(_("about (kind)"), max_length=60, blank=True, default="")
    subject_id = models.UUIDField(_("about"), null=True)
    status = models.CharField(_("status"), max_length=8, choices=MessageStatus.choices, default=MessageStatus.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(_("next try"), default=now)
    error = models.TextField(_("error"), blank=True, default="")
    created_at = models.DateTimeField(_("written at"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent at"), null=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "once_key"], name="message_once")]
        indexes = [
            models.Index(fields=["next_try_at"], condition=models.Q(status="QUEUED"), name="message_queued"),
            models.Index(fields=["next_try_at"], condition=models.Q(status="FAILED"), name="message_given_up"),
            models.Index(fields=["tenant", "subject_type", "subject_id"], name="message_by_subject"),
            models.Index(
                fields=["sent_at"],
                condition=models.Q(status="SENT") & ~models.Q(html=""),
                name="message_with_text",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} → {self.recipient}"


class Attachment(TenantOwned):
    """A file that goes with a message."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message = TenantForeignKey(Message, models.CASCADE, related_name="attachments")
    name = models.CharField(_("name"), max_length=120)
    content_type = models.CharField(_("content type"), max_length=100)
    content = models.BinaryField(_("content"))

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")

    def __str__(self) -> str:
        return self.name
