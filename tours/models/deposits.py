"""What is paid at once, and when the rest is due."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.ids import uuid7
from config.models import TenantOneToOneField, TenantOwned
from tours.models.catalogue import Tour


class DepositBasis(models.TextChoices):
    PERCENT = "PERCENT", _("Percent of the price")
    PER_BOOKING = "PER_BOOKING", _("Amount per booking")
    PER_PERSON = "PER_PERSON", _("Amount per person")


class Overdue(models.TextChoices):
    FLAG = "FLAG", _("Show it to staff")
    CANCEL = "CANCEL", _("Cancel by the policy")


class DepositRule(TenantOwned):
    """A tour may be confirmed by a deposit; the balance is due some days before departure. Nearer, all is paid at once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tour = TenantOneToOneField(Tour, models.CASCADE, related_name="deposit_rule", verbose_name=_("tour"))
    basis = models.CharField(_("deposit"), max_length=12, choices=DepositBasis.choices, default=DepositBasis.PERCENT)
    amount = models.DecimalField(
        _("percent or amount"),
        max_digits=14,
        decimal_places=3,
        help_text=_("Percent, or an amount in the tour's currency."),
    )
    balance_days = models.PositiveSmallIntegerField(
        _("balance due (days before departure)"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_("Whoever books nearer to the departure pays everything at once."),
    )
    reminder_days = models.PositiveSmallIntegerField(
        _("remind (days before it is due)"), default=7, validators=[MaxValueValidator(90)]
    )
    overdue = models.CharField(
        _("when the balance is overdue"), max_length=8, choices=Overdue.choices, default=Overdue.FLAG
    )
    grace_days = models.PositiveSmallIntegerField(
        _("wait before cancelling (days)"), default=3, validators=[MaxValueValidator(90)]
    )

    class Meta:
        verbose_name = _("deposit")
        verbose_name_plural = _("deposit")
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="deposit_positive"),
            models.CheckConstraint(
                condition=~models.Q(basis="PERCENT") | models.Q(amount__lt=100), name="deposit_part_of_price"
            ),
            models.CheckConstraint(
                condition=~models.Q(overdue="CANCEL") | models.Q(grace_days__lt=models.F("balance_days")),
                name="deposit_grace_before_departure",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} · {self.get_basis_display()}"
