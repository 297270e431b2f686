"""Places that several options share: the boat has 30, whoever buys them and on whichever tour.

A pool needs no counters of its own. What is taken of it at a moment is the sum over its departures that run at that moment;
a trigger on the departure proves after each change that no moment is sold beyond the pool (`tours.guards`).
"""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned
from tours.models.catalogue import TourOption


class Pool(TenantOwned):
    """A boat, a bus, a hall: so many places at any moment for all departures of its options together."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name_en = models.CharField(_("name (English)"), max_length=120)
    name_ar = models.CharField(_("name (Arabic)"), max_length=120)
    capacity = models.PositiveIntegerField(
        _("places"), validators=[MinValueValidator(1), MaxValueValidator(100_000)], help_text=_("At any moment.")
    )

    class Meta:
        verbose_name = _("shared places")
        verbose_name_plural = _("shared places")
        ordering = ["name_en"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name_en"],
                name="pool_name_once",
                violation_error_message=_("There are shared places of this name already."),
            ),
            models.CheckConstraint(condition=models.Q(capacity__gte=1), name="pool_has_places"),
        ]

    def __str__(self) -> str:
        return str(in_language(self, "name"))


class PoolMember(TenantOwned):
    """An option whose departures take their places from the pool."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    pool = TenantForeignKey(Pool, models.CASCADE, related_name="members", verbose_name=_("shared places"))
    option = TenantForeignKey(TourOption, models.CASCADE, related_name="pool_members", verbose_name=_("option"))

    class Meta:
        verbose_name = _("option that shares them")
        verbose_name_plural = _("options that share them")
        constraints = [models.UniqueConstraint(fields=["pool", "option"], name="pool_member_once")]
        indexes = [models.Index(fields=["option"], name="pool_member_by_option")]

    def __str__(self) -> str:
        return str(self.option)
