"""Places of an option that are kept for a partner until some days before the start."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.models.partners import Partner
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned
from tours.models import Departure, TourOption


def every_day() -> list[int]:
    return list(range(1, 8))


class Allotment(TenantOwned):
    """So many places of each departure of an option on these days; what is not used is released in time."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    partner = TenantForeignKey(Partner, models.PROTECT, related_name="allotments", verbose_name=_("partner"))
    option = TenantForeignKey(TourOption, models.CASCADE, related_name="allotments", verbose_name=_("option"))
    places = models.PositiveIntegerField(
        _("places"),
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
        help_text=_("Of each departure."),
    )
    first_day = models.DateField(_("from"))
    last_day = models.DateField(_("until"))
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(7)]),
        verbose_name=_("weekdays"),
        default=every_day,
        help_text=_("1 is Monday, 7 is Sunday (ISO 8601)."),
    )
    release_days = models.PositiveSmallIntegerField(
        _("released … days before"),
        default=7,
        validators=[MaxValueValidator(365)],
        help_text=_("What the partner has not used by then is sold to anybody."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("allotment")
        verbose_name_plural = _("allotments")
        ordering = ["first_day", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="allotment_ends_after_start",
                violation_error_message=_("The last day cannot be before the first."),
            ),
            models.CheckConstraint(condition=Q(places__gte=1), name="allotment_of_something"),
        ]

    def __str__(self) -> str:
        return f"{self.partner} · {self.option}"


class AllottedPlaces(TenantOwned):
    """What a partner has on one departure: `places` kept, `used` of them held or booked, until `released_at`.

    `Departure.seats_allotted` is the sum of what is kept and neither used nor released.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    allotment = TenantForeignKey(Allotment, models.CASCADE, related_name="departures", verbose_name=_("allotment"))
    partner = TenantForeignKey(Partner, models.PROTECT, related_name="allotted", verbose_name=_("partner"))
    departure = TenantForeignKey(Departure, models.CASCADE, related_name="allotted", verbose_name=_("departure"))
    places = models.PositiveIntegerField(_("places"))
    used = models.PositiveIntegerField(_("used"), default=0)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)

    class Meta:
        verbose_name = _("allotted places")
        verbose_name_plural = _("allotted places")
        ordering = ["departure", "partner"]
        constraints = [
            models.UniqueConstraint(fields=["partner", "departure"], name="allotted_once"),
            models.CheckConstraint(condition=Q(used__lte=F("places")), name="allotted_never_overused"),
        ]

    def __str__(self) -> str:
        return f"{self.used} / {self.places}"

    @property
    def left(self) -> int:
        """What the partner may still take from it."""
        return 0 if self.released_at else self.places - self.used
