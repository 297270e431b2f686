"""What was decided about a departure that too few had booked."""

from django.conf import settings
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from config.ids import uuid7
from config.models import TenantOneToOneField, TenantOwned
from tours.models.catalogue import BelowMinimum
from tours.models.schedule import Departure


class RunDecision(TenantOwned):
    """Made once at the option's time of decision, by its rule; `ASK` waits for somebody, who says GO or CANCEL and why."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    departure = TenantOneToOneField(Departure, models.CASCADE, related_name="run_decision", verbose_name=_("departure"))
    decision = models.CharField(_("decision"), max_length=6, choices=BelowMinimum.choices)
    minimum = models.PositiveIntegerField(_("minimum"))
    booked = models.PositiveIntegerField(_("booked"))
    decided_at = models.DateTimeField(_("decided at"), default=now)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("decision below the minimum")
        verbose_name_plural = _("decisions below the minimum")
        ordering = ["-decided_at"]

    def __str__(self) -> str:
        return f"{self.departure_id}: {self.get_decision_display()}"
