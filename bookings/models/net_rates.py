"""What a partner pays for an option instead of the public price."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.models.partners import Partner
from config.ids import uuid7
from config.models import TenantForeignKey, TenantOwned
from tours.models import PriceCategory, TourOption


class NetBasis(models.TextChoices):
    AMOUNT = "AMOUNT", _("This price")
    PERCENT_OFF = "PERCENT_OFF", _("Percent off the public price")


class NetRate(TenantOwned):
    """For trips on these days. Of several, the one of the category counts, then the one with dates, then the newest.

    A price is for a guest of the category, or for the group where the option is sold so, whatever season or weekday it is;
    percent come off the price that the public would pay.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    partner = TenantForeignKey(Partner, models.CASCADE, related_name="net_rates", verbose_name=_("partner"))
    option = TenantForeignKey(TourOption, models.CASCADE, related_name="+", verbose_name=_("option"))
    category = TenantForeignKey(
        PriceCategory,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("category"),
        help_text=_("Empty: every category; a price then is for the group."),
    )
    basis = models.CharField(_("kind"), max_length=12, choices=NetBasis.choices, default=NetBasis.AMOUNT)
    value = models.DecimalField(
        _("price or percent"), max_digits=14, decimal_places=3, validators=[MinValueValidator(0)]
    )
    currency = models.ForeignKey(
        "ledger.Currency",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("currency"),
        help_text=_("Of a price. Empty: the partner's."),
    )
    first_day = models.DateField(_("trips from"), null=True, blank=True)
    last_day = models.DateField(_("trips until"), null=True, blank=True)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("net rate")
        verbose_name_plural = _("net rates")
        ordering = ["option__tour__title_en", "option__code", "category__display_order", "created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(value__gte=0) & (~Q(basis="PERCENT_OFF") | Q(value__lte=100)),
                name="net_rate_range",
                violation_error_message=_("Between 0 and 100 percent."),
            ),
            models.CheckConstraint(
                condition=Q(last_day=None) | Q(first_day=None) | Q(last_day__gte=F("first_day")),
                name="net_rate_days_in_order",
                violation_error_message=_("The last day cannot be before the first."),
            ),
        ]
        indexes = [models.Index(fields=["partner", "option"], name="net_rate_by_partner")]

    def __str__(self) -> str:
        return f"{self.partner} · {self.option}"
