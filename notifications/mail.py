"""Mails to people: written as a row with the fact they tell of, sent after commit, once, retried until they go.

write_message("booking_confirmed", to=booking.email, language=booking.language, once_key=f"booking:{booking.pk}:confirmed",
              context={"booking": booking}, about=booking, attachments=[("voucher.pdf", "application/pdf", pdf)])

renders `mail/booking_confirmed.subject.txt`, `.txt` and `.html` (of any app's `templates/`); the texts extend
`mail/layout.txt` and `mail/layout.html` and translate themselves, so one template serves both languages.
"""

import logging
import re
from collections.abc import Iterable
from datetime import timedelta
from email.utils import formataddr, parseaddr
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import F, Model
from django.template import Context
from django.template.loader import get_template
from django.utils.timezone import now
from django.utils.translation import override

from config import metrics
from config.i18n import LANGUAGES, in_language
from config.tenancy import tenant_at_hand
from notifications.errors import NothingLeftToSend
from notifications.models import Attachment, Message, MessageStatus
from notifications.outbox import send_task

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 10

# While one worker talks to the mail server nobody else may; a worker that dies leaves the message to the sweep after this.
SENDING_TAKES_AT_MOST = timedelta(minutes=5)
GRACE = timedelta(seconds=10)  # what was just written has a task on its way: the sweep leaves it alone so long

CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")

AttachedFile = tuple[str, str, bytes]


def write_message(
    template: str,
    *,
    to: str,
    language: str,
    once_key: str,
    context: dict[str, Any],
    about: Model | None = None,
    attachments: Iterable[AttachedFile] = (),
    secret: bool = False,
) -> Message | None:
    """Render a mail and queue it; it leaves after the transaction has committed.

    One message per `once_key` (and tenant): a repeat returns None and changes nothing. `language` is `en` or `ar`;
    anything else is answered in English. `attachments` are (name, content type, bytes). `secret` says that who holds the
    mail can act as its recipient (a reset link): staff are not shown it, and its text goes once it is sent. Raises
    `ValidationError` where `to` is no address.
    """
    validate_email(to)
    language = language if language in LANGUAGES else "en"
    if Message.objects.filter(once_key=once_key).exists():
        return None
    subject, text, html = render(template, language, context)
    try:
        with transaction.atomic():
            message = Message.objects.create(
                template=template,
                once_key=once_key,
                recipient=to,
                language=language,
                subject=subject,
                text=text,
                html=html,
                is_secret=secret,
                subject_type=about._meta.label_lower if about is not None else "",
                subject_id=about.pk if about is not None else None,
            )
            Attachment.objects.bulk_create(
                Attachment(message=message, name=one_line(name), content_type=content_type, content=content)
                for name, content_type, content in attachments
            )
            transaction.on_commit(partial(send_task, "notifications.tasks.send_message", str(message.pk)))
    except IntegrityError as fault:
        if "message_once" not in str(fault):
            raise
        return None  # another transaction wrote it a moment ago
    return message


def render(template: str, language: str, context: dict[str, Any]) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail in a language. Only the HTML is escaped; the subject is one line."""
    tenant = tenant_at_hand()
    with override(language):
        values = {
            "language": language,
            "dir": "rtl" if language == "ar" else "ltr",
            "start": "right" if language == "ar" else "left",
            "end": "left" if language == "ar" else "right",
            "tenant_name": in_language(tenant, "name", language),
            "tenant_address": in_language(tenant, "address", language),
            "tenant_phone": str(tenant.phone),
            "tenant_email": tenant.email,
            "site_url": site_url(tenant),
            **context,
        }
        subject = one_line(_fill(f"mail/{template}.subject.txt", values, escape=False))[:250]
        values["subject"] = subject
        text = _fill(f"mail/{template}.txt", values, escape=False)
        html = _fill(f"mail/{template}.html", values, escape=True)
    return subject, re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", html


def site_url(tenant: Any) -> str:
    """Where the tenant's customers find it: its own host, else the installation's address."""
    return f"https://{tenant.host}" if tenant.host else settings.PUBLIC_URL


def one_line(text: str) -> str:
    """The text without line breaks and other control characters: safe in a header."""
    return " ".join(CONTROL.sub(" ", text).split())


def _fill(name: str, values: dict[str, Any], *, escape: bool) -> str:
    return get_template(name).template.render(Context(values, autoescape=escape))  # type: ignore[attr-defined]


def send_message(message_id: UUID | str) -> bool:
    """Hand one message to the mail server. Returns False when it was sent already or is being sent elsewhere.

    The message is claimed before and marked after, and no transaction is open while the server answers. A worker that
    dies in between leaves it to the sweep; the `Message-ID` stays the same, so that mail programs show it once. A refusal
    is tried again after 30 s, 1 min, 2 min … up to an hour, and given up after 10 attempts (staff can send it again).
    """
    claimed = Message.objects.filter(
        pk=message_id, status=MessageStatus.QUEUED, next_try_at__lte=now(), attempts__lt=MOST_ATTEMPTS
    ).update(attempts=F("attempts") + 1, next_try_at=now() + SENDING_TAKES_AT_MOST)
    if not claimed:
        return False
    message = Message.objects.prefetch_related("attachments").get(pk=message_id)
    try:
        as_email(message).send()
    except Exception as fault:  # the outermost edge: noted on the row, logged, tried again
        logger.exception("message %s could not be sent", message_id)
        metrics.MAILS.labels("refused").inc()
        _note_refusal(message, fault)
    else:
        metrics.MAILS.labels("sent").inc()
        emptied = {"text": "", "html": ""} if message.is_secret else {}
        Message.objects.filter(pk=message_id).update(status=MessageStatus.SENT, sent_at=now(), error="", **emptied)
    return True


def as_email(message: Message) -> EmailMultiAlternatives:
    """The message as the mail it becomes: text and HTML, its files, its headers."""
    tenant = tenant_at_hand()
    _name, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    email = EmailMultiAlternatives(
        subject=one_line(message.subject),
        body=message.text,
        from_email=formataddr((one_line(in_language(tenant, "name", message.language)), sender)),
        to=[message.recipient],
        reply_to=[tenant.email] if tenant.email else None,
        headers={
            "Message-ID": f"<{message.pk}@{sender.rpartition('@')[2]}>",
            "Content-Language": message.language,
            "Auto-Submitted": "auto-generated",
            "X-Rihla-Template": message.template,
        },
    )
    email.attach_alternative(message.html, "text/html")
    for attachment in message.attachments.all():
        email.attach(attachment.name, bytes(attachment.content), attachment.content_type)
    return email


def _note_refusal(message: Message, fault: Exception) -> None:
    given_up = message.attempts >= MOST_ATTEMPTS
    wait = min(timedelta(seconds=30 * 2 ** (message.attempts - 1)), timedelta(hours=1))
    Message.objects.filter(pk=message.pk, status=MessageStatus.QUEUED).update(
        status=MessageStatus.FAILED if given_up else MessageStatus.QUEUED,
        error=f"{type(fault).__name__}: {fault}"[:2000],
        next_try_at=now() + wait,
    )


def send_again(message_id: UUID | str) -> None:
    """Staff: queue a message anew, whether it was given up, still waits or was sent.

    Raises `NothingLeftToSend` for one that went out and whose text is gone: a secret one, or one that is too old.
    """
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message_id)
        if message.status == MessageStatus.SENT and not message.html:
            raise NothingLeftToSend
        message.status, message.attempts, message.next_try_at, message.error = MessageStatus.QUEUED, 0, now(), ""
        message.save(update_fields=["status", "attempts", "next_try_at", "error"])
        transaction.on_commit(partial(send_task, "notifications.tasks.send_message", str(message_id)))


def queued_messages(limit: int = 200) -> list[UUID]:
    """Messages of the current tenant whose time has come and that no task seems to be sending."""
    due = now() - GRACE
    return list(
        Message.objects.filter(status=MessageStatus.QUEUED, attempts__lt=MOST_ATTEMPTS, next_try_at__lte=due)
        .order_by("next_try_at")
        .values_list("pk", flat=True)[:limit]
    )


def give_up_lost_messages() -> int:
    """Messages whose last attempt ended with its worker: no result, no attempts left. Returns how many there were."""
    return Message.objects.filter(
        status=MessageStatus.QUEUED, attempts__gte=MOST_ATTEMPTS, next_try_at__lte=now()
    ).update(status=MessageStatus.FAILED, error="The worker ended while sending.")
