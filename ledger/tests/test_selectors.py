from datetime import UTC, datetime
from decimal import Decimal

import pytest

from accounts.tests.factories import UserFactory
from ledger.models import Account, AccountRole
from ledger.selectors import statement, trial_balance
from ledger.services import balance_of, credit, debit, owned_account, post, system_account

pytestmark = pytest.mark.django_db


def at(day):
    return datetime(2026, 3, day, 12, tzinfo=UTC)


@pytest.fixture
def clearing(tenant):
    """Received 100 for a customer and 40 for a wallet of one, gave 10 back from it; 5 € besides."""
    clearing = system_account(AccountRole.GATEWAY_CLEARING, "USD", "stripe")
    deposits = system_account(AccountRole.CUSTOMER_DEPOSITS, "USD")
    wallet = owned_account(AccountRole.WALLET, UserFactory().pk, "USD")
    post("a", "PAYMENT", debit(clearing, Decimal(100)), credit(deposits, Decimal(100)), occurred_at=at(1))
    post("b", "DEPOSIT", debit(clearing, Decimal(40)), credit(wallet, Decimal(40)), occurred_at=at(2))
    post("c", "WITHDRAWAL", debit(wallet, Decimal(10)), credit(clearing, Decimal(10)), occurred_at=at(3))
    bank, revenue = system_account("BANK", "EUR"), system_account("REVENUE", "EUR")
    post("d", "PAYMENT", debit(bank, Decimal(5)), credit(revenue, Decimal(5)), occurred_at=at(3))
    return clearing


def test_a_statement_opens_runs_and_closes(clearing):
    shown = statement(clearing, since=at(2), until=at(4))
    assert shown.opening == Decimal(100)
    assert [(line.entry.transaction.reference, line.balance) for line in shown.lines] == [
        ("b", Decimal(140)),
        ("c", Decimal(130)),
    ]
    assert shown.closing == Decimal(130)


def test_a_statement_without_a_period_is_everything(clearing):
    shown = statement(clearing)
    assert (shown.opening, len(shown.lines), shown.closing) == (0, 3, balance_of(clearing))


def test_a_wallet_grows_by_credits(clearing):
    wallet = Account.objects.get(role="WALLET")
    shown = statement(wallet, until=at(3))
    assert [line.balance for line in shown.lines] == [Decimal(40)]
    assert statement(wallet, since=at(3)).opening == Decimal(40)
    assert statement(wallet, since=at(3)).closing == Decimal(30) == balance_of(wallet)


def test_a_period_without_movements_keeps_the_balance(clearing):
    shown = statement(clearing, since=at(20))
    assert (shown.opening, shown.lines, shown.closing) == (Decimal(130), [], Decimal(130))


def test_the_trial_balance_balances_in_each_unit(clearing, django_assert_num_queries):
    with django_assert_num_queries(1):
        books = {book.unit: book for book in trial_balance()}
    assert {unit: (book.debit, book.credit, book.balances) for unit, book in books.items()} == {
        "EUR": (Decimal(5), Decimal(5), True),
        "USD": (Decimal(130), Decimal(130), True),
    }
    assert [(line.role, line.detail, line.debit_balance, line.credit_balance) for line in books["USD"].lines] == [
        ("CUSTOMER_DEPOSITS", "", Decimal(0), Decimal(100)),
        ("GATEWAY_CLEARING", "stripe", Decimal(130), Decimal(0)),
        ("WALLET", "", Decimal(0), Decimal(30)),
    ]


def test_the_trial_balance_of_an_earlier_time(clearing):
    (book,) = trial_balance(until=at(2))
    assert (book.unit, book.debit, book.credit) == ("USD", Decimal(100), Decimal(100))


def test_balances_of_a_list_are_those_of_each(clearing, django_assert_num_queries):
    system_account("CASH", "USD")
    with django_assert_num_queries(1):
        listed = {account.pk: account.balance for account in Account.objects.with_balance()}
    assert listed == {account.pk: balance_of(account) for account in Account.objects.all()}
    assert sorted(listed.values()) == [0, 5, 5, 30, 100, 130]
