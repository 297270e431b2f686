"""What people would like to see: what they saved for later, and how often each tour was looked at and booked."""

from django.conf import settings
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned
from tours.models.catalogue import Tour


class SavedTour(TenantOwned):
    """A tour on somebody's wish list."""

    copied_with_tour = False
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("customer"), editable=False
    )
    tour = TenantForeignKey(
        Tour, models.CASCADE, related_name="saved_by", verbose_name=_("tour"), editable=False, db_index=False
    )
    saved_at = models.DateTimeField(_("saved at"), default=now, editable=False)

    class Meta:
        verbose_name = _("saved tour")
        verbose_name_plural = _("saved tours")
        ordering = ["saved_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "customer", "tour"], name="tour_saved_once"),
        ]
        indexes = [models.Index(fields=["tour", "saved_at"], name="saved_by_tour")]

    def __str__(self) -> str:
        return str(self.tour)


class SharedList(TenantOwned):
    """Somebody lets others see their wish list: the signed link names this row, and ends with it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("customer"), editable=False
    )
    created_at = models.DateTimeField(_("shared since"), auto_now_add=True)

    class Meta:
        verbose_name = _("shared wish list")
        verbose_name_plural = _("shared wish lists")
        constraints = [models.UniqueConstraint(fields=["tenant", "customer"], name="wish_list_shared_once")]

    def __str__(self) -> str:
        return str(self.customer)


class TourDay(TenantOwned):
    """How often a tour was looked at on a day, and how many of the bookings confirmed that day still stand."""

    copied_with_tour = False
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(
        Tour, models.CASCADE, related_name="days", verbose_name=_("tour"), editable=False, db_index=False
    )
    day = models.DateField(_("date"), editable=False)
    views = models.PositiveIntegerField(_("views"), default=0, editable=False)
    bookings = models.IntegerField(_("bookings"), default=0, editable=False)

    class Meta:
        verbose_name = _("interest of a day")
        verbose_name_plural = _("interest by day")
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["tour", "day"], name="tour_day_once")]

    def __str__(self) -> str:
        return f"{self.tour} · {self.day:%Y-%m-%d}"
