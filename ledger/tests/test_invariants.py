"""Each proof is shown a ledger that was damaged by the owner, with every guard off, and must name the damage."""

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from accounts.tests.factories import UserFactory
from config.ids import uuid7
from config.invariants import check_all
from config.tenancy import tenant_context
from config.testing.corruption import unguarded_owner
from ledger.models import AccountRole
from ledger.services import credit, debit, owned_account, post, reverse, system_account

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def books(tenant):
    """Two movements over a wallet, one between system accounts, and that one's reversal."""
    clearing = system_account(AccountRole.GATEWAY_CLEARING, "USD", "stripe")
    deposits = system_account(AccountRole.CUSTOMER_DEPOSITS, "USD")
    wallet = owned_account(AccountRole.WALLET, UserFactory().pk, "USD")
    post("in:1", "DEPOSIT", debit(clearing, Decimal(100)), credit(wallet, Decimal(100)))
    post("in:2", "DEPOSIT", debit(clearing, Decimal(50)), credit(wallet, Decimal(50)))
    paid = post("paid", "PAYMENT", debit(clearing, Decimal(20)), credit(deposits, Decimal(20)))
    reverse(transaction_id=paid.pk, reference="back", reason="Cancelled", actor=None)
    return {"wallet": wallet, "clearing": clearing, "deposits": deposits}


DAMAGE = [
    (
        "ledger: debits equal credits in every transaction",
        "UPDATE ledger_entry SET debit = 21 WHERE debit = 20 AND transaction_id = "
        "(SELECT id FROM ledger_transaction WHERE reference = 'paid')",
        "paid: debits exceed credits by 1 USD",
    ),
    (
        "ledger: every transaction has all its entries",
        "DELETE FROM ledger_entry WHERE transaction_id = (SELECT id FROM ledger_transaction WHERE reference = 'paid')",
        "paid: 0 entries, 2 expected",
    ),
    (
        "ledger: every transaction has all its entries",
        "UPDATE ledger_transaction SET line_count = 3 WHERE reference = 'paid'",
        "paid: 2 entries, 3 expected",
    ),
    (
        "ledger: every entry belongs to a transaction and an account of its operator",
        "DELETE FROM ledger_transaction WHERE reference = 'in:2'",
        "entry {entry} has no transaction",
    ),
    (
        "ledger: every entry belongs to a transaction and an account of its operator",
        "DELETE FROM ledger_account WHERE id = '{wallet}'",
        "entry {entry} has no account",
    ),
    (
        "ledger: every entry is a positive amount on one side, in whole minor units",
        "UPDATE ledger_entry SET credit = 50.005 WHERE id = '{entry}'",
        "entry {entry}: debit 0, credit 50.005 USD",
    ),
    (
        "ledger: every entry is a positive amount on one side, in whole minor units",
        "UPDATE ledger_account SET unit = 'ABC' WHERE id = '{wallet}'",
        "entry {entry}: debit 0, credit 50 ABC",
    ),
    (
        "ledger: the balances of every owned account form one chain",
        "UPDATE ledger_entry SET balance_before = 99, balance_after = 149 WHERE id = '{entry}'",
        "account {wallet}: the chain breaks at entry number 2",
    ),
    (
        "ledger: the balances of every owned account form one chain",
        "UPDATE ledger_entry SET sequence = 3 WHERE id = '{entry}'",
        "account {wallet}: the chain breaks at entry number 3",
    ),
    (
        "ledger: the balances of every owned account form one chain",
        "UPDATE ledger_entry SET balance_after = 151 WHERE id = '{entry}'",
        "account {wallet}: the chain breaks at entry number 2",
    ),
    (
        "ledger: no owned account is below zero that may not be",
        "UPDATE ledger_entry SET debit = 100.01, credit = 0, balance_after = -0.01 WHERE id = '{entry}'",
        "account {wallet} stands at -0.01 USD",
    ),
    (
        "ledger: system accounts keep no running balance",
        "UPDATE ledger_entry SET balance_after = 5 WHERE id = '{system_entry}'",
        "entry {system_entry} has a sequence or a balance on a system account",
    ),
    (
        "ledger: a reversal is the mirror of what it reverses",
        "UPDATE ledger_entry SET debit = debit / 2, credit = credit / 2 WHERE transaction_id = "
        "(SELECT id FROM ledger_transaction WHERE reference = 'back')",
        "back does not undo paid",
    ),
]


def test_sound_books_are_clean(books, capsys):
    findings = check_all("ledger:")
    assert len(findings.faults) == len({name for name, _, _ in DAMAGE}) == 8
    assert findings.clean
    with tenant_context(None):
        call_command("check_ledger")
    printed = capsys.readouterr().out
    assert "The ledger is sound." in printed
    lines = {tuple(line.split()) for line in printed.splitlines()}
    assert ("GATEWAY_CLEARING", "stripe", "150.000", "0") in lines
    assert ("WALLET", "0", "150.000") in lines
    assert ("150.000", "150.000") in lines


@pytest.mark.parametrize(("name", "statement", "sentence"), DAMAGE)
def test_each_damage_is_named(books, name, statement, sentence, capsys):
    names = {
        "wallet": books["wallet"].pk,
        "entry": books["wallet"].entries.get(sequence=2).pk,
        "system_entry": books["deposits"].entries.earliest("pk").pk,
    }
    with unguarded_owner() as owner:
        assert owner.execute(statement.format(**names)).rowcount >= 1
    assert sentence.format(**names) in check_all().faults[name]
    with tenant_context(None), pytest.raises(CommandError):
        call_command("check_ledger")
    assert sentence.format(**names) in capsys.readouterr().err


def test_damage_at_another_operator_is_found_there(tenant, books, other_tenant):
    with tenant_context(other_tenant.pk), unguarded_owner() as owner:
        owner.execute(
            "INSERT INTO ledger_transaction (id, tenant_id, reference, kind, memo, occurred_at, line_count)"
            " VALUES (%s, %s, 'empty', 'DEPOSIT', '', now(), 2)",
            [uuid7(), other_tenant.pk],
        )
        faults = check_all().faults["ledger: every transaction has all its entries"]
        assert faults == ["empty: 0 entries, 2 expected"]
    assert check_all("ledger:").clean
