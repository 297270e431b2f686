"""Double-entry, append-only. Triggers refuse what must not be: `ledger/triggers.py`."""

from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from config.i18n import in_language
from config.ids import uuid7
from config.models import TenantForeignKey, TenantManager, TenantOwned
from ledger.triggers import APPEND_ONLY, ENTRY_FITS, TRANSACTION_IS_WHOLE


class Currency(models.Model):
    """A currency that Rihla knows (ISO 4217). The same for every tenant."""

    code = models.CharField(_("code"), max_length=3, primary_key=True)
    name_en = models.CharField(_("name (English)"), max_length=60)
    name_ar = models.CharField(_("name (Arabic)"), max_length=60)
    minor_units = models.PositiveSmallIntegerField(_("decimals"))
    symbol = models.CharField(_("symbol"), max_length=8, blank=True, default="")
    is_active = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("currency")
        verbose_name_plural = _("currencies")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} · {in_language(self, 'name')}"


class ExchangeRate(TenantOwned):
    """One unit of `base` is worth `rate` units of `quote` from a day on, until the next row."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    base = models.ForeignKey(Currency, models.PROTECT, related_name="+", verbose_name=_("from"))
    quote = models.ForeignKey(Currency, models.PROTECT, related_name="+", verbose_name=_("to"))
    rate = models.DecimalField(_("rate"), max_digits=18, decimal_places=8)
    valid_from = models.DateField(_("valid from"))
    source = models.CharField(_("source"), max_length=60, blank=True, default="")

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        ordering = ["base", "quote", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "base", "quote", "valid_from"], name="rate_once_a_day"),
            models.CheckConstraint(condition=models.Q(rate__gt=0), name="rate_positive"),
            models.CheckConstraint(condition=~models.Q(base=models.F("quote")), name="rate_of_two_currencies"),
        ]

    def __str__(self) -> str:
        return f"1 {self.base_id} = {self.rate.normalize()} {self.quote_id} ({self.valid_from})"


class AccountRole(models.TextChoices):
    """What an account is for. Owned accounts keep a running balance, system accounts do not (no hot row)."""

    GATEWAY_CLEARING = "GATEWAY_CLEARING", _("Gateway clearing")
    CUSTOMER_DEPOSITS = "CUSTOMER_DEPOSITS", _("Customer deposits")
    REVENUE = "REVENUE", _("Revenue")
    TAX_PAYABLE = "TAX_PAYABLE", _("Tax payable")
    GATEWAY_FEES = "GATEWAY_FEES", _("Gateway fees")
    CASH = "CASH", _("Cash")
    BANK = "BANK", _("Bank")
    ADJUSTMENTS = "ADJUSTMENTS", _("Adjustments")
    WALLET = "WALLET", _("Wallet")

    @classmethod
    def owned(cls) -> "list[AccountRole]":
        """Roles whose accounts belong to a person: money that we owe them."""
        return [cls.WALLET]

    @classmethod
    def with_debit_balance(cls) -> "list[AccountRole]":
        """Roles whose balance grows by debits: what we have, and what we spend. All others grow by credits."""
        return [cls.GATEWAY_CLEARING, cls.CASH, cls.BANK, cls.GATEWAY_FEES]


class AccountQuerySet(models.QuerySet):
    def with_balance(self) -> "AccountQuerySet":
        """Each account's `balance` (see `ledger.services.balance_of`), computed only for the rows that are fetched."""
        entries = Entry.objects.filter(account=models.OuterRef("pk"))
        by_debits = (
            entries.order_by().values("account").annotate(sum=models.Sum(models.F("debit") - models.F("credit")))
        )
        last = entries.order_by("-sequence").values("balance_after")[:1]
        amount = models.DecimalField(max_digits=18, decimal_places=3)
        return self.annotate(
            balance=Coalesce(
                models.Case(
                    models.When(owner__isnull=False, then=models.Subquery(last)),
                    models.When(
                        role__in=AccountRole.with_debit_balance(), then=models.Subquery(by_debits.values("sum"))
                    ),
                    default=-models.Subquery(by_debits.values("sum")),
                    output_field=amount,
                ),
                Decimal(0),
                output_field=amount,
            )
        )


class Account(TenantOwned):
    """An account of the ledger in one unit (a currency, or later `POINTS`)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    role = models.CharField(_("role"), max_length=20, choices=AccountRole.choices)
    detail = models.CharField(
        _("detail"), max_length=40, blank=True, default="", help_text=_("For clearing: the gateway.")
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    unit = models.CharField(_("unit"), max_length=8)
    may_overdraw = models.BooleanField(_("may go below zero"), default=False)

    objects = TenantManager.from_queryset(AccountQuerySet)()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "role", "detail", "owner", "unit"], name="account_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=["WALLET"], owner__isnull=False)
                | (~models.Q(role__in=["WALLET"]) & models.Q(owner__isnull=True)),
                name="account_owner_fits_role",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="identity_is_fixed", fields=["id", "tenant", "role", "detail", "owner", "unit"])
        ]

    def __str__(self) -> str:
        who = f" · {self.owner}" if self.owner_id else ""
        return f"{self.get_role_display()}{' ' + self.detail if self.detail else ''} {self.unit}{who}"

    @property
    def is_owned(self) -> bool:
        """Whether the account keeps a chain of balances and a sequence."""
        return self.owner_id is not None

    @property
    def grows_by_debit(self) -> bool:
        return self.role in AccountRole.with_debit_balance()


class TransactionKind(models.TextChoices):
    DEPOSIT = "DEPOSIT", _("Deposit")
    WITHDRAWAL = "WITHDRAWAL", _("Withdrawal")
    PAYMENT = "PAYMENT", _("Payment")
    REFUND = "REFUND", _("Refund")
    CASHBACK = "CASHBACK", _("Cashback")
    BONUS = "BONUS", _("Bonus")
    COMMISSION = "COMMISSION", _("Commission")
    EARN = "EARN", _("Points earned")
    REDEEM = "REDEEM", _("Points redeemed")
    EXPIRE = "EXPIRE", _("Points expired")
    ADJUSTMENT = "ADJUSTMENT", _("Adjustment")
    TRANSFER = "TRANSFER", _("Transfer")


class Transaction(TenantOwned):
    """A balanced movement. Its reference makes repeating harmless."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    reference = models.CharField(_("reference"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=TransactionKind.choices)
    memo = models.CharField(_("memo"), max_length=250, blank=True, default="")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("who")
    )
    occurred_at = models.DateTimeField(_("occurred at"), default=now)
    reverses = TenantForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="reversals", verbose_name=_("reverses")
    )
    # Seals the transaction: an entry added later would make the count at commit differ.
    line_count = models.PositiveSmallIntegerField(_("entries"))

    class Meta:
        verbose_name = _("transaction")
        verbose_name_plural = _("transactions")
        ordering = ["-occurred_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "reference"], name="transaction_reference_once"),
            models.UniqueConstraint(
                fields=["reverses"], condition=models.Q(reverses__isnull=False), name="transaction_reversed_once"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-occurred_at"], name="transaction_by_time")]
        triggers = [APPEND_ONLY, TRANSACTION_IS_WHOLE]

    def __str__(self) -> str:
        return self.reference


class Entry(TenantOwned):
    """One side of a transaction. Sequence and balances are kept on owned accounts only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    transaction = TenantForeignKey(Transaction, models.PROTECT, related_name="entries", verbose_name=_("transaction"))
    account = TenantForeignKey(Account, models.PROTECT, related_name="entries", verbose_name=_("account"))
    debit = models.DecimalField(_("debit"), max_digits=18, decimal_places=3, default=0)
    credit = models.DecimalField(_("credit"), max_digits=18, decimal_places=3, default=0)
    sequence = models.PositiveBigIntegerField(_("sequence"), null=True)
    balance_before = models.DecimalField(_("balance before"), max_digits=18, decimal_places=3, null=True)
    balance_after = models.DecimalField(_("balance after"), max_digits=18, decimal_places=3, null=True)

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        constraints = [
            models.UniqueConstraint(fields=["account", "sequence"], name="entry_sequence_once"),
            models.CheckConstraint(
                condition=models.Q(debit__gt=0, credit=0) | models.Q(debit=0, credit__gt=0), name="entry_has_one_side"
            ),
        ]
        triggers = [APPEND_ONLY, ENTRY_FITS]

    def __str__(self) -> str:
        return f"{self.account} {self.debit - self.credit}"
