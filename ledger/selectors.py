"""Reading the ledger: statements of an account, the trial balance."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.utils.timezone import localdate

from ledger.models import Account, AccountRole, Entry, ExchangeRate

ZERO = Decimal(0)


@dataclass(frozen=True)
class StatementLine:
    """One entry of a statement; `balance` is what stood on the account after it."""

    entry: Entry
    balance: Decimal


@dataclass(frozen=True)
class Statement:
    """An account over a period. Balances are positive the way the account grows."""

    account: Account
    opening: Decimal
    lines: list[StatementLine]
    closing: Decimal


def statement(account: Account, *, since: datetime | None = None, until: datetime | None = None) -> Statement:
    """The account's entries from `since` (included) to `until` (not included) by the time they occurred, with balances."""
    opening = ZERO
    entries = Entry.objects.filter(account=account)
    if since is not None:
        opening = _balance(account, entries.filter(transaction__occurred_at__lt=since))
        entries = entries.filter(transaction__occurred_at__gte=since)
    if until is not None:
        entries = entries.filter(transaction__occurred_at__lt=until)
    ordered = entries.select_related("transaction").order_by("transaction__occurred_at", "sequence", "pk")
    lines = list(_running(account, opening, ordered))
    return Statement(account, opening, lines, lines[-1].balance if lines else opening)


def _running(account: Account, balance: Decimal, entries: QuerySet[Entry]) -> Iterator[StatementLine]:
    for entry in entries:
        change = entry.debit - entry.credit
        balance += change if account.grows_by_debit else -change
        yield StatementLine(entry, balance)


def _balance(account: Account, entries: QuerySet[Entry]) -> Decimal:
    sums = entries.aggregate(debit=Sum("debit"), credit=Sum("credit"))
    balance = (sums["debit"] or ZERO) - (sums["credit"] or ZERO)
    return balance if account.grows_by_debit else -balance


@dataclass(frozen=True)
class TrialLine:
    """All that was posted to the accounts of one role, detail and unit (people's accounts are added up)."""

    role: AccountRole
    detail: str
    debit: Decimal
    credit: Decimal

    @property
    def debit_balance(self) -> Decimal:
        return max(self.debit - self.credit, ZERO)

    @property
    def credit_balance(self) -> Decimal:
        return max(self.credit - self.debit, ZERO)


@dataclass(frozen=True)
class TrialBalance:
    """The books of one unit. `balances` is what double entry promises: both sides come to the same."""

    unit: str
    lines: list[TrialLine] = field(default_factory=list)

    @property
    def debit(self) -> Decimal:
        return sum((line.debit_balance for line in self.lines), ZERO)

    @property
    def credit(self) -> Decimal:
        return sum((line.credit_balance for line in self.lines), ZERO)

    @property
    def balances(self) -> bool:
        return self.debit == self.credit


def trial_balance(*, until: datetime | None = None) -> list[TrialBalance]:
    """The trial balance of the current tenant, one per unit, of everything that occurred before `until`. One query."""
    counted = Q(transaction__occurred_at__lt=until) if until is not None else Q()
    rows = (
        Entry.objects.filter(counted)
        .values_list("account__unit", "account__role", "account__detail")
        .annotate(debit=Sum("debit"), credit=Sum("credit"))
        .order_by("account__unit", "account__role", "account__detail")
    )
    books: dict[str, TrialBalance] = {}
    for unit, role, detail, debit, credit in rows:
        line = TrialLine(AccountRole(role), detail, debit, credit)
        books.setdefault(unit, TrialBalance(unit)).lines.append(line)
    return list(books.values())


def rates_in_force(day: date | None = None) -> QuerySet[Any]:
    """For each pair of currencies the newest rate that is not after the day (today by default)."""
    return (
        ExchangeRate.objects.filter(valid_from__lte=day or localdate())
        .order_by("base_id", "quote_id", "-valid_from")
        .distinct("base_id", "quote_id")
    )
