from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import localtime

from accounts.models import AuditEntry, Role
from accounts.roles import seed_roles
from accounts.tests.factories import MembershipFactory, UserFactory
from ledger import admin as ledger_admin
from ledger.models import Account, AccountRole, Currency, ExchangeRate, Transaction
from ledger.services import credit, debit, owned_account, post, system_account
from ledger.services import reverse as undo
from ledger.tests.factories import CurrencyFactory, ExchangeRateFactory
from notifications.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def posted(tenant):
    clearing = system_account(AccountRole.GATEWAY_CLEARING, "USD", "stripe")
    wallet = owned_account(AccountRole.WALLET, UserFactory(last_name="Wallet-owner").pk, "USD")
    return post("payment:1:captured", "PAYMENT", debit(clearing, Decimal(120)), credit(wallet, Decimal(120)))


def client_of(user):
    client = Client()
    client.force_login(user)
    return client


def client_with(role):
    seed_roles()
    return client_of(MembershipFactory(role=Role.objects.get(code=role)).user)


@pytest.fixture
def platform(tenant):
    """Who runs the platform, and may do everything that anybody may."""
    return client_of(UserFactory(is_superuser=True))


def url(model, page, *args):
    return reverse(f"admin:ledger_{model}_{page}", args=args)


def test_movements_are_found_by_reference_and_shown_with_their_entries(platform, posted):
    listed = platform.get(url("transaction", "changelist"), {"q": "payment:1:"})
    assert "$120.00" in listed.content.decode()
    assert "payment:1:captured" not in platform.get(url("transaction", "changelist"), {"q": "zzz"}).content.decode()
    page = platform.get(url("transaction", "change", posted.pk)).content.decode()
    assert page.count("$120.00") == 3  # debit, credit, and what the wallet holds afterwards
    assert page.count("$0.00") == 1
    assert "Wallet-owner" in page


def test_a_reversal_links_to_what_it_reverses(platform, posted):
    back = undo(transaction_id=posted.pk, reference="back", reason="Cancelled", actor=None)
    page = platform.get(url("transaction", "change", back.pk)).content.decode()
    assert url("transaction", "change", posted.pk) in page


@pytest.mark.parametrize("model", ["transaction", "account"])
def test_nobody_adds_changes_or_deletes(platform, posted, model):
    row = posted if model == "transaction" else Account.objects.get(role="WALLET")
    assert platform.get(url(model, "add")).status_code == 403
    assert platform.post(url(model, "add"), {"reference": "x"}).status_code == 403
    assert platform.post(url(model, "change", row.pk), {"memo": "x", "may_overdraw": "on"}).status_code == 403
    assert platform.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    platform.post(url(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert (Transaction.objects.count(), Account.objects.count()) == (1, 2)
    assert not Account.objects.filter(may_overdraw=True).exists()


def test_accounts_show_balances_and_the_trial_balance(platform, posted, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        page = platform.get(url("account", "changelist")).content.decode()
    assert "Trial balance, USD" in page
    assert "Balances" in page
    assert page.count("$120.00") == 6  # two lines and two totals of the trial balance, two rows of the list


def test_the_page_of_an_account_is_its_statement(platform, posted):
    wallet = Account.objects.get(role="WALLET")
    page = platform.get(url("account", "change", wallet.pk)).content.decode()
    assert "payment:1:captured" in page
    assert "Closing balance" in page
    earlier = platform.get(url("account", "change", wallet.pk), {"since": "2020-01-01", "until": "2020-02-01"})
    assert "payment:1:captured" not in earlier.content.decode()
    assert earlier.context["statement"].closing == 0
    nonsense = platform.get(url("account", "change", wallet.pk), {"since": "soon", "until": ""})
    assert nonsense.status_code == 200
    assert nonsense.context["statement"] is None


def test_the_last_day_of_a_statement_counts_whole(tenant, platform, posted):
    wallet, day = (
        Account.objects.get(role="WALLET"),
        localtime(posted.occurred_at, ZoneInfo(tenant.time_zone)).date().isoformat(),
    )
    shown = platform.get(url("account", "change", wallet.pk), {"since": day, "until": day}).context["statement"]
    assert (shown.opening, shown.closing) == (0, Decimal(120))


def test_a_long_statement_comes_in_pages_that_carry_the_balance(platform, posted, monkeypatch):
    monkeypatch.setattr(ledger_admin, "LINES_A_PAGE", 2)
    clearing = system_account(AccountRole.GATEWAY_CLEARING, "USD", "stripe")
    wallet = Account.objects.get(role="WALLET")
    for number in range(2, 6):
        post(f"payment:{number}:captured", "PAYMENT", debit(clearing, Decimal(10)), credit(wallet, Decimal(10)))
    second = platform.get(url("account", "change", wallet.pk), {"page": 2}).context
    assert [line.balance for line in second["lines"]] == [Decimal(140), Decimal(150)]
    assert second["brought_forward"] == Decimal(130)
    last = platform.get(url("account", "change", wallet.pk), {"page": 99})
    assert [line.balance for line in last.context["lines"]] == [Decimal(160)]
    assert "Brought forward" in last.content.decode()
    first = platform.get(url("account", "change", wallet.pk), {"page": "soon"})
    assert first.context["brought_forward"] == 0
    assert "?page=2" in first.content.decode()


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.Code.ADMIN, 200), (Role.Code.EMPLOYEE, 200), (Role.Code.AGENT, 302), (Role.Code.CUSTOMER, 302)],
)
@pytest.mark.parametrize("model", ["transaction", "account", "exchangerate", "currency"])
def test_staff_look_others_do_not(tenant, posted, role, model, status):
    assert client_with(role).get(url(model, "changelist")).status_code == status


def test_a_rate_is_entered_with_an_audit_entry(tenant):
    CurrencyFactory(code="USD"), CurrencyFactory(code="EGP")
    admin = client_with(Role.Code.ADMIN)
    form = {"base": "USD", "quote": "EGP", "rate": "50.5", "valid_from": "2026-03-01", "source": "CBE"}
    assert admin.post(url("exchangerate", "add"), form).status_code == 302
    row = ExchangeRate.objects.get()
    assert (row.base_id, row.quote_id, row.rate) == ("USD", "EGP", Decimal("50.5"))
    assert AuditEntry.objects.get(action="ledger.exchangerate.added").subject_id == str(row.pk)
    assert Event.objects.get(type="rate.changed").subject_id == row.pk
    for wrong in ({"rate": "0"}, {"rate": "-1"}, {"quote": "USD"}, {"rate": ""}):
        answer = admin.post(url("exchangerate", "add"), form | {"valid_from": "2026-03-02"} | wrong)
        assert answer.status_code == 200
        assert answer.context["errors"]
    twice = admin.post(url("exchangerate", "add"), form)
    assert "with this From, To and Valid from already exists" in twice.content.decode()
    assert ExchangeRate.objects.count() == 1


def test_a_deleted_rate_is_announced_one_by_one_and_in_bulk(tenant):
    admin = client_with(Role.Code.ADMIN)
    one, other = ExchangeRateFactory(), ExchangeRateFactory(valid_from="2026-02-02")
    assert admin.post(url("exchangerate", "delete", one.pk), {"post": "yes"}).status_code == 302
    chosen = {"action": "delete_selected", "_selected_action": [str(other.pk)], "post": "yes"}
    assert admin.post(url("exchangerate", "changelist"), chosen).status_code == 302
    assert ExchangeRate.objects.count() == 0
    assert set(Event.objects.filter(type="rate.changed").values_list("subject_id", flat=True)) == {one.pk, other.pk}


def test_an_employee_does_not_change_rates(tenant):
    row = ExchangeRateFactory()
    employee = client_with(Role.Code.EMPLOYEE)
    assert employee.post(url("exchangerate", "change", row.pk), {"rate": "1"}).status_code == 403
    row.refresh_from_db()
    assert row.rate == 50


def test_currencies_belong_to_the_platform(tenant, platform):
    CurrencyFactory(code="EGP", is_active=True)
    form = {"name_en": "Pound", "name_ar": "جنيه", "symbol": "E£"}
    assert client_with(Role.Code.ADMIN).post(url("currency", "change", "EGP"), form).status_code == 403
    assert Currency.objects.get(code="EGP").is_active
    assert platform.post(url("currency", "change", "EGP"), form).status_code == 302
    assert (Currency.objects.get(code="EGP").name_en, Currency.objects.get(code="EGP").is_active) == ("Pound", False)
