"""What is sold: tours, packages and activities, where they go, and how they are shown."""

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinLengthValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantManager, TenantOwned
from config.pictures import Picture
from tours.guards import OPTION_TAKES_NEEDS
from tours.models.policies import CancellationPolicy


def lines(label: Any) -> Any:
    """A list of short texts, one a line in the back-office."""
    return ArrayField(models.CharField(max_length=200), verbose_name=label, default=list, blank=True)


class Category(TenantOwned):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=40)
    name_en = models.CharField(_("name (English)"), max_length=60)
    name_ar = models.CharField(_("name (Arabic)"), max_length=60)
    icon = models.CharField(_("icon"), max_length=40, blank=True, default="")
    display_order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["display_order", "code"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="category_code_once")]

    def __str__(self) -> str:
        return str(in_language(self, "name"))


class Destination(TenantOwned):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("slug"), max_length=80)
    country = CountryField(_("country"))
    region_en = models.CharField(_("region (English)"), max_length=80, blank=True, default="")
    region_ar = models.CharField(_("region (Arabic)"), max_length=80, blank=True, default="")
    city_en = models.CharField(_("city (English)"), max_length=80)
    city_ar = models.CharField(_("city (Arabic)"), max_length=80)
    latitude = models.DecimalField(
        _("latitude"), max_digits=8, decimal_places=5, validators=[MinValueValidator(-90), MaxValueValidator(90)]
    )
    longitude = models.DecimalField(
        _("longitude"), max_digits=8, decimal_places=5, validators=[MinValueValidator(-180), MaxValueValidator(180)]
    )
    time_zone = models.CharField(_("time zone"), max_length=63, default="Africa/Cairo")

    class Meta:
        verbose_name = _("destination")
        verbose_name_plural = _("destinations")
        ordering = ["country", "city_en"]
        constraints = [models.UniqueConstraint(fields=["tenant", "slug"], name="destination_slug_once")]

    def __str__(self) -> str:
        country = self.country.name  # type: ignore[attr-defined]
        return gettext("{city}, {country}").format(city=in_language(self, "city"), country=country)


class TourKind(models.TextChoices):
    TOUR = "TOUR", _("Tour")
    PACKAGE = "PACKAGE", _("Package")
    ACTIVITY = "ACTIVITY", _("Activity")


class Difficulty(models.TextChoices):
    EASY = "easy", _("Easy")
    MODERATE = "moderate", _("Moderate")
    CHALLENGING = "challenging", _("Challenging")
    EXTREME = "extreme", _("Extreme")


class TourStatus(models.TextChoices):
    DRAFT = "DRAFT", _("Draft")
    ACTIVE = "ACTIVE", _("Active")
    INACTIVE = "INACTIVE", _("Inactive")
    ARCHIVED = "ARCHIVED", _("Archived")


class TourQuerySet(models.QuerySet):
    def alive(self) -> Any:
        """Those not deleted."""
        return self.filter(deleted_at=None)

    def public(self) -> Any:
        """What customers may see and buy."""
        return self.alive().filter(status=TourStatus.ACTIVE)

    def for_display(self) -> Any:
        """With all that the detail shows, in a fixed number of queries."""
        return self.select_related("destination", "category", "cancellation_policy", "tax").prefetch_related(
            "images",
            "itinerary",
            "options__prices__category",
            "cancellation_policy__tiers",
            "extras__for_options__option",
            "extras__for_categories__category",
            "options__tiers__category",
            "more_taxes__tax",
        )


class Tour(TenantOwned):
    """One entry of the catalogue. Durations in minutes, amounts in `currency`.

    A draft may wait for its Arabic texts; nothing goes on sale without them (`tours.limits`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=TourKind.choices, default=TourKind.TOUR)
    slug = models.SlugField(_("slug"), max_length=220, blank=True)
    title_en = models.CharField(_("title (English)"), max_length=200, validators=[MinLengthValidator(3)])
    title_ar = models.CharField(
        _("title (Arabic)"), max_length=200, blank=True, default="", validators=[MinLengthValidator(3)]
    )
    summary_en = models.CharField(_("summary (English)"), max_length=500, validators=[MinLengthValidator(10)])
    summary_ar = models.CharField(
        _("summary (Arabic)"), max_length=500, blank=True, default="", validators=[MinLengthValidator(10)]
    )
    description_en = models.TextField(_("description (English)"), validators=[MinLengthValidator(50)])
    description_ar = models.TextField(
        _("description (Arabic)"), blank=True, default="", validators=[MinLengthValidator(50)]
    )
    destination = TenantForeignKey(Destination, models.PROTECT, related_name="tours", verbose_name=_("destination"))
    category = TenantForeignKey(Category, models.PROTECT, related_name="tours", verbose_name=_("category"))
    difficulty = models.CharField(_("difficulty"), max_length=12, choices=Difficulty.choices, default=Difficulty.EASY)
    meeting_point_en = models.CharField(
        _("meeting point (English)"), max_length=300, validators=[MinLengthValidator(5)]
    )
    meeting_point_ar = models.CharField(
        _("meeting point (Arabic)"), max_length=300, blank=True, default="", validators=[MinLengthValidator(5)]
    )
    duration_minutes = models.PositiveIntegerField(_("duration (minutes)"), validators=[MinValueValidator(15)])
    nights = models.PositiveSmallIntegerField(_("nights"), default=0)
    min_group_size = models.PositiveSmallIntegerField(
        _("group size from"), default=1, validators=[MinValueValidator(1)]
    )
    max_group_size = models.PositiveSmallIntegerField(_("group size to"), default=20, validators=[MinValueValidator(1)])
    min_age = models.PositiveSmallIntegerField(_("minimum age"), default=0)
    highlights_en = lines(_("highlights (English)"))
    highlights_ar = lines(_("highlights (Arabic)"))
    inclusions_en = lines(_("included (English)"))
    inclusions_ar = lines(_("included (Arabic)"))
    exclusions_en = lines(_("not included (English)"))
    exclusions_ar = lines(_("not included (Arabic)"))
    amenities_en = lines(_("amenities (English)"))
    amenities_ar = lines(_("amenities (Arabic)"))
    tags = ArrayField(
        models.SlugField(max_length=40, allow_unicode=True), verbose_name=_("tags"), default=list, blank=True
    )
    cancellation_policy = TenantForeignKey(
        CancellationPolicy, models.PROTECT, related_name="tours", verbose_name=_("cancellation policy")
    )
    currency = models.ForeignKey("ledger.Currency", models.PROTECT, related_name="+", verbose_name=_("currency"))
    tax = TenantForeignKey(
        "tours.TaxRate", models.PROTECT, null=True, blank=True, related_name="tours", verbose_name=_("tax")
    )
    min_guests = models.PositiveSmallIntegerField(
        _("guests a booking from"), default=1, validators=[MinValueValidator(1)]
    )
    max_guests = models.PositiveSmallIntegerField(
        _("guests a booking to"), default=10, validators=[MinValueValidator(1), MaxValueValidator(500)]
    )
    cutoff_minutes = models.PositiveIntegerField(
        _("cut-off (minutes before departure)"), default=1440, help_text=_("Bookings close so long before the start.")
    )
    partner_cutoff_minutes = models.PositiveIntegerField(
        _("cut-off for partners (minutes)"),
        null=True,
        blank=True,
        help_text=_("Where partners may book until later, or must book sooner."),
    )
    status = models.CharField(_("status"), max_length=10, choices=TourStatus.choices, default=TourStatus.DRAFT)
    is_featured = models.BooleanField(_("featured"), default=False)
    display_order = models.PositiveIntegerField(_("order"), default=0)
    seo_title_en = models.CharField(_("search engine title (English)"), max_length=70, blank=True, default="")
    seo_title_ar = models.CharField(_("search engine title (Arabic)"), max_length=70, blank=True, default="")
    seo_description_en = models.CharField(_("search engine text (English)"), max_length=170, blank=True, default="")
    seo_description_ar = models.CharField(_("search engine text (Arabic)"), max_length=170, blank=True, default="")
    rating_average = models.DecimalField(_("rating"), max_digits=3, decimal_places=2, default=0, editable=False)
    rating_count = models.PositiveIntegerField(_("ratings"), default=0, editable=False)
    bookings_count = models.PositiveIntegerField(_("bookings"), default=0, editable=False)
    popularity = models.PositiveIntegerField(_("popularity"), default=0, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    published_at = models.DateTimeField(_("first on sale"), null=True, editable=False)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, editable=False)

    objects = TenantManager.from_queryset(TourQuerySet)()

    class Meta:
        verbose_name = _("tour")
        verbose_name_plural = _("tours")
        ordering = ["display_order", "title_en"]
        permissions = [("publish", _("May publish tours"))]
        constraints = [
            models.UniqueConstraint(
                "tenant", Lower("title_en"), condition=models.Q(deleted_at=None), name="tour_title_en_once"
            ),
            models.UniqueConstraint(
                "tenant",
                "title_ar",
                condition=models.Q(deleted_at=None) & ~models.Q(title_ar=""),
                name="tour_title_ar_once",
            ),
            models.UniqueConstraint(fields=["tenant", "slug"], name="tour_slug_once"),
            models.CheckConstraint(
                condition=models.Q(min_group_size__lte=models.F("max_group_size")), name="tour_group_size_range"
            ),
            models.CheckConstraint(
                condition=models.Q(min_guests__lte=models.F("max_guests")), name="tour_guests_range"
            ),
            models.CheckConstraint(condition=models.Q(status__in=TourStatus.values), name="tour_status_known"),
        ]

    def __str__(self) -> str:
        return str(in_language(self, "title"))


class PricingBasis(models.TextChoices):
    PER_PERSON = "PER_PERSON", _("Per person")
    PER_GROUP = "PER_GROUP", _("Per group or vehicle")


class BelowMinimum(models.TextChoices):
    """What happens at the time of decision to a departure that too few have booked."""

    GO = "GO", _("It runs all the same")
    CANCEL = "CANCEL", _("It is called off")
    ASK = "ASK", _("We are asked")


class TourOption(TenantOwned):
    """A way to take the tour: shared or private, morning or sunset. Departures and prices hang on it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(Tour, models.CASCADE, related_name="options", verbose_name=_("tour"))
    code = models.SlugField(_("code"), max_length=40, default="standard")
    name_en = models.CharField(_("name (English)"), max_length=120)
    name_ar = models.CharField(_("name (Arabic)"), max_length=120)
    duration_minutes = models.PositiveIntegerField(
        _("duration (minutes)"), null=True, blank=True, help_text=_("Where it differs from the tour's.")
    )
    capacity = models.PositiveIntegerField(_("places"), default=20, validators=[MinValueValidator(1)])
    by_opening_hours = models.BooleanField(
        _("sold by opening hours"),
        default=False,
        db_default=False,
        help_text=_("Guests come when they like while it is open, as to a museum; bookings close before it closes."),
    )
    opens_days_before = models.PositiveSmallIntegerField(
        _("on sale from (days before)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("Empty: as soon as there is a departure."),
    )
    is_default = models.BooleanField(_("offered first"), default=True)
    display_order = models.PositiveSmallIntegerField(_("order"), default=0)
    basis = models.CharField(
        _("sold"),
        max_length=10,
        choices=PricingBasis.choices,
        default=PricingBasis.PER_PERSON,
        db_default=PricingBasis.PER_PERSON.value,
        help_text=_("Per group: the group prices say what it costs, whoever comes."),
    )
    group_size = models.PositiveSmallIntegerField(
        _("guests in a group"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "Per group: how many a vehicle takes; a larger party takes several. Empty: one group, however large."
        ),
    )
    single_supplement = models.DecimalField(
        _("single supplement"),
        max_digits=14,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Where guests sleep in double rooms: what a room alone costs more. Empty: no rooms."),
    )
    min_to_run = models.PositiveIntegerField(
        _("runs from … guests"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("With fewer booked it is decided before the start whether it runs."),
    )
    decide_hours_before = models.PositiveSmallIntegerField(
        _("decided … hours before"), default=24, db_default=24, validators=[MaxValueValidator(24 * 60)]
    )
    below_minimum = models.CharField(
        _("below that number"),
        max_length=6,
        choices=BelowMinimum.choices,
        default=BelowMinimum.ASK,
        db_default=BelowMinimum.ASK.value,
    )
    # More than its departures' own places limits what can be sold: kept by `tours.services.limits`.
    is_limited = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        verbose_name = _("option")
        verbose_name_plural = _("options")
        ordering = ["display_order", "code"]
        constraints = [models.UniqueConstraint(fields=["tour", "code"], name="option_code_once")]
        triggers = [OPTION_TAKES_NEEDS]

    def __str__(self) -> str:
        return f"{self.tour} · {in_language(self, 'name')}"

    @property
    def minutes(self) -> int:
        """How long it takes, in minutes."""
        return self.duration_minutes or self.tour.duration_minutes


class TourImage(Picture):
    """A picture of a tour, checked by content and stripped of metadata (`config.images`), with its sizes (`config.pictures`)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(Tour, models.CASCADE, related_name="images")
    file = models.ImageField(_("picture"), upload_to="tours/", width_field="width", height_field="height")
    thumbnail = models.ImageField(_("thumbnail"), upload_to="tours/thumbnails/", blank=True, editable=False)
    width = models.PositiveIntegerField(editable=False, default=0)
    height = models.PositiveIntegerField(editable=False, default=0)
    alt_en = models.CharField(_("alternative text (English)"), max_length=200, blank=True, default="")
    alt_ar = models.CharField(_("alternative text (Arabic)"), max_length=200, blank=True, default="")
    is_cover = models.BooleanField(_("cover"), default=False)
    display_order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ["-is_cover", "display_order", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tour"], condition=models.Q(is_cover=True), name="tour_cover_once"),
            models.CheckConstraint(condition=models.Q(focus_x__lte=100, focus_y__lte=100), name="tour_image_focus"),
        ]
        indexes = [
            models.Index(fields=["sizes_due_at"], condition=models.Q(sizes_due_at__isnull=False), name="tour_image_due")
        ]

    def __str__(self) -> str:
        return str(self.file.name)


class ItineraryDay(TenantOwned):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(Tour, models.CASCADE, related_name="itinerary")
    day = models.PositiveSmallIntegerField(_("day"), validators=[MinValueValidator(1)])
    title_en = models.CharField(_("title (English)"), max_length=200)
    title_ar = models.CharField(_("title (Arabic)"), max_length=200)
    description_en = models.TextField(_("description (English)"), blank=True, default="")
    description_ar = models.TextField(_("description (Arabic)"), blank=True, default="")
    activities_en = lines(_("activities (English)"))
    activities_ar = lines(_("activities (Arabic)"))
    breakfast = models.BooleanField(_("breakfast"), default=False)
    lunch = models.BooleanField(_("lunch"), default=False)
    dinner = models.BooleanField(_("dinner"), default=False)

    class Meta:
        verbose_name = _("day of the itinerary")
        verbose_name_plural = _("itinerary")
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["tour", "day"], name="itinerary_day_once")]

    def __str__(self) -> str:
        return f"{self.day}. {in_language(self, 'title')}"
