"""Where guests are fetched, and what it costs: zones with their places, and what a tour does with them."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOneToOneField, TenantOwned
from tours.models.catalogue import Tour, TourOption


def degrees(name: Any, most: int) -> models.DecimalField:
    return models.DecimalField(
        name,
        max_digits=8,
        decimal_places=5,
        null=True,
        blank=True,
        validators=[MinValueValidator(-most), MaxValueValidator(most)],
    )


class PickupZone(TenantOwned):
    """An area where guests are fetched or brought: a bay, a part of town, an airport. Tours give it a price."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=40)
    name_en = models.CharField(_("name (English)"), max_length=120)
    name_ar = models.CharField(_("name (Arabic)"), max_length=120)
    latitude = degrees(_("latitude"), 90)
    longitude = degrees(_("longitude"), 180)
    radius_km = models.DecimalField(
        _("radius (km)"),
        max_digits=6,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("With a centre: addresses within it belong to the zone."),
    )
    is_active = models.BooleanField(_("served"), default=True)

    class Meta:
        verbose_name = _("pickup zone")
        verbose_name_plural = _("pickup zones")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="pickup_zone_once"),
            models.CheckConstraint(
                condition=Q(radius_km=None) | Q(latitude__isnull=False, longitude__isnull=False),
                name="pickup_zone_circle_whole",
            ),
        ]

    def __str__(self) -> str:
        return str(in_language(self, "name"))


class PickupPlace(TenantOwned):
    """A hotel, a jetty, a terminal: chosen by its name, in either language."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    zone = TenantForeignKey(PickupZone, models.CASCADE, related_name="places", verbose_name=_("zone"))
    name_en = models.CharField(_("name (English)"), max_length=160)
    name_ar = models.CharField(_("name (Arabic)"), max_length=160)
    address = models.CharField(_("address"), max_length=300, blank=True, default="")
    minutes_earlier = models.PositiveSmallIntegerField(
        _("minutes earlier than its zone"), default=0, validators=[MaxValueValidator(600)]
    )
    is_active = models.BooleanField(_("served"), default=True)

    class Meta:
        verbose_name = _("place")
        verbose_name_plural = _("places")
        ordering = ["name_en"]
        constraints = [models.UniqueConstraint(fields=["zone", "name_en"], name="pickup_place_once")]

    def __str__(self) -> str:
        return str(in_language(self, "name"))


class PickupKind(models.TextChoices):
    OPTIONAL = "OPTIONAL", _("Pickup for those who want it")
    REQUIRED = "REQUIRED", _("Everyone is fetched")
    TRANSFER = "TRANSFER", _("The tour is a transfer between zones")


class PickupRule(TenantOwned):
    """How a tour fetches its guests. Without one it does not: a pickup is then a mere remark."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantOneToOneField(Tour, models.CASCADE, related_name="pickup_rule", verbose_name=_("tour"))
    kind = models.CharField(_("pickup"), max_length=10, choices=PickupKind.choices, default=PickupKind.OPTIONAL)
    allows_unlisted = models.BooleanField(
        _("addresses that are not listed"),
        default=False,
        help_text=_("Guests may write down where they are, and choose the zone."),
    )
    change_until_minutes = models.PositiveIntegerField(
        _("changes until (minutes before departure)"), default=1440, validators=[MaxValueValidator(525600)]
    )

    class Meta:
        verbose_name = _("pickup")
        verbose_name_plural = _("pickup")

    def __str__(self) -> str:
        return str(self.get_kind_display())


class PickupBasis(models.TextChoices):
    PER_PERSON = "PER_PERSON", _("Per person")
    PER_BOOKING = "PER_BOOKING", _("Per booking")
    PER_VEHICLE = "PER_VEHICLE", _("Per vehicle")


class PickupPrice(TenantOwned):
    """What being fetched in a zone costs on a tour, and how long before the start it happens."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(Tour, models.CASCADE, related_name="pickup_prices", verbose_name=_("tour"))
    zone = TenantForeignKey(PickupZone, models.PROTECT, related_name="prices", verbose_name=_("zone"))
    basis = models.CharField(_("charged"), max_length=12, choices=PickupBasis.choices, default=PickupBasis.PER_PERSON)
    amount = models.DecimalField(
        _("price"), max_digits=14, decimal_places=3, default=0, validators=[MinValueValidator(0)]
    )
    vehicle_seats = models.PositiveSmallIntegerField(
        _("guests in a vehicle"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    minutes_before = models.PositiveSmallIntegerField(
        _("minutes before departure"), default=60, validators=[MaxValueValidator(1440)]
    )

    class Meta:
        verbose_name = _("pickup in a zone")
        verbose_name_plural = _("pickup by zone")
        ordering = ["zone__code"]
        constraints = [
            models.UniqueConstraint(fields=["tour", "zone"], name="pickup_price_once"),
            models.CheckConstraint(
                condition=~Q(basis="PER_VEHICLE") | Q(vehicle_seats__gte=1), name="pickup_vehicle_has_seats"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="pickup_price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.zone} {self.amount}"


class TransferPrice(TenantOwned):
    """What a vehicle from zone to zone costs. With an option, for that vehicle; else for those without a price of their own."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(Tour, models.CASCADE, related_name="transfer_prices", verbose_name=_("tour"))
    option = TenantForeignKey(
        TourOption, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("option")
    )
    origin = TenantForeignKey(PickupZone, models.PROTECT, related_name="+", verbose_name=_("from"))
    destination = TenantForeignKey(PickupZone, models.PROTECT, related_name="+", verbose_name=_("to"))
    both_ways = models.BooleanField(_("also back"), default=True)
    amount = models.DecimalField(
        _("price of a vehicle"), max_digits=14, decimal_places=3, validators=[MinValueValidator(0)]
    )
    vehicle_seats = models.PositiveSmallIntegerField(
        _("guests in a vehicle"), default=3, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("transfer between zones")
        verbose_name_plural = _("transfers between zones")
        ordering = ["origin__code", "destination__code"]
        constraints = [
            models.UniqueConstraint(
                fields=["tour", "option", "origin", "destination"],
                name="transfer_price_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(amount__gte=0, vehicle_seats__gte=1), name="transfer_amounts"),
            models.CheckConstraint(condition=~Q(origin=F("destination")), name="transfer_leads_elsewhere"),
        ]

    def __str__(self) -> str:
        return f"{self.origin} → {self.destination}"
