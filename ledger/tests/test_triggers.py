"""What the database refuses by itself: every case by raw SQL, as the role that serves, past all our code."""

# ruff: noqa: PT012  what refuses is the commit at the end of the block

from contextlib import contextmanager
from decimal import Decimal
from functools import partial

import pytest
from django.db import Error, IntegrityError, connection, transaction

from accounts.tests.factories import UserFactory
from config.ids import uuid7
from config.tenancy import tenant_context
from config.testing import run_together
from ledger.models import Account, AccountRole, Entry, Transaction
from ledger.services import balance_of, credit, debit, owned_account, post, system_account

pytestmark = pytest.mark.django_db
really_committed = pytest.mark.django_db(transaction=True)


@contextmanager
def committed():
    """What the block wrote is judged as at a commit (which a test's own transaction never reaches)."""
    with transaction.atomic():
        yield
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        execute("SET CONSTRAINTS ALL DEFERRED")


def execute(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def insert_transaction(tenant, reference, line_count):
    pk = uuid7()
    execute(
        "INSERT INTO ledger_transaction (id, tenant_id, reference, kind, memo, occurred_at, line_count)"
        " VALUES (%s::uuid, %s::uuid, %s::text, 'DEPOSIT', '', now(), %s::int)",
        pk,
        tenant.pk,
        reference,
        line_count,
    )
    return pk


def insert_entry(tenant, transaction_id, account, debit=0, credit=0, chain=(None, None, None)):
    execute(
        "INSERT INTO ledger_entry (id, tenant_id, transaction_id, account_id, debit, credit, sequence, balance_before,"
        " balance_after) VALUES (%s::uuid, %s::uuid, %s::uuid, %s::uuid, %s::numeric, %s::numeric, %s::bigint,"
        " %s::numeric, %s::numeric)",
        uuid7(),
        tenant.pk,
        transaction_id,
        account.pk,
        debit,
        credit,
        *chain,
    )


@pytest.fixture
def clearing(tenant):
    return system_account(AccountRole.GATEWAY_CLEARING, "USD", "stripe")


@pytest.fixture
def deposits(tenant):
    return system_account(AccountRole.CUSTOMER_DEPOSITS, "USD")


@pytest.fixture
def wallet(tenant, clearing):
    """With 100.00 on it, in one entry."""
    account = owned_account(AccountRole.WALLET, UserFactory().pk, "USD")
    post("first", "DEPOSIT", debit(clearing, Decimal(100)), credit(account, Decimal(100)))
    return account


def test_a_sound_movement_by_raw_sql_is_accepted(tenant, clearing, wallet):
    with committed():
        pk = insert_transaction(tenant, "raw", 2)
        insert_entry(tenant, pk, clearing, debit=7)
        insert_entry(tenant, pk, wallet, credit=7, chain=(2, 100, 107))
    assert balance_of(wallet) == Decimal(107)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], "has 0 entries, 2 expected"),
        ([(5, 0)], "has 1 entries, 2 expected"),
        ([(5, 0), (0, 5), (5, 0)], "has 3 entries, 2 expected"),
        ([(5, 0), (0, 4)], "does not balance in USD"),
        ([(5, 0), (5, 0)], "does not balance in USD"),
    ],
)
def test_a_transaction_is_whole_and_balances(tenant, clearing, lines, fault):
    with pytest.raises(IntegrityError, match=fault), committed():
        pk = insert_transaction(tenant, "raw", 2)
        for left, right in lines:
            insert_entry(tenant, pk, clearing, debit=left, credit=right)
    assert Transaction.objects.count() == Entry.objects.count() == 0


@really_committed
def test_the_commit_itself_refuses(tenant, clearing, deposits):
    with pytest.raises(IntegrityError, match="does not balance in USD"), transaction.atomic():
        pk = insert_transaction(tenant, "raw", 2)
        insert_entry(tenant, pk, clearing, debit=5)
        insert_entry(tenant, pk, deposits, credit=4)
        assert Entry.objects.count() == 2  # until then all was well
    assert Entry.objects.count() == 0


def test_one_entry_is_too_few_whatever_the_transaction_says(tenant, clearing):
    with pytest.raises(IntegrityError, match="has 1 entries, 1 expected"), committed():
        pk = insert_transaction(tenant, "raw", 1)
        insert_entry(tenant, pk, clearing, debit=5)


def test_each_unit_balances_for_itself(tenant, clearing):
    in_euro = system_account(AccountRole.REVENUE, "EUR")
    with pytest.raises(IntegrityError, match=r"does not balance in (EUR, USD|USD, EUR)"), committed():
        pk = insert_transaction(tenant, "raw", 2)
        insert_entry(tenant, pk, clearing, debit=5)
        insert_entry(tenant, pk, in_euro, credit=5)


def test_nothing_is_added_to_a_transaction_after_its_commit(tenant, clearing, deposits):
    posted = post("sealed", "PAYMENT", debit(clearing, Decimal(5)), credit(deposits, Decimal(5)))
    with pytest.raises(IntegrityError, match="has 4 entries, 2 expected"), committed():
        insert_entry(tenant, posted.pk, clearing, debit=1)
        insert_entry(tenant, posted.pk, deposits, credit=1)
    assert posted.entries.count() == 2


@pytest.mark.parametrize(("left", "right"), [(0, 0), (5, 5), (-5, 0), (0, -5)])
def test_an_entry_has_one_positive_side(tenant, clearing, left, right):
    with pytest.raises(IntegrityError, match="entry_has_one_side"), committed():
        insert_entry(tenant, insert_transaction(tenant, "raw", 2), clearing, debit=left, credit=right)


@pytest.mark.parametrize(
    ("debit_", "credit_", "chain", "fault"),
    [
        (0, 7, (None, None, None), "lacks its sequence or balances"),
        (0, 7, (2, 100, None), "lacks its sequence or balances"),
        (0, 7, (3, 100, 107), "breaks the chain"),  # a gap
        (0, 7, (0, 0, 7), "breaks the chain"),
        (0, 7, (1, 0, 7), "entry_sequence_once"),
        (0, 7, (2, 99, 106), "breaks the chain"),
        (0, 7, (2, 100, 108), "has a wrong balance"),
        (7, 0, (2, 100, 107), "has a wrong balance"),
        ("100.01", 0, (2, 100, "-0.01"), "overdraws its account"),
    ],
)
def test_the_chain_of_an_owned_account_does_not_break(tenant, clearing, wallet, debit_, credit_, chain, fault):
    with pytest.raises(IntegrityError, match=fault), committed():
        pk = insert_transaction(tenant, "raw", 2)
        insert_entry(tenant, pk, clearing, debit=credit_, credit=debit_)
        insert_entry(tenant, pk, wallet, debit=debit_, credit=credit_, chain=chain)
    assert balance_of(wallet) == Decimal(100)


def test_an_account_that_may_be_overdrawn_is(tenant, clearing, wallet):
    Account.objects.filter(pk=wallet.pk).update(may_overdraw=True)
    with committed():
        pk = insert_transaction(tenant, "raw", 2)
        insert_entry(tenant, pk, clearing, credit=150)
        insert_entry(tenant, pk, wallet, debit=150, chain=(2, 100, -50))
    assert balance_of(wallet) == Decimal(-50)


@pytest.mark.parametrize("chain", [(1, None, None), (None, 0, None), (None, None, 5), (1, 0, 5)])
def test_a_system_account_keeps_no_balance(tenant, clearing, deposits, chain):
    with pytest.raises(IntegrityError, match="keeps no balance"), committed():
        pk = insert_transaction(tenant, "raw", 2)
        insert_entry(tenant, pk, clearing, debit=5)
        insert_entry(tenant, pk, deposits, credit=5, chain=chain)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET debit = debit + 1 WHERE debit > 0",
        "UPDATE ledger_transaction SET memo = 'other'",
        "DELETE FROM ledger_entry",
        "DELETE FROM ledger_transaction",
        "UPDATE ledger_account SET unit = 'EUR'",
        "UPDATE ledger_account SET owner_id = NULL, role = 'REVENUE' WHERE role = 'WALLET'",
        "UPDATE ledger_account SET detail = 'paypal' WHERE detail = 'stripe'",
        "DELETE FROM ledger_account",
        "TRUNCATE ledger_entry",
        "TRUNCATE ledger_transaction CASCADE",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
    ],
)
def test_what_stands_in_the_ledger_stands(wallet, statement):
    before = list(Entry.objects.order_by("pk").values())
    with pytest.raises(Error, match=r"Cannot update|violates foreign key|permission denied|must be owner"):  # noqa: SIM117
        with committed():
            execute(statement)
    assert list(Entry.objects.order_by("pk").values()) == before
    assert balance_of(wallet) == Decimal(100)


def test_a_wallet_has_an_owner_and_the_operators_own_accounts_have_none(tenant):
    for role, owner in ((AccountRole.WALLET, None), (AccountRole.REVENUE, UserFactory())):
        with pytest.raises(IntegrityError, match="account_owner_fits_role"), transaction.atomic():
            Account.objects.create(role=role, owner=owner, unit="USD")


def test_entries_stay_within_one_tenant(tenant, other_tenant, clearing):
    with tenant_context(other_tenant.pk):
        theirs = system_account(AccountRole.REVENUE, "USD")
    with pytest.raises(Error), committed():
        pk = insert_transaction(tenant, "raw", 2)
        insert_entry(tenant, pk, clearing, debit=5)
        insert_entry(tenant, pk, theirs, credit=5)


@really_committed
def test_a_job_that_went_on_to_another_tenant_before_the_commit_is_judged_by_its_own_rows(tenant, other_tenant):
    with transaction.atomic():
        for house in (tenant, other_tenant):
            with tenant_context(house.pk):
                cash, revenue = system_account("CASH", "USD"), system_account("REVENUE", "USD")
                post("sale", "PAYMENT", debit(cash, Decimal(5)), credit(revenue, Decimal(5)))
    with pytest.raises(IntegrityError, match="has 1 entries"), transaction.atomic():
        insert_entry(tenant, insert_transaction(tenant, "raw", 2), system_account("CASH", "USD"), debit=5)
        with tenant_context(other_tenant.pk):
            assert Transaction.objects.count() == 1  # the connection is the other tenant's now
    with tenant_context(other_tenant.pk):
        assert Transaction.objects.count() == 1


def test_the_check_leaves_the_connections_tenant_as_it_was(tenant, other_tenant):
    with transaction.atomic():
        cash, revenue = system_account("CASH", "USD"), system_account("REVENUE", "USD")
        post("sale", "PAYMENT", debit(cash, Decimal(5)), credit(revenue, Decimal(5)))
        with tenant_context(other_tenant.pk), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SELECT current_setting('app.tenant_id')")
            assert cursor.fetchone() == (str(other_tenant.pk),)


def deposit(account_id, clearing, number):
    account = Account.objects.get(pk=account_id)
    return post(f"deposit:{number}", "DEPOSIT", debit(clearing, Decimal(1)), credit(account, Decimal(1)))


@really_committed
def test_posts_at_once_form_one_chain(clearing, wallet):
    outcomes = run_together(*[partial(deposit, wallet.pk, clearing, number) for number in range(12)])
    assert [type(outcome).__name__ for outcome in outcomes] == ["Transaction"] * 12
    chain = list(wallet.entries.order_by("sequence").values_list("sequence", "balance_before", "balance_after"))
    assert [sequence for sequence, _, _ in chain] == list(range(1, 14))
    assert [before for _, before, _ in chain[1:]] == [after for _, _, after in chain[:-1]]
    assert balance_of(wallet) == Decimal(112)


@really_committed
def test_control_without_the_lock_the_database_still_keeps_the_chain(clearing, wallet, monkeypatch):
    """The services lock the account; take that away and posts fail, but nothing false is ever stored."""
    unlocked = type(Account.objects.all())
    monkeypatch.setattr(unlocked, "select_for_update", lambda self, **_: self)
    outcomes = run_together(*[partial(deposit, wallet.pk, clearing, number) for number in range(12)])
    refused = [outcome for outcome in outcomes if isinstance(outcome, IntegrityError)]
    assert refused, "without the lock some posts must have met"
    assert all("entry_sequence_once" in str(fault) or "breaks the chain" in str(fault) for fault in refused)
    chain = list(wallet.entries.order_by("sequence").values_list("sequence", "balance_after"))
    assert chain == [(place, Decimal(99 + place)) for place in range(1, len(chain) + 1)]
    assert len(chain) == 13 - len(refused)


def withdraw(account_id, clearing, number):
    account = Account.objects.get(pk=account_id)
    return post(f"out:{number}", "WITHDRAWAL", debit(account, Decimal(60)), credit(clearing, Decimal(60)))


@really_committed
def test_the_last_money_is_spent_once(clearing, wallet):
    outcomes = run_together(*[partial(withdraw, wallet.pk, clearing, number) for number in range(6)])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InsufficientFunds"] * 5 + ["Transaction"]
    assert balance_of(wallet) == Decimal(40)


@really_committed
def test_one_reference_at_once_is_one_movement(clearing, wallet):
    outcomes = run_together(*[partial(deposit, wallet.pk, clearing, 1)] * 8)
    assert {outcome.pk for outcome in outcomes} == {Transaction.objects.get(reference="deposit:1").pk}
    assert balance_of(wallet) == Decimal(101)


@really_committed
def test_one_account_at_once_is_made_once(tenant):
    outcomes = run_together(*[partial(system_account, "GATEWAY_FEES", "USD", "stripe")] * 8)
    assert len({outcome.pk for outcome in outcomes}) == 1
