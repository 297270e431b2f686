from decimal import Decimal

import pytest

from accounts.tests.factories import UserFactory
from config.tenancy import tenant_context
from ledger import services
from ledger.errors import (
    AlreadyReversed,
    AmountTooFine,
    InsufficientFunds,
    InvalidLine,
    ReferenceReused,
    Unbalanced,
    UnknownCurrency,
)
from ledger.models import AccountRole, Entry, Transaction, TransactionKind
from ledger.services import balance_of, credit, debit, owned_account, post, reverse, system_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def clearing(tenant):
    return system_account(AccountRole.GATEWAY_CLEARING, "USD", "stripe")


@pytest.fixture
def deposits(tenant):
    return system_account(AccountRole.CUSTOMER_DEPOSITS, "USD")


@pytest.fixture
def wallet(tenant):
    return owned_account(AccountRole.WALLET, UserFactory().pk, "USD")


def capture(clearing, deposits, amount="120.00", reference="payment:1:captured"):
    amount = Decimal(amount)
    return post(reference, TransactionKind.PAYMENT, debit(clearing, amount), credit(deposits, amount))


def test_a_movement_is_posted_with_its_lines_and_shows_in_the_balances(clearing, deposits):
    posted = capture(clearing, deposits)
    assert [
        (e.account_id, e.debit, e.credit, e.sequence, e.balance_after) for e in posted.entries.order_by("-debit")
    ] == [
        (clearing.pk, Decimal(120), Decimal(0), None, None),
        (deposits.pk, Decimal(0), Decimal(120), None, None),
    ]
    assert balance_of(clearing) == Decimal("120.00")
    assert balance_of(deposits) == Decimal("120.00")
    assert posted.line_count == 2


def test_the_same_again_returns_the_first_and_changes_nothing(clearing, deposits):
    assert capture(clearing, deposits) == capture(clearing, deposits)
    assert Transaction.objects.count() == 1
    assert Entry.objects.count() == 2


def test_a_reference_does_not_serve_twice(clearing, deposits):
    capture(clearing, deposits)
    with pytest.raises(ReferenceReused):
        capture(clearing, deposits, amount="120.01")
    with pytest.raises(ReferenceReused):
        post("payment:1:captured", "REFUND", debit(clearing, Decimal(120)), credit(deposits, Decimal(120)))
    assert balance_of(deposits) == Decimal("120.00")


def test_lines_must_balance_in_each_unit(clearing, deposits):
    in_euro = system_account(AccountRole.CUSTOMER_DEPOSITS, "EUR")
    with pytest.raises(Unbalanced) as refusal:
        post("r", "PAYMENT", debit(clearing, Decimal(120)), credit(in_euro, Decimal(120)))
    assert refusal.value.values == {"units": "EUR, USD"}
    with pytest.raises(Unbalanced):
        post("r", "PAYMENT", debit(clearing, Decimal(120)), credit(deposits, Decimal("119.99")))
    with pytest.raises(Unbalanced):
        post("r", "PAYMENT", debit(clearing, Decimal(120)))
    with pytest.raises(Unbalanced):
        post("r", "PAYMENT")
    assert Transaction.objects.count() == 0


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_a_line_is_above_zero(clearing, amount):
    with pytest.raises(InvalidLine):
        debit(clearing, Decimal(amount))


def test_an_amount_finer_than_the_currency_is_refused_not_rounded(clearing, tenant):
    with pytest.raises(AmountTooFine):
        debit(clearing, Decimal("0.001"))
    with pytest.raises(AmountTooFine):
        credit(system_account(AccountRole.REVENUE, "JPY"), Decimal("10.5"))
    assert credit(system_account(AccountRole.REVENUE, "KWD"), Decimal("10.505")).credit == Decimal("10.505")


def test_an_account_is_in_a_known_currency(tenant):
    with pytest.raises(UnknownCurrency):
        system_account(AccountRole.REVENUE, "XXX")
    with pytest.raises(UnknownCurrency):
        owned_account(AccountRole.WALLET, UserFactory().pk, "usd")


def test_a_wallet_keeps_a_chain_of_balances(wallet, clearing):
    post("in:1", "DEPOSIT", debit(clearing, Decimal(100)), credit(wallet, Decimal(100)))
    post("in:2", "DEPOSIT", debit(clearing, Decimal("20.50")), credit(wallet, Decimal("20.50")))
    post("out:1", "WITHDRAWAL", debit(wallet, Decimal(70)), credit(clearing, Decimal(70)))
    chain = wallet.entries.order_by("sequence").values_list("sequence", "balance_before", "balance_after")
    assert list(chain) == [
        (1, Decimal(0), Decimal(100)),
        (2, Decimal(100), Decimal("120.50")),
        (3, Decimal("120.50"), Decimal("50.50")),
    ]
    assert balance_of(wallet) == Decimal("50.50")


def test_two_lines_of_one_movement_follow_each_other_on_the_chain(wallet, clearing):
    post(
        "in:1",
        "DEPOSIT",
        debit(clearing, Decimal(30)),
        credit(wallet, Decimal(10)),
        credit(wallet, Decimal(20)),
    )
    assert list(wallet.entries.order_by("sequence").values_list("sequence", "balance_after")) == [
        (1, Decimal(10)),
        (2, Decimal(30)),
    ]


def test_a_wallet_is_not_overdrawn_unless_it_may_be(wallet, clearing):
    post("in:1", "DEPOSIT", debit(clearing, Decimal(10)), credit(wallet, Decimal(10)))
    with pytest.raises(InsufficientFunds):
        post("out:1", "WITHDRAWAL", debit(wallet, Decimal("10.01")), credit(clearing, Decimal("10.01")))
    assert balance_of(wallet) == Decimal(10)
    assert not Transaction.objects.filter(reference="out:1").exists()
    type(wallet).objects.filter(pk=wallet.pk).update(may_overdraw=True)
    post("out:1", "WITHDRAWAL", debit(wallet, Decimal("10.01")), credit(clearing, Decimal("10.01")))
    assert balance_of(wallet) == Decimal("-0.01")


def test_a_reversal_mirrors_names_and_happens_once(clearing, deposits):
    posted = capture(clearing, deposits)
    actor = UserFactory()
    back = reverse(transaction_id=posted.pk, reference="refund:1:done", reason="Cancelled", actor=actor)
    assert (back.reverses, back.memo, back.actor, back.kind) == (posted, "Cancelled", actor, "PAYMENT")
    assert balance_of(clearing) == balance_of(deposits) == 0
    assert reverse(transaction_id=posted.pk, reference="refund:1:done", reason="Cancelled", actor=actor) == back
    with pytest.raises(AlreadyReversed):
        reverse(transaction_id=posted.pk, reference="refund:2:done", reason="Cancelled", actor=actor)
    assert Transaction.objects.count() == 2


def test_an_account_is_made_once(tenant):
    assert system_account("REVENUE", "USD") == services.system_account(AccountRole.REVENUE, "USD")


def test_tenants_have_their_own_accounts_and_references(clearing, deposits, other_tenant):
    capture(clearing, deposits)
    with tenant_context(other_tenant.pk):
        theirs = system_account(AccountRole.GATEWAY_CLEARING, "USD", "stripe")
        assert theirs != clearing
        assert balance_of(theirs) == 0
        capture(theirs, system_account(AccountRole.CUSTOMER_DEPOSITS, "USD"), amount="5.00")
        assert balance_of(theirs) == Decimal(5)
    assert balance_of(clearing) == Decimal(120)


def test_posting_costs_a_fixed_number_of_statements(clearing, deposits, wallet, django_assert_num_queries):
    """Three of them savepoints that a caller's transaction needs; two more where an owned account is locked."""
    with django_assert_num_queries(7):
        capture(clearing, deposits)
    with django_assert_num_queries(9):
        post("in:1", "DEPOSIT", debit(clearing, Decimal(1)), credit(wallet, Decimal(1)))
    for number in range(5):
        post(f"more:{number}", "DEPOSIT", debit(clearing, Decimal(1)), credit(wallet, Decimal(1)))
    with django_assert_num_queries(9):
        post("in:2", "DEPOSIT", debit(clearing, Decimal(1)), credit(wallet, Decimal(1)))
    with django_assert_num_queries(4):  # a repeat: found, compared
        capture(clearing, deposits)
