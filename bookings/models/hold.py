from typing import Any

from django.conf import settings
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from config import metrics
from config.errors import IllegalMove
from config.i18n import language_now
from config.ids import uuid7
from config.models import TenantForeignKey, TenantManager, TenantOwned
from tours.models import Departure


class HoldStatus(models.TextChoices):
    ACTIVE = "ACTIVE", _("Active")
    CONVERTED = "CONVERTED", _("Booked")
    RELEASED = "RELEASED", _("Released")
    EXPIRED = "EXPIRED", _("Expired")


ALLOWED = {
    HoldStatus.ACTIVE: {HoldStatus.CONVERTED, HoldStatus.RELEASED, HoldStatus.EXPIRED},
    # A payment that came late wins the seats again.
    HoldStatus.EXPIRED: {HoldStatus.CONVERTED},
    HoldStatus.RELEASED: set(),
    HoldStatus.CONVERTED: {HoldStatus.RELEASED},
}


class HoldQuerySet(models.QuerySet):
    def overdue(self) -> Any:
        """Active holds whose time is over: their seats may be given to others."""
        return self.filter(status=HoldStatus.ACTIVE, expires_at__lte=now())


class Hold(TenantOwned):
    """Seats of one departure kept for somebody until `expires_at`, at the price of the frozen quote."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    departure = TenantForeignKey(Departure, models.PROTECT, related_name="holds", verbose_name=_("departure"))
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("customer")
    )
    # SHA-256 of the secret that a guest without an account was given with the hold.
    token_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    seats = models.PositiveSmallIntegerField(_("seats"))
    # Places by which the departure was enlarged for this hold (overbooking); they go when its seats are given back.
    beyond_capacity = models.PositiveSmallIntegerField(_("beyond capacity"), default=0, db_default=0)
    # Of its seats, those that came from places kept for a partner.
    allotted_from = TenantForeignKey(
        "bookings.AllottedPlaces", models.SET_NULL, null=True, blank=True, editable=False, related_name="holds"
    )
    allotted_seats = models.PositiveSmallIntegerField(_("of the allotment"), default=0, db_default=0)
    quote = models.JSONField(_("quote"))
    status = models.CharField(_("status"), max_length=10, choices=HoldStatus.choices, default=HoldStatus.ACTIVE)
    extensions = models.PositiveSmallIntegerField(_("extensions"), default=0)
    created_at = models.DateTimeField(_("created at"), default=now)
    expires_at = models.DateTimeField(_("expires at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)

    objects = TenantManager.from_queryset(HoldQuerySet)()

    partner: Any = None  # for whom it is made, where somebody acts for a partner; only while it is made
    by_partner = False  # asked for by a partner; only while it is made
    token = ""  # the guest's secret in plain, only on the object that was just made

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=HoldStatus.values), name="hold_status_known")
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=models.Q(status="ACTIVE"), name="hold_overdue"),
            models.Index(fields=["departure", "status"], name="hold_by_departure"),
        ]

    def __str__(self) -> str:
        return f"{self.seats} × {self.quote['title'][language_now()]}" if "title" in self.quote else str(self.seats)

    def move_to(self, status: HoldStatus) -> None:
        """The only line that changes the status. Raises `IllegalMove`. Seats are the caller's to move."""
        if status not in ALLOWED[HoldStatus(self.status)]:
            raise IllegalMove(what=_("The hold"), current=self.get_status_display(), wanted=status.label)
        self.status, self.ended_at = status, now()
        self.save(update_fields=["status", "ended_at"])
        metrics.count(metrics.HOLDS, status)
