"""The price list. Amounts are major units of the tour's currency."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned
from tours.models.catalogue import Tour, TourOption


class PriceCategory(TenantOwned):
    """Who pays which price: adult, child, infant, senior, group. `seats` says how many places one of them takes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=30)
    name_en = models.CharField(_("name (English)"), max_length=60)
    name_ar = models.CharField(_("name (Arabic)"), max_length=60)
    min_age = models.PositiveSmallIntegerField(_("age from"), null=True, blank=True)
    max_age = models.PositiveSmallIntegerField(_("age to"), null=True, blank=True)
    seats = models.PositiveSmallIntegerField(_("places taken"), default=1)
    display_order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("price category")
        verbose_name_plural = _("price categories")
        ordering = ["display_order", "code"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="price_category_once")]

    def __str__(self) -> str:
        return str(in_language(self, "name"))


class OptionPrice(TenantOwned):
    """What one guest of a category pays for an option; `original_amount` is the "was" price that is struck out."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    option = TenantForeignKey(TourOption, models.CASCADE, related_name="prices")
    category = TenantForeignKey(PriceCategory, models.PROTECT, related_name="prices", verbose_name=_("category"))
    amount = models.DecimalField(_("price"), max_digits=14, decimal_places=3, validators=[MinValueValidator(0)])
    original_amount = models.DecimalField(
        _("was"), max_digits=14, decimal_places=3, null=True, blank=True, help_text=_("Must be above the price.")
    )

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering = ["category__display_order"]
        constraints = [
            models.UniqueConstraint(fields=["option", "category"], name="option_price_once"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="option_price_not_negative"),
            models.CheckConstraint(
                condition=models.Q(original_amount=None) | models.Q(original_amount__gt=models.F("amount")),
                name="option_price_was_above",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.amount}"


class ExtraBasis(models.TextChoices):
    PER_PERSON = "PER_PERSON", _("Per person")
    PER_BOOKING = "PER_BOOKING", _("Per booking")
    PER_UNIT = "PER_UNIT", _("Per unit")


class StockPer(models.TextChoices):
    DEPARTURE = "DEPARTURE", _("On each departure")
    DAY = "DAY", _("On each day, for all departures")


class Extra(TenantOwned):
    """Something bought with the tour: lunch, a photographer, a snorkel set. A required one, as a park fee, adds itself."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(Tour, models.CASCADE, related_name="extras")
    code = models.SlugField(_("code"), max_length=40)
    name_en = models.CharField(_("name (English)"), max_length=120)
    name_ar = models.CharField(_("name (Arabic)"), max_length=120)
    basis = models.CharField(_("charged"), max_length=12, choices=ExtraBasis.choices, default=ExtraBasis.PER_PERSON)
    amount = models.DecimalField(_("price"), max_digits=14, decimal_places=3, validators=[MinValueValidator(0)])
    min_quantity = models.PositiveSmallIntegerField(
        _("at least"), default=1, validators=[MinValueValidator(1)], help_text=_("Where it is charged per unit.")
    )
    max_quantity = models.PositiveSmallIntegerField(_("at most"), default=10)
    is_required = models.BooleanField(
        _("always added"), default=False, help_text=_("Part of every booking: a park fee.")
    )
    stock = models.PositiveIntegerField(
        _("in stock"),
        null=True,
        blank=True,
        help_text=_("Empty: as many as are wanted. What was booked before a number stood here is not counted."),
    )
    stock_per = models.CharField(
        _("so many are there"), max_length=10, choices=StockPer.choices, default=StockPer.DEPARTURE
    )
    is_active = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("extra")
        verbose_name_plural = _("extras")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["tour", "code"], name="extra_code_once"),
            models.CheckConstraint(
                condition=models.Q(min_quantity__gte=1, min_quantity__lte=models.F("max_quantity")),
                name="extra_quantity_range",
            ),
        ]

    def __str__(self) -> str:
        return str(in_language(self, "name"))


class TaxRate(TenantOwned):
    """A tax on the sum of a quote, contained in the prices or added on top."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=30)
    name_en = models.CharField(_("name (English)"), max_length=80)
    name_ar = models.CharField(_("name (Arabic)"), max_length=80)
    percent = models.DecimalField(_("percent"), max_digits=6, decimal_places=3, validators=[MinValueValidator(0)])
    is_inclusive = models.BooleanField(_("contained in the prices"), default=True)
    on_fee = models.BooleanField(_("on the service fee too"), default=True, db_default=True)

    class Meta:
        verbose_name = _("tax rate")
        verbose_name_plural = _("tax rates")
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="tax_code_once")]

    def __str__(self) -> str:
        return f"{in_language(self, 'name')} {self.percent.normalize()} %"
