"""What must hold in the ledger at any moment, proven on the rows themselves: no trigger or service is trusted here."""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from config.invariants import invariant
from ledger.money import known_currencies, minor_units


def _rows(statement: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


@invariant("ledger: debits equal credits in every transaction")
def transactions_balance() -> Iterator[str]:
    for reference, unit, difference in _rows(
        """
        SELECT t.reference, a.unit, sum(e.debit - e.credit)
        FROM ledger_entry e
        JOIN ledger_transaction t ON t.id = e.transaction_id
        JOIN ledger_account a ON a.id = e.account_id
        GROUP BY t.id, t.reference, a.unit HAVING sum(e.debit) <> sum(e.credit) ORDER BY t.reference
        """
    ):
        yield f"{reference}: debits exceed credits by {difference.normalize():f} {unit}"


@invariant("ledger: every transaction has all its entries")
def transactions_are_whole() -> Iterator[str]:
    for reference, expected, found in _rows(
        """
        SELECT t.reference, t.line_count, count(e.id)
        FROM ledger_transaction t LEFT JOIN ledger_entry e ON e.transaction_id = t.id
        GROUP BY t.id, t.reference, t.line_count
        HAVING count(e.id) <> t.line_count OR count(e.id) < 2 ORDER BY t.reference
        """
    ):
        yield f"{reference}: {found} entries, {expected} expected"


@invariant("ledger: every entry belongs to a transaction and an account of its operator")
def entries_have_homes() -> Iterator[str]:
    for entry, has_transaction in _rows(
        """
        SELECT e.id, t.id IS NOT NULL
        FROM ledger_entry e
        LEFT JOIN ledger_transaction t ON t.id = e.transaction_id AND t.tenant_id = e.tenant_id
        LEFT JOIN ledger_account a ON a.id = e.account_id AND a.tenant_id = e.tenant_id
        WHERE t.id IS NULL OR a.id IS NULL ORDER BY e.id
        """
    ):
        yield f"entry {entry} has no {'account' if has_transaction else 'transaction'}"


@invariant("ledger: every entry is a positive amount on one side, in whole minor units")
def entries_are_postable() -> Iterator[str]:
    units = known_currencies()
    for entry, debit, credit, unit in _rows(
        """
        SELECT e.id, e.debit, e.credit, a.unit
        FROM ledger_entry e
        JOIN ledger_account a ON a.id = e.account_id
        LEFT JOIN unnest(%s::text[], %s::int[]) AS known (unit, decimals) ON known.unit = a.unit
        WHERE known.unit IS NULL OR least(e.debit, e.credit) <> 0 OR greatest(e.debit, e.credit) <= 0
            OR e.debit <> round(e.debit, known.decimals) OR e.credit <> round(e.credit, known.decimals)
        ORDER BY e.id
        """,
        [units, [minor_units(unit) for unit in units]],
    ):
        yield f"entry {entry}: debit {debit.normalize():f}, credit {credit.normalize():f} {unit}"


@invariant("ledger: the balances of every owned account form one chain")
def chains_hold() -> Iterator[str]:
    for account, sequence in _rows(
        """
        SELECT account_id, sequence FROM (
            SELECT e.account_id, e.sequence, e.balance_before, e.balance_after, e.debit, e.credit,
                row_number() OVER chain AS place,
                lag(e.balance_after, 1, 0::numeric) OVER chain AS former
            FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
            WHERE a.owner_id IS NOT NULL
            WINDOW chain AS (PARTITION BY e.account_id ORDER BY e.sequence)
        ) links
        WHERE sequence IS DISTINCT FROM place OR balance_before IS DISTINCT FROM former
            OR balance_after IS DISTINCT FROM former + credit - debit
        ORDER BY account_id, sequence
        """
    ):
        yield f"account {account}: the chain breaks at entry number {sequence}"


@invariant("ledger: no owned account is below zero that may not be")
def nothing_is_overdrawn() -> Iterator[str]:
    for account, balance, unit in _rows(
        """
        SELECT a.id, sum(e.credit - e.debit), a.unit
        FROM ledger_account a JOIN ledger_entry e ON e.account_id = a.id
        WHERE a.owner_id IS NOT NULL AND NOT a.may_overdraw
        GROUP BY a.id, a.unit HAVING sum(e.credit - e.debit) < 0 ORDER BY a.id
        """
    ):
        yield f"account {account} stands at {balance.normalize():f} {unit}"


@invariant("ledger: system accounts keep no running balance")
def system_accounts_keep_no_balance() -> Iterator[str]:
    for (entry,) in _rows(
        """
        SELECT e.id FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id
        WHERE a.owner_id IS NULL AND num_nonnulls(e.sequence, e.balance_before, e.balance_after) > 0 ORDER BY e.id
        """
    ):
        yield f"entry {entry} has a sequence or a balance on a system account"


@invariant("ledger: a reversal is the mirror of what it reverses")
def reversals_mirror() -> Iterator[str]:
    for reference, original in _rows(
        """
        SELECT back.reference, there.reference
        FROM ledger_transaction back JOIN ledger_transaction there ON there.id = back.reverses_id
        WHERE EXISTS (
            SELECT FROM ledger_entry e WHERE e.transaction_id IN (back.id, there.id)
            GROUP BY e.account_id HAVING sum(e.debit) <> sum(e.credit)
        ) ORDER BY back.reference
        """
    ):
        yield f"{reference} does not undo {original}"
