"""Who of a party came to a departure: the counters, and the steps that made them."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from bookings.models.booking import BookingItem
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOneToOneField, TenantOwned


class Attendance(TenantOwned):
    """Of a booking's party on one departure: how many came, and how many are known not to come.

    Written from the steps under the booking's lock; the CHECK is the last guard against a party let in twice.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = TenantOneToOneField(BookingItem, models.PROTECT, related_name="attendance")
    guests = models.PositiveSmallIntegerField(_("guests"))
    came = models.PositiveSmallIntegerField(_("came"), default=0)
    absent = models.PositiveSmallIntegerField(_("did not come"), default=0)

    class Meta:
        verbose_name = _("attendance")
        verbose_name_plural = _("attendances")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(absent__lte=F("guests") - F("came")), name="attendance_within_party")
        ]

    def __str__(self) -> str:
        return f"{self.came} / {self.guests}"

    @property
    def missing(self) -> int:
        """Guests of whom nothing is known yet."""
        return self.guests - self.came - self.absent


class CheckInAction(models.TextChoices):
    CAME = "CAME", _("Came")
    ABSENT = "ABSENT", _("Did not come")
    UNDO = "UNDO", _("Taken back")


class CheckInMethod(models.TextChoices):
    NAME = "NAME", _("By name")
    QR = "QR", _("By voucher")


class CheckIn(TenantOwned):
    """One step of a check-in: who noted what, when and why. The database refuses to edit it; mistakes are taken back."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The step's id for clients, who choose it, so that what a phone sends twice is done once.
    key = models.UUIDField(_("id"), default=uuid7, editable=False)
    attendance = TenantForeignKey(Attendance, models.PROTECT, related_name="steps")
    action = models.CharField(_("what"), max_length=6, choices=CheckInAction.choices)
    guests = models.PositiveSmallIntegerField(_("guests"))
    # When it happened, by the clock of who noted it; a phone without reception tells us later.
    at = models.DateTimeField(_("at"), default=now)
    recorded_at = models.DateTimeField(_("recorded at"), default=now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("who")
    )
    method = models.CharField(_("how"), max_length=4, choices=CheckInMethod.choices, default=CheckInMethod.NAME)
    reason = models.CharField(_("why"), max_length=500, blank=True, default="")
    undoes = TenantOneToOneField("self", models.PROTECT, null=True, related_name="undone_by", verbose_name=_("undoes"))

    class Meta:
        verbose_name = _("check-in")
        verbose_name_plural = _("check-ins")
        ordering = ["recorded_at", "id"]
        default_permissions = ("view",)
        permissions = [
            ("view_manifest", _("May read the Today page and manifests")),
            ("check_in", _("May check guests in")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="check_in_once"),
            models.CheckConstraint(condition=Q(guests__gt=0), name="check_in_of_somebody"),
            models.CheckConstraint(
                condition=(Q(action="UNDO") & Q(undoes__isnull=False)) | (~Q(action="UNDO") & Q(undoes=None)),
                name="check_in_undoes_a_step",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.guests}"
