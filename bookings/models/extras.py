"""What holds have taken of extras of which there are only so many."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings.models.hold import Hold
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned
from tours.models import ExtraStock


class ExtraHeld(TenantOwned):
    """So many of a stock, for as long as the hold is ACTIVE or CONVERTED; kept afterwards, so that it can be won again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    hold = TenantForeignKey(Hold, models.CASCADE, related_name="extras_held")
    stock = TenantForeignKey(ExtraStock, models.PROTECT, related_name="held")
    quantity = models.PositiveSmallIntegerField(_("quantity"))

    class Meta:
        verbose_name = _("extra that is held")
        verbose_name_plural = _("extras that are held")
        constraints = [
            models.UniqueConstraint(fields=["hold", "stock"], name="extra_held_once"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="extra_held_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.stock_id}"
