"""Posting to the ledger: the only way in which money moves.

post(f"payment:{payment.pk}:captured", TransactionKind.PAYMENT,
     debit(system_account(AccountRole.GATEWAY_CLEARING, "USD", "stripe"), amount),
     credit(system_account(AccountRole.CUSTOMER_DEPOSITS, "USD"), amount))
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.timezone import now

from ledger.errors import AlreadyReversed, InsufficientFunds, InvalidLine, ReferenceReused, Unbalanced
from ledger.models import Account, AccountRole, Entry, Transaction, TransactionKind
from ledger.money import format_money, minor_units, to_minor

ZERO = Decimal(0)


@dataclass(frozen=True)
class Line:
    """One side of a movement, not yet posted."""

    account: Account
    debit: Decimal = ZERO
    credit: Decimal = ZERO

    @property
    def key(self) -> tuple[UUID, Decimal, Decimal]:
        return self.account.pk, self.debit, self.credit


def debit(account: Account, amount: Decimal) -> Line:
    """A line on the left. Raises `InvalidLine` at zero or less, `AmountTooFine` below the currency's smallest unit."""
    return Line(account, debit=_postable(account, amount))


def credit(account: Account, amount: Decimal) -> Line:
    """A line on the right. Raises as `debit`."""
    return Line(account, credit=_postable(account, amount))


def _postable(account: Account, amount: Decimal) -> Decimal:
    if to_minor(amount, account.unit) <= 0:
        raise InvalidLine(amount=str(amount), unit=account.unit)
    return amount


def system_account(role: AccountRole | str, unit: str, detail: str = "") -> Account:
    """The tenant's own account of this role and unit, made when first asked for. Raises `UnknownCurrency`."""
    minor_units(unit)
    return Account.objects.get_or_create(role=AccountRole(role), unit=unit, detail=detail, owner_id=None)[0]


def owned_account(role: AccountRole | str, owner_id: UUID, unit: str) -> Account:
    """A person's account (their wallet in a currency), made when first asked for. Raises `UnknownCurrency`."""
    minor_units(unit)
    return Account.objects.get_or_create(role=AccountRole(role), unit=unit, detail="", owner_id=owner_id)[0]


@transaction.atomic
def post(
    reference: str,
    kind: TransactionKind | str,
    *lines: Line,
    memo: str = "",
    actor: Any = None,
    occurred_at: datetime | None = None,
) -> Transaction:
    """Post a balanced movement; safe to repeat, also at once from several processes.

    The same reference with the same kind and lines returns what was posted first. Raises `ReferenceReused` where they
    differ, `Unbalanced` unless debits equal credits in each unit, `InsufficientFunds` where an owned account would go
    below zero. Owned accounts are locked until the end of the transaction, in the order of their ids.
    """
    return _post(reference, TransactionKind(kind), lines, memo, actor, occurred_at, reverses=None)


@transaction.atomic
def reverse(*, transaction_id: UUID, reference: str, reason: str, actor: Any) -> Transaction:
    """Undo a movement by its mirror image, which names it; the memo is the reason. Safe to repeat.

    Raises `AlreadyReversed` where another reference did it before.
    """
    undone = Transaction.objects.select_for_update().get(pk=transaction_id)
    earlier = undone.reversals.exclude(reference=reference).first()
    if earlier is not None:
        raise AlreadyReversed(reference=undone.reference, reversal=earlier.reference)
    lines = [
        Line(entry.account, debit=entry.credit, credit=entry.debit)
        for entry in undone.entries.select_related("account").order_by("pk")
    ]
    return _post(reference, TransactionKind(undone.kind), lines, reason, actor, None, reverses=undone)


def _post(
    reference: str,
    kind: TransactionKind,
    lines: Any,
    memo: str,
    actor: Any,
    occurred_at: datetime | None,
    reverses: Transaction | None,
) -> Transaction:
    if not reference:
        raise ValueError("a movement needs a reference")
    _refuse_unbalanced(lines)
    earlier = Transaction.objects.filter(reference=reference).first()
    if earlier is not None:
        return _the_same(earlier, kind, lines, reverses)
    try:
        with transaction.atomic():
            posted = Transaction.objects.create(
                reference=reference,
                kind=kind,
                memo=memo[:250],
                actor_id=actor.pk if actor else None,
                occurred_at=occurred_at or now(),
                reverses=reverses,
                line_count=len(lines),
            )
    except IntegrityError as fault:
        if "transaction_reference_once" not in str(fault):
            raise
        # Another process posted it a moment ago: the insert waited for its commit.
        return _the_same(Transaction.objects.get(reference=reference), kind, lines, reverses)
    Entry.objects.bulk_create(_entries(posted, lines))
    return posted


def _refuse_unbalanced(lines: Any) -> None:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.account.unit] += line.debit - line.credit
    units = sorted(unit for unit, left in sums.items() if left)
    if units or len(lines) < 2:
        raise Unbalanced(units=", ".join(units or sorted(sums)))


def _the_same(earlier: Transaction, kind: TransactionKind, lines: Any, reverses: Transaction | None) -> Transaction:
    posted = Counter(earlier.entries.values_list("account_id", "debit", "credit"))
    wanted = Counter(line.key for line in lines)
    if posted != wanted or earlier.kind != kind or earlier.reverses_id != (reverses.pk if reverses else None):
        raise ReferenceReused(reference=earlier.reference)
    return earlier


def _entries(posted: Transaction, lines: Any) -> list[Entry]:
    chains = _lock_chains({line.account.pk for line in lines if line.account.is_owned})
    entries = []
    for line in lines:
        entry = Entry(transaction=posted, account=line.account, debit=line.debit, credit=line.credit)
        chain = chains.get(line.account.pk)
        if chain is not None:
            chain.step(entry)
        entries.append(entry)
    return entries


@dataclass
class _Chain:
    """Where an owned account stands: its row is locked."""

    account: Account
    sequence: int = 0
    balance: Decimal = ZERO

    def step(self, entry: Entry) -> None:
        entry.sequence, entry.balance_before = self.sequence + 1, self.balance
        entry.balance_after = self.balance + entry.credit - entry.debit
        if entry.balance_after < 0 and entry.debit and not self.account.may_overdraw:
            raise InsufficientFunds(
                balance=format_money(self.balance, self.account.unit),
                amount=format_money(entry.debit, self.account.unit),
            )
        self.sequence, self.balance = entry.sequence, entry.balance_after


def _lock_chains(account_ids: set[UUID]) -> dict[UUID, _Chain]:
    if not account_ids:
        return {}
    accounts = Account.objects.select_for_update(of=("self",)).filter(pk__in=account_ids).order_by("pk")
    chains = {}
    for account in accounts:
        last = Entry.objects.filter(account=account).order_by("-sequence").first()
        chains[account.pk] = (
            _Chain(account, last.sequence or 0, last.balance_after or ZERO) if last else _Chain(account)
        )
    return chains


def balance_of(account: Account) -> Decimal:
    """What stands on the account, positive the way its role grows (see `AccountRole.with_debit_balance`).

    For an owned account the last link of its chain, in constant time; for a system account the sum of its entries.
    """
    if account.is_owned:
        last = Entry.objects.filter(account=account).order_by("-sequence").values_list("balance_after", flat=True)
        return last.first() or ZERO
    sums = Entry.objects.filter(account=account).aggregate(debit=Sum("debit"), credit=Sum("credit"))
    balance = (sums["debit"] or ZERO) - (sums["credit"] or ZERO)
    return balance if account.grows_by_debit else -balance
