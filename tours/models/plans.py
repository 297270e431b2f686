"""A change of the schedule that somebody asked for and has not confirmed yet, or has."""

from django.conf import settings
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from config.ids import uuid7
from config.models import TenantOwned


class PlannedChange(TenantOwned):
    """What is to be done, as `tours.services.planning` reads it; what it would do is worked out each time it is looked at."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    title = models.CharField(_("change"), max_length=200)
    operations = models.JSONField(_("operations"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("created at"), default=now)
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("applied by")
    )
    applied_at = models.DateTimeField(_("applied at"), null=True)
    # What it did: departures made, deleted, closed …, and the decision for those with guests.
    outcome = models.JSONField(_("outcome"), null=True)

    class Meta:
        verbose_name = _("planned change of the schedule")
        verbose_name_plural = _("planned changes of the schedule")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(applied_at=None, outcome=None)
                | models.Q(applied_at__isnull=False, outcome__isnull=False),
                name="planned_change_applied",
            )
        ]

    def __str__(self) -> str:
        return self.title
