"""How much of a price is paid at once, and when the rest is due. Pure: the rule is read with the other terms."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ledger.money import round_money
from tours.models import DepositBasis, Overdue


@dataclass(frozen=True, slots=True)
class DepositTerms:
    """A tour's deposit rule; an amount is in the currency of the terms that it belongs to."""

    basis: str
    amount: Decimal
    balance_days: int
    reminder_days: int
    overdue: str
    grace_days: int

    @classmethod
    def of(cls, columns: Sequence[Any]) -> "DepositTerms":
        basis, amount, *rest = columns
        return cls(basis, Decimal(amount), *rest)

    def converted(self, currency: str, rate: Decimal) -> "DepositTerms":
        """The same in another currency; a percentage stays what it is."""
        if self.basis == DepositBasis.PERCENT:
            return self
        return replace(self, amount=round_money(self.amount * rate, currency))


@dataclass(frozen=True, slots=True)
class Deposit:
    """What confirms a booking, and when what is asked for the rest. `cancel_at`: None where staff decide."""

    amount: Decimal
    balance: Decimal
    balance_due_at: datetime
    remind_at: datetime
    cancel_at: datetime | None


def deposit_of(
    terms: DepositTerms | None, *, total: Decimal, guests: int, currency: str, starts_at: datetime, at: datetime
) -> Deposit | None:
    """The deposit on a price; None where all is paid at once: without a rule, too near, or where it would be no part."""
    if terms is None:
        return None
    due_at = starts_at - timedelta(days=terms.balance_days)
    amount = round_money(_amount(terms, total, guests), currency)
    if due_at <= at or not 0 < amount < total:
        return None
    remind_at = due_at - timedelta(days=terms.reminder_days)
    return Deposit(
        amount=amount,
        balance=total - amount,
        balance_due_at=due_at,
        remind_at=remind_at if remind_at > at else due_at,
        cancel_at=due_at + timedelta(days=terms.grace_days) if terms.overdue == Overdue.CANCEL else None,
    )


def _amount(terms: DepositTerms, total: Decimal, guests: int) -> Decimal:
    match terms.basis:
        case DepositBasis.PERCENT:
            return total * terms.amount / 100
        case DepositBasis.PER_PERSON:
            return terms.amount * guests
        case _:
            return terms.amount
