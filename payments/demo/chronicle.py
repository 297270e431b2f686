"""What stories are written into: rows that are not saved yet, with ids, numbers, facts and postings."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from django.db.models import Model

from config.ids import REFERENCE_ALPHABET
from ledger.models import Account, AccountRole, Entry, Transaction, TransactionKind
from ledger.services import system_account
from notifications.models import Delivery, DeliveryStatus, Event
from notifications.outbox import subscribers_of
from payments.models import Payment, Refund

ZERO = Decimal(0)


def uuid7_of(at: datetime, chance: Random) -> UUID:
    """A version 7 UUID of that moment, by chance alone."""
    value = (int(at.timestamp() * 1000) << 80) | chance.getrandbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    return UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62))


class Chronicle:
    """Rows to be inserted for the current tenant, in `rows`; and in `remote` the payments that their gateway must know."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.rows: list[Model] = []
        self.remote: list[tuple[Payment, list[Refund]]] = []
        self._accounts: dict[tuple[str, str, str], Account] = {}
        self._subscribers: dict[str, list[str]] = {}

    def take_rows(self) -> list[Model]:
        """The rows told so far, once."""
        rows, self.rows = self.rows, []
        return rows

    def new_id(self, at: datetime) -> UUID:
        return uuid7_of(at, self.chance)

    def number(self, prefix: str) -> str:
        return f"{prefix}-{''.join(self.chance.choices(REFERENCE_ALPHABET, k=8))}"

    def account(self, role: AccountRole, unit: str, detail: str = "") -> Account:
        key = (str(role), unit, detail)
        if key not in self._accounts:
            self._accounts[key] = system_account(role, unit, detail)
        return self._accounts[key]

    def subscribers(self, type_: str) -> list[str]:
        if type_ not in self._subscribers:
            self._subscribers[type_] = sorted(subscribers_of(type_))
        return self._subscribers[type_]

    def announce(self, type_: str, subject: Model, at: datetime, **data: Any) -> None:
        """A fact whose subscribers have all done their work."""
        names = self.subscribers(type_)
        event = Event(
            id=self.new_id(at),
            type=type_,
            occurred_at=at,
            subject_type=subject._meta.label_lower,
            subject_id=subject.pk,
            data=data,
            expected_deliveries=len(names),
        )
        self.rows.append(event)
        self.rows += [
            Delivery(
                id=self.new_id(at),
                event_id=event.pk,
                subscriber=name,
                status=DeliveryStatus.DONE,
                next_try_at=at,
                done_at=at + timedelta(seconds=1),
            )
            for name in names
        ]

    def post(
        self,
        at: datetime,
        reference: str,
        kind: TransactionKind,
        memo: str,
        lines: Sequence[tuple[Account, Decimal, Decimal]],
        actor_id: UUID | None = None,
    ) -> Transaction:
        """A movement between system accounts; lines are (account, debit, credit)."""
        posted = Transaction(
            id=self.new_id(at),
            reference=reference,
            kind=kind,
            memo=memo[:250],
            actor_id=actor_id,
            occurred_at=at,
            line_count=len(lines),
        )
        self.rows.append(posted)
        self.rows += [
            Entry(id=self.new_id(at), transaction_id=posted.pk, account_id=account.pk, debit=debit, credit=credit)
            for account, debit, credit in lines
        ]
        return posted
