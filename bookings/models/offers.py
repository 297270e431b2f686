"""What guests are asked when their departure cannot be as they booked it: another one, or their money back."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from accounts.models import Unanswered
from bookings.models.booking import Booking
from config.ids import uuid7
from config.models import TenantForeignKey, TenantManager, TenantOwned
from tours.models import Departure


class OfferStatus(models.TextChoices):
    OPEN = "OPEN", _("Waiting for the guest")
    MOVED = "MOVED", _("Moved")
    REFUNDED = "REFUNDED", _("Refunded")
    KEPT = "KEPT", _("Kept as booked")
    WITHDRAWN = "WITHDRAWN", _("Withdrawn")


class AnsweredBy(models.TextChoices):
    GUEST = "GUEST", _("Guest")
    STAFF = "STAFF", _("Staff")
    NOBODY = "NOBODY", _("Nobody in time")


class ChoiceOfferQuerySet(models.QuerySet):
    def waiting(self) -> Any:
        return self.filter(status=OfferStatus.OPEN)

    def overdue(self) -> Any:
        """Those that nobody answered in time."""
        return self.waiting().filter(deadline__lte=now())


class ChoiceOffer(TenantOwned):
    """One booking's choice. It ends once: by the guest, by staff for them, or by the deadline."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    booking = TenantForeignKey(Booking, models.PROTECT, related_name="offers", verbose_name=_("booking"))
    departure = TenantForeignKey(
        Departure, models.PROTECT, related_name="choice_offers", verbose_name=_("departure as booked")
    )
    reason_en = models.CharField(_("reason (English)"), max_length=300)
    reason_ar = models.CharField(_("reason (Arabic)"), max_length=300)
    may_keep = models.BooleanField(
        _("may keep it"), default=False, help_text=_("The departure runs all the same, and guests may stay on it.")
    )
    unanswered = models.CharField(_("without an answer"), max_length=10, choices=Unanswered.choices)
    deadline = models.DateTimeField(_("answer until"))
    status = models.CharField(_("status"), max_length=10, choices=OfferStatus.choices, default=OfferStatus.OPEN)
    chosen = TenantForeignKey(
        Departure, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("chosen departure")
    )
    answered_by = models.CharField(_("answered by"), max_length=10, choices=AnsweredBy.choices, blank=True, default="")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("who")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("created at"), default=now)
    answered_at = models.DateTimeField(_("answered at"), null=True)

    objects = TenantManager.from_queryset(ChoiceOfferQuerySet)()

    class Meta:
        verbose_name = _("choice of a guest")
        verbose_name_plural = _("choices of guests")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["booking"], condition=Q(status="OPEN"), name="choice_open_once"),
            models.CheckConstraint(
                condition=Q(status="MOVED", chosen__isnull=False) | (~Q(status="MOVED") & Q(chosen=None)),
                name="choice_moved_somewhere",
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN", answered_at=None) | (~Q(status="OPEN") & Q(answered_at__isnull=False)),
                name="choice_answered_at",
            ),
            models.CheckConstraint(condition=Q(status__in=OfferStatus.values), name="choice_status_known"),
        ]
        indexes = [models.Index(fields=["deadline"], condition=Q(status="OPEN"), name="choice_overdue")]

    def __str__(self) -> str:
        return str(self.booking)

    @property
    def is_open(self) -> bool:
        """Whether the guest may still answer."""
        return self.status == OfferStatus.OPEN and self.deadline > now()


class OfferedDeparture(TenantOwned):
    """A departure to which a booking may move by its choice."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    offer = TenantForeignKey(ChoiceOffer, models.CASCADE, related_name="offered")
    departure = TenantForeignKey(Departure, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("offered departure")
        verbose_name_plural = _("offered departures")
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["offer", "departure"], name="departure_offered_once")]

    def __str__(self) -> str:
        return str(self.departure_id)
