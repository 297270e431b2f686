"""Facts and the texts of mails: how long they are kept. What waits, or was given up, stays until it has been dealt with."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from config.ids import first_uuid7_at
from config.retention import kept_days, let_go, still_needed
from notifications.models import Attachment, Delivery, DeliveryStatus, Event, Message, MessageStatus


@let_go("facts", kept_days("facts"))
def old_facts(before: datetime, most: int) -> int:
    """Facts that all their subscribers have heard, with the deliveries. Found by their ids, which grow with time."""
    unheard = Delivery.objects.filter(event=OuterRef("pk")).exclude(status=DeliveryStatus.DONE)
    heard = Event.objects.filter(~Exists(unheard), pk__lt=first_uuid7_at(before)).exclude(subject_id__in=still_needed())
    with transaction.atomic():
        locked = heard.select_for_update(skip_locked=True).order_by("pk")
        ids = list(locked.values_list("pk", flat=True)[:most])
        Event.objects.filter(pk__in=ids).delete()
    return len(ids)


@let_go("mail_texts", kept_days("mail_texts"))
def old_mail_texts(before: datetime, most: int) -> int:
    """What mails said, and the files they had. That each was sent, when and to whom, stays: nobody gets it twice."""
    needed = Q(subject_id__in=still_needed())
    sent = Message.objects.filter(status=MessageStatus.SENT, sent_at__lt=before).exclude(html="").exclude(needed)
    with transaction.atomic():
        locked = sent.select_for_update(skip_locked=True).order_by("sent_at")
        ids = list(locked.values_list("pk", flat=True)[:most])
        Attachment.objects.filter(message_id__in=ids).update(content=b"")
        Message.objects.filter(pk__in=ids).update(text="", html="")
    return len(ids)
