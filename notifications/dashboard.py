"""What the dashboard says of facts and messages that did not get through."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from config.dashboard import Figure, Panel, panel
from config.db.counting import counts
from notifications.models import Delivery, DeliveryStatus, Message, MessageStatus


@panel(order=90, permission="notifications.view_delivery")
def what_did_not_get_through(request: HttpRequest) -> Panel:
    deliveries, messages = counts(
        Delivery.objects.filter(status=DeliveryStatus.FAILED), Message.objects.filter(status=MessageStatus.FAILED)
    )
    return Panel(
        title=_("Messages and deliveries"),
        figures=[
            Figure(
                _("Deliveries given up"),
                deliveries,
                link=reverse("admin:notifications_delivery_changelist") + "?status__exact=FAILED",
                tone="bad" if deliveries else "good",
            ),
            Figure(
                _("Mails that failed"),
                messages,
                link=reverse("admin:notifications_message_changelist") + "?status__exact=FAILED",
                tone="bad" if messages else "good",
            ),
        ],
    )
