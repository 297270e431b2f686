import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from bookings.models.booking import Booking
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned


class BookingEvent(TenantOwned):
    """One line of a booking's history: a change of state, or something done to it. The database refuses to edit it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    booking = TenantForeignKey(Booking, models.PROTECT, related_name="events")
    at = models.DateTimeField(_("at"), default=now)
    # `status` for a change of state; else what was done: `voucher_resent`, `contact_changed`, `refund` …
    action = models.CharField(_("what"), max_length=40, default="status")
    old_status = models.CharField(_("from"), max_length=16, blank=True, default="")
    new_status = models.CharField(_("to"), max_length=16, blank=True, default="")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("who")
    )
    reason = models.CharField(_("why"), max_length=500, blank=True, default="")
    address = models.GenericIPAddressField(_("address"), null=True)
    data = models.JSONField(_("data"), default=dict)

    class Meta:
        verbose_name = _("event of a booking")
        verbose_name_plural = _("history of bookings")
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["booking", "at"], name="booking_history")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.booking} {self.action} {self.new_status}"
