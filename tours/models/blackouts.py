"""Days on which nothing runs: of one tour, of a destination, or of the whole house."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned
from tours.models.catalogue import Destination, Tour


class Blackout(TenantOwned):
    """From this day until that day, both included, the schedule rests. Without tour and destination, everywhere.

    What staff add by hand on such a day runs all the same: they know why.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(
        Tour, models.CASCADE, null=True, blank=True, related_name="blackouts", verbose_name=_("tour")
    )
    destination = TenantForeignKey(
        Destination, models.CASCADE, null=True, blank=True, related_name="blackouts", verbose_name=_("destination")
    )
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    reason_en = models.CharField(_("reason (English)"), max_length=200)
    reason_ar = models.CharField(_("reason (Arabic)"), max_length=200)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("blackout")
        verbose_name_plural = _("blackouts")
        ordering = ["first_day", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="blackout_ends_after_start",
                violation_error_message=_("The last day cannot be before the first."),
            ),
            models.CheckConstraint(
                condition=Q(tour=None) | Q(destination=None),
                name="blackout_of_one_thing",
                violation_error_message=_("Choose a tour or a destination, not both."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_day:%Y-%m-%d} – {self.last_day:%Y-%m-%d} · {in_language(self, 'reason')}"
