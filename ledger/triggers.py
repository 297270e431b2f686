"""What the database itself refuses in the ledger, whoever writes and by whatever code.

The two checks run when the transaction commits (`DEFERRABLE INITIALLY DEFERRED`), so that entries can be written one by
one. They run as the writer, under row-level security; the tenant that is set at that moment may be another (a job that
went on to the next), so each sets the row's own tenant and puts the former one back.
"""

import pgtrigger

APPEND_ONLY = pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)

# For a transaction and for each of its entries: all lines are there, at least two, and they balance in each unit.
# The number of lines is part of the transaction, so nothing can be added to it after its commit.
_WHOLE = """
    SELECT line_count INTO lines_expected FROM ledger_transaction WHERE id = {transaction_id};
    SELECT count(*) INTO lines_found FROM ledger_entry WHERE transaction_id = {transaction_id};
    IF lines_found IS DISTINCT FROM lines_expected OR lines_found < 2 THEN
        RAISE EXCEPTION 'ledger: transaction % has % entries, % expected',
            {transaction_id}, lines_found, lines_expected USING ERRCODE = 'check_violation';
    END IF;
    SELECT string_agg(a.unit, ', ') INTO unbalanced FROM (
        SELECT account.unit FROM ledger_entry entry JOIN ledger_account account ON account.id = entry.account_id
        WHERE entry.transaction_id = {transaction_id}
        GROUP BY account.unit HAVING sum(entry.debit) <> sum(entry.credit)
    ) a;
    IF unbalanced IS NOT NULL THEN
        RAISE EXCEPTION 'ledger: transaction % does not balance in %',
            {transaction_id}, unbalanced USING ERRCODE = 'check_violation';
    END IF;
"""

# The chain of an owned account: each entry takes up where the one before it ended. With the unique sequence and without
# updates or deletes, one step proven at each entry proves the whole chain.
_CHAIN = """
    SELECT owner_id, may_overdraw INTO STRICT its_account FROM ledger_account WHERE id = NEW.account_id;
    IF its_account.owner_id IS NULL THEN
        IF num_nonnulls(NEW.sequence, NEW.balance_before, NEW.balance_after) > 0 THEN
            RAISE EXCEPTION 'ledger: entry % is on a system account, which keeps no balance',
                NEW.id USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        IF num_nulls(NEW.sequence, NEW.balance_before, NEW.balance_after) > 0 THEN
            RAISE EXCEPTION 'ledger: entry % lacks its sequence or balances', NEW.id USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.balance_after <> NEW.balance_before + NEW.credit - NEW.debit THEN
            RAISE EXCEPTION 'ledger: entry % has a wrong balance', NEW.id USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.balance_after < 0 AND NEW.debit > 0 AND NOT its_account.may_overdraw THEN
            RAISE EXCEPTION 'ledger: entry % overdraws its account', NEW.id USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.sequence = 1 THEN
            balance_expected := 0;
        ELSE
            SELECT balance_after INTO balance_expected FROM ledger_entry
            WHERE account_id = NEW.account_id AND sequence = NEW.sequence - 1;
        END IF;
        IF balance_expected IS NULL OR NEW.balance_before <> balance_expected OR NEW.sequence < 1 THEN
            RAISE EXCEPTION 'ledger: entry % breaks the chain of its account', NEW.id USING ERRCODE = 'check_violation';
        END IF;
    END IF;
"""


def _at_commit(name: str, declare: list[tuple[str, str]], checks: str) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name,
        operation=pgtrigger.Insert,
        when=pgtrigger.After,
        timing=pgtrigger.Deferred,
        declare=[("tenant_before", "TEXT"), *declare],
        func=f"""
    tenant_before := COALESCE(current_setting('app.tenant_id', true), '');
    PERFORM set_config('app.tenant_id', NEW.tenant_id::text, true);
    {checks}
    PERFORM set_config('app.tenant_id', tenant_before, true);
    RETURN NULL;
""",
    )


_COUNTS = [("lines_expected", "INTEGER"), ("lines_found", "INTEGER"), ("unbalanced", "TEXT")]

TRANSACTION_IS_WHOLE = _at_commit("is_whole_at_commit", _COUNTS, _WHOLE.format(transaction_id="NEW.id"))

ENTRY_FITS = _at_commit(
    "fits_at_commit",
    [*_COUNTS, ("its_account", "RECORD"), ("balance_expected", "NUMERIC")],
    _CHAIN + _WHOLE.format(transaction_id="NEW.transaction_id"),
)
