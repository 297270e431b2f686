from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned


class CancellationPolicy(TenantOwned):
    """What share of the price comes back, by the time left before departure."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name_en = models.CharField(_("name (English)"), max_length=120)
    name_ar = models.CharField(_("name (Arabic)"), max_length=120)

    class Meta:
        verbose_name = _("cancellation policy")
        verbose_name_plural = _("cancellation policies")
        ordering = ["name_en"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name_en"], name="policy_name_once")]

    def __str__(self) -> str:
        return str(in_language(self, "name"))


class CancellationTier(TenantOwned):
    """At least so many hours before departure: so many percent back. Below the lowest tier nothing comes back."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    policy = TenantForeignKey(CancellationPolicy, models.CASCADE, related_name="tiers")
    hours_before = models.PositiveIntegerField(_("hours before departure"))
    refund_percent = models.DecimalField(_("refund (%)"), max_digits=5, decimal_places=2)

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["-hours_before"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "hours_before"], name="tier_hours_once"),
            models.CheckConstraint(
                condition=models.Q(refund_percent__gte=0, refund_percent__lte=100), name="tier_percent_range"
            ),
        ]

    def __str__(self) -> str:
        return _("{hours} hours before or more: {percent} % back").format(
            hours=self.hours_before, percent=f"{Decimal(self.refund_percent).normalize():f}"
        )
