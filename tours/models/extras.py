"""Extras of which there are only so many, and for whom they are."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned
from tours.models.catalogue import TourOption
from tours.models.prices import Extra, PriceCategory
from tours.models.schedule import Departure


class ExtraOption(TenantOwned):
    """The extra is offered with this option; without any such row, with all of them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    extra = TenantForeignKey(Extra, models.CASCADE, related_name="for_options")
    option = TenantForeignKey(TourOption, models.CASCADE, related_name="+", verbose_name=_("option"))

    class Meta:
        verbose_name = _("option with the extra")
        verbose_name_plural = _("options with the extra")
        constraints = [models.UniqueConstraint(fields=["extra", "option"], name="extra_option_once")]

    def __str__(self) -> str:
        return str(self.option)


class ExtraCategory(TenantOwned):
    """The extra is for guests of this category; without any such row, for everyone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    extra = TenantForeignKey(Extra, models.CASCADE, related_name="for_categories")
    category = TenantForeignKey(PriceCategory, models.PROTECT, related_name="+", verbose_name=_("price category"))

    class Meta:
        verbose_name = _("price category with the extra")
        verbose_name_plural = _("price categories with the extra")
        constraints = [models.UniqueConstraint(fields=["extra", "category"], name="extra_category_once")]

    def __str__(self) -> str:
        return str(self.category)


class ExtraStock(TenantOwned):
    """How many of an extra are taken, held or booked, on a departure or on a day. Written by `tours.services.stock` only.

    The CHECK is the last guard; `capacity` follows the extra's `stock` for what is still to come.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    extra = TenantForeignKey(Extra, models.PROTECT, related_name="stocks", verbose_name=_("extra"))
    departure = TenantForeignKey(
        Departure, models.CASCADE, null=True, related_name="extra_stocks", verbose_name=_("departure")
    )
    day = models.DateField(_("day"), null=True)
    capacity = models.PositiveIntegerField(_("in stock"))
    taken = models.IntegerField(_("taken"), default=0)

    class Meta:
        verbose_name = _("stock of an extra")
        verbose_name_plural = _("stocks of extras")
        constraints = [
            models.CheckConstraint(condition=Q(taken__gte=0, taken__lte=F("capacity")), name="extra_never_oversold"),
            models.CheckConstraint(
                condition=Q(departure=None, day__isnull=False) | Q(departure__isnull=False, day=None),
                name="extra_stock_of_one",
            ),
            models.UniqueConstraint(
                fields=["extra", "departure"], condition=Q(departure__isnull=False), name="extra_stock_departure_once"
            ),
            models.UniqueConstraint(
                fields=["extra", "day"], condition=Q(day__isnull=False), name="extra_stock_day_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.taken} / {self.capacity}"
