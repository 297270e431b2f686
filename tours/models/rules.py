"""What changes the price list: tiers by the size of a party, prices in other currencies, rules, more taxes, the service fee."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned
from tours.models.catalogue import Tour, TourOption
from tours.models.prices import PriceCategory, TaxRate
from tours.models.seasons import Season


class GroupTier(TenantOwned):
    """From so many guests on, a guest of the category pays this; where the option is sold per group, the group does."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    option = TenantForeignKey(TourOption, models.CASCADE, related_name="tiers")
    from_guests = models.PositiveSmallIntegerField(_("from guests"), default=1, validators=[MinValueValidator(1)])
    category = TenantForeignKey(
        PriceCategory,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("category"),
        help_text=_("Empty for a price per group."),
    )
    currency = models.ForeignKey(
        "ledger.Currency",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("currency"),
        help_text=_("Empty: the tour's own."),
    )
    amount = models.DecimalField(_("price"), max_digits=14, decimal_places=3, validators=[MinValueValidator(0)])

    class Meta:
        verbose_name = _("group price")
        verbose_name_plural = _("group prices")
        ordering = ["from_guests"]
        constraints = [
            models.UniqueConstraint(
                fields=["option", "from_guests", "category", "currency"],
                name="group_tier_once",
                nulls_distinct=False,
                violation_error_message=_("There is such a group price already."),
            ),
            models.CheckConstraint(condition=Q(amount__gte=0, from_guests__gte=1), name="group_tier_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.from_guests}+ · {self.amount}"


class CurrencyPrice(TenantOwned):
    """What a guest of a category pays in another currency than the tour's, fixed by hand instead of converted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    option = TenantForeignKey(TourOption, models.CASCADE, related_name="currency_prices")
    currency = models.ForeignKey("ledger.Currency", models.PROTECT, related_name="+", verbose_name=_("currency"))
    category = TenantForeignKey(PriceCategory, models.PROTECT, related_name="+", verbose_name=_("category"))
    amount = models.DecimalField(_("price"), max_digits=14, decimal_places=3, validators=[MinValueValidator(0)])

    class Meta:
        verbose_name = _("price in another currency")
        verbose_name_plural = _("prices in other currencies")
        ordering = ["currency", "category__display_order"]
        constraints = [
            models.UniqueConstraint(
                fields=["option", "currency", "category"],
                name="currency_price_once",
                violation_error_message=_("There is a price for this currency and category already."),
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="currency_price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency_id}"


class TourTax(TenantOwned):
    """A tax on a tour beside its main one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(Tour, models.CASCADE, related_name="more_taxes")
    tax = TenantForeignKey(TaxRate, models.PROTECT, related_name="more_tours", verbose_name=_("tax"))

    class Meta:
        verbose_name = _("further tax")
        verbose_name_plural = _("further taxes")
        ordering = ["tax__code"]
        constraints = [
            models.UniqueConstraint(
                fields=["tour", "tax"],
                name="tour_tax_once",
                violation_error_message=_("The tour has this tax already."),
            )
        ]

    def __str__(self) -> str:
        return str(self.tax)


class FeeBasis(models.TextChoices):
    PERCENT = "PERCENT", _("Percent of the price")
    AMOUNT = "AMOUNT", _("Amount per booking")


class ServiceFee(TenantOwned):
    """What a booking costs beside its parts: of one tour, or of every tour that has none of its own."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(
        Tour,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="fees",
        verbose_name=_("tour"),
        help_text=_("Empty: every tour without a fee of its own."),
    )
    name_en = models.CharField(_("name (English)"), max_length=80)
    name_ar = models.CharField(_("name (Arabic)"), max_length=80)
    basis = models.CharField(_("charged"), max_length=8, choices=FeeBasis.choices, default=FeeBasis.PERCENT)
    value = models.DecimalField(
        _("percent or amount"),
        max_digits=14,
        decimal_places=3,
        validators=[MinValueValidator(0)],
        help_text=_("An amount is in the tour's currency."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("service fee")
        verbose_name_plural = _("service fees")
        ordering = ["tour__title_en"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "tour"],
                condition=Q(is_active=True),
                name="service_fee_once",
                nulls_distinct=False,
                violation_error_message=_("There is an active fee for this already."),
            ),
            models.CheckConstraint(
                condition=Q(value__gte=0) & (~Q(basis="PERCENT") | Q(value__lte=100)), name="service_fee_range"
            ),
        ]

    def __str__(self) -> str:
        return str(in_language(self, "name"))


class RuleKind(models.TextChoices):
    """Which question a rule answers. Of each kind one rule at most takes part in a price."""

    OVERRIDE = "OVERRIDE", _("Price of certain days or times")
    SEASON = "SEASON", _("Season")
    WEEKDAY = "WEEKDAY", _("Weekday")
    OCCUPANCY = "OCCUPANCY", _("Occupancy")
    EARLY_BIRD = "EARLY_BIRD", _("Early bird")
    LAST_MINUTE = "LAST_MINUTE", _("Last minute")
    GROUP = "GROUP", _("Members' price")


class RuleEffect(models.TextChoices):
    PERCENT = "PERCENT", _("Percent more or less")
    AMOUNT = "AMOUNT", _("Amount more or less")
    PRICE = "PRICE", _("This price")


class PriceRule(TenantOwned):
    """Changes the price of a guest (or group) where all its conditions are met; what is left empty is no condition.

    Which of several rules of a kind counts: the highest priority, then the most specific (more conditions, then the stricter
    number: more days before, fewer hours before, more places sold), then the oldest.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantForeignKey(
        Tour,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="price_rules",
        verbose_name=_("tour"),
        help_text=_("Empty: every tour (percentages only)."),
    )
    option = TenantForeignKey(
        TourOption, models.CASCADE, null=True, blank=True, related_name="price_rules", verbose_name=_("option")
    )
    name_en = models.CharField(_("name (English)"), max_length=80, help_text=_("Customers read it on their price."))
    name_ar = models.CharField(_("name (Arabic)"), max_length=80)
    kind = models.CharField(_("kind"), max_length=12, choices=RuleKind.choices)
    effect = models.CharField(_("effect"), max_length=8, choices=RuleEffect.choices, default=RuleEffect.PERCENT)
    value = models.DecimalField(
        _("value"),
        max_digits=14,
        decimal_places=3,
        help_text=_("-10 with percent: a tenth less. Amounts are in the tour's currency, for each guest or group."),
    )
    categories = ArrayField(
        models.SlugField(max_length=30), verbose_name=_("price categories"), default=list, blank=True
    )
    first_day = models.DateField(_("trips from"), null=True, blank=True)
    last_day = models.DateField(_("trips until"), null=True, blank=True)
    season = TenantForeignKey(
        Season, models.PROTECT, null=True, blank=True, related_name="price_rules", verbose_name=_("season")
    )
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(7)]),
        verbose_name=_("weekdays"),
        default=list,
        blank=True,
    )
    start_times = ArrayField(models.TimeField(), verbose_name=_("start times"), default=list, blank=True)
    days_before = models.PositiveSmallIntegerField(
        _("days before, at least"), null=True, blank=True, help_text=_("Early bird: booked so many days ahead or more.")
    )
    hours_before = models.PositiveIntegerField(
        _("hours before, at most"), null=True, blank=True, help_text=_("Last minute: so many hours before the start.")
    )
    occupancy_percent = models.PositiveSmallIntegerField(
        _("places sold from (%)"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    price_group = TenantForeignKey(
        "accounts.PriceGroup",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("price group"),
        help_text=_("Only for customers of this group."),
    )
    priority = models.SmallIntegerField(_("priority"), default=0, help_text=_("The highest counts."))
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("price rule")
        verbose_name_plural = _("price rules")
        ordering = ["tour__title_en", "kind", "-priority", "created_at"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(effect="PERCENT") | Q(value__gte=-100), name="price_rule_percent_from_minus_100"
            ),
            models.CheckConstraint(condition=~Q(effect="PRICE") | Q(value__gte=0), name="price_rule_price_from_0"),
            models.CheckConstraint(
                condition=Q(tour__isnull=False) | Q(effect="PERCENT", option=None), name="price_rule_of_all_is_percent"
            ),
            models.CheckConstraint(
                condition=Q(last_day=None) | Q(first_day=None) | Q(last_day__gte=F("first_day")),
                name="price_rule_days_in_order",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "tour"], condition=Q(is_active=True), name="price_rule_by_tour")]

    def __str__(self) -> str:
        return str(in_language(self, "name"))

    @property
    def conditions(self) -> int:
        """How specific it is: the number of its conditions."""
        given: list[Any] = [
            *(self.tour_id, self.option_id, self.categories, self.season_id, self.weekdays, self.start_times),
            *(self.price_group_id, self.first_day or self.last_day),
        ]
        return sum(1 for condition in given if condition)

    @property
    def precedence(self) -> tuple[Any, ...]:
        """Sorts rules by which of them counts first; as `tours.prices` reads them."""
        return (
            -self.priority,
            -self.conditions,
            -(self.days_before or -1),
            self.hours_before if self.hours_before is not None else 10**9,
            -(self.occupancy_percent or -1),
            self.created_at,
            self.pk,
        )
