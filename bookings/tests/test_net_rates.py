"""What partners and members pay. The figures were worked out by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.authentication import load_account
from accounts.models import AuditEntry, PriceGroup
from accounts.services.people import change_person
from accounts.tests.factories import MembershipFactory, RoleFactory
from bookings.models import NetRate
from bookings.pricing import quote
from bookings.tests.factories import CustomerFactory, PartnerFactory, PartnerUserFactory
from config.errors import NotFound
from ledger.errors import NoRate
from ledger.models import ExchangeRate
from tours.models import PriceRule, ServiceFee
from tours.tests.admin_pages import form_data, signed_in
from tours.tests.factories import CurrencyFactory, DepartureFactory, PriceCategoryFactory


@pytest.fixture
def departure(tenant):
    return DepartureFactory()


@pytest.fixture
def agent(tenant):
    return PartnerUserFactory()


def net(acting, departure, value, category="adult", **values):
    return NetRate.objects.create(
        partner=acting.partner,
        option=departure.option,
        category=PriceCategoryFactory(code=category) if category else None,
        value=value,
        **values,
    )


def priced(departure, user, **asked):
    return quote(departure_id=departure.pk, guests={"adult": 2, "child": 1}, customer=load_account(user.pk), **asked)


def test_a_partner_pays_its_net_price_and_the_public_price_for_the_rest(departure, agent):
    rate = net(agent, departure, 70)
    ServiceFee.objects.create(name_en="Fee", name_ar="رسم", value=10)
    made = priced(departure, agent.user)
    # 2 × 70 + 50; partners pay no service fee
    assert (made.total, made.partner) == (Decimal("190.00"), agent.partner.code)
    assert (made.lines[0].rule, made.lines[0].was) == (f"net_rate:{rate.pk}", Decimal("100.00"))
    assert made.lines[0].because[0].text_en == f"{agent.partner.name_en}: $70.00"
    assert made.lines[1].rule == "price_list:standard:child"
    public = quote(departure_id=departure.pk, guests={"adult": 2, "child": 1})
    assert (public.total, public.partner) == (Decimal("275.00"), "")


def test_percent_off_come_off_the_price_of_that_day_and_a_net_price_does_not_move(departure, agent):
    PriceRule.objects.create(
        tour=departure.tour, kind="WEEKDAY", weekdays=list(range(1, 8)), value=20, name_en="Peak", name_ar="ذروة"
    )
    net(agent, departure, 70)
    net(agent, departure, 25, category=None, basis="PERCENT_OFF")
    adult, child = priced(departure, agent.user).lines
    # The child: 50 + 20 % = 60, less 25 % = 45.
    assert (adult.unit, child.unit) == (Decimal("70.00"), Decimal("45.00"))
    assert [step.unit for step in child.because] == [Decimal("60.00"), Decimal("45.00")]


def test_the_rate_of_those_days_comes_before_one_for_all_days(departure, agent):
    day = departure.local_date
    net(agent, departure, 60, first_day=day, last_day=day)
    net(agent, departure, 70)
    net(agent, departure, 10, first_day=day + timedelta(days=1))
    net(agent, departure, 10, last_day=day - timedelta(days=1))
    assert priced(departure, agent.user).lines[0].unit == Decimal("60.00")


def test_of_two_alike_the_newest_counts(departure, agent):
    net(agent, departure, 60)
    net(agent, departure, 70)
    assert priced(departure, agent.user).lines[0].unit == Decimal("70.00")


def test_partners_are_quoted_in_their_currency_unless_they_ask_for_another(departure, tenant):
    euro, dollar = CurrencyFactory(code="EUR"), CurrencyFactory(code="USD")
    agent = PartnerUserFactory(partner__currency=euro)
    net(agent, departure, 50)
    with pytest.raises(NoRate):
        priced(departure, agent.user)
    ExchangeRate.objects.create(base=dollar, quote=euro, rate=Decimal("0.8"), valid_from=now().date())
    made = priced(departure, agent.user)
    # 2 × 50 € as agreed, the child 50 $ × 0.8 = 40 €
    assert (made.currency, made.total) == ("EUR", Decimal("140.00"))
    # 50 € / 0.8 = 62.50 $
    assert priced(departure, agent.user, currency="USD").total == Decimal("175.00")


def test_rates_of_another_partner_or_option_say_nothing(departure, agent):
    net(PartnerUserFactory(), departure, 1)
    net(agent, DepartureFactory(), 1)
    assert priced(departure, agent.user).total == Decimal("250.00")


def test_a_customer_costs_no_query_more(departure, agent, django_assert_num_queries):
    net(agent, departure, 70)
    customer = load_account(MembershipFactory(user=CustomerFactory()).user_id)
    with django_assert_num_queries(1):
        quote(departure_id=departure.pk, guests={"adult": 1}, customer=customer)
    account = load_account(agent.user_id)
    with django_assert_num_queries(3):
        quote(departure_id=departure.pk, guests={"adult": 1}, customer=account)


# --- Members ---


@pytest.fixture
def member(tenant):
    membership = MembershipFactory(user=CustomerFactory(), role=RoleFactory(code="CUSTOMER"))
    for code in ("silver", "gold"):
        PriceGroup.objects.create(code=code, name_en=code.title(), name_ar=code)
    return membership


def test_staff_put_a_customer_into_a_group_and_the_next_quote_is_at_its_prices(departure, member):
    gold = PriceGroup.objects.get(code="gold")
    PriceRule.objects.create(
        tour=departure.tour, kind="GROUP", price_group=gold, value=-10, name_en="Gold", name_ar="ذهبي"
    )
    assert priced(departure, member.user).total == Decimal("250.00")
    staff = signed_in("ADMIN")
    address = reverse("admin:accounts_user_change", args=[member.user_id])
    page = staff.get(address)
    assert staff.post(address, {**form_data(page), "price_group": gold.pk}).status_code == 302
    made = priced(departure, member.user)
    assert (made.total, made.price_group) == (Decimal("225.00"), "gold")
    entry = AuditEntry.objects.get(action="accounts.membership.price_group_changed")
    assert (entry.before, entry.after) == ({"price_group": ""}, {"price_group": "gold"})
    change_person(user_id=member.user_id, actor=staff.user, price_group="")
    assert priced(departure, member.user).total == Decimal("250.00")


def test_an_unknown_group_is_refused(member):
    with pytest.raises(NotFound):
        change_person(user_id=member.user_id, actor=None, price_group="nobody")
    member.refresh_from_db()
    assert member.price_group_id is None


# --- Entering net rates ---


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"value": "70", "category": ""}, "say of which"),
        ({"value": "101", "category": "", "basis": "PERCENT_OFF"}, "Between 0 and 100 percent."),
        ({"value": "-1"}, "greater than or equal to 0"),
        ({"value": "1.005"}, "1.005"),
        ({"value": "70", "first_day": "2027-03-02", "last_day": "2027-03-01"}, "cannot be before the first"),
        ({"value": "70"}, None),
        ({"value": "20", "category": "", "basis": "PERCENT_OFF"}, None),
    ],
)
def test_net_rates_are_entered_on_the_partners_page(departure, row, said):
    partner = PartnerFactory()
    staff = signed_in("ADMIN")
    address = reverse("admin:bookings_partner_change", args=[partner.pk])
    data = form_data(staff.get(address))
    typed = {"option": departure.option_id, "category": "adult", "basis": "AMOUNT", **row}
    if typed["category"]:
        typed["category"] = PriceCategoryFactory(code="adult").pk
    data |= {f"net_rates-0-{name}": value for name, value in typed.items()} | {"net_rates-TOTAL_FORMS": 1}
    response = staff.post(address, data)
    if said is None:
        assert response.status_code == 302
        assert NetRate.objects.get().value == Decimal(row["value"])
        assert AuditEntry.objects.filter(action="bookings.netrate.added").exists()
    else:
        assert response.status_code == 200
        assert said in response.content.decode()
        assert not NetRate.objects.exists()


# --- Why this price ---


def why(staff, of, on, **asked):
    query = {"option": of.pk, "day": f"{on:%Y-%m-%d}", "guests_adult": 2, **asked}
    return staff.get(reverse("admin:why_this_price"), query)


def test_staff_see_each_line_with_the_rule_behind_it(departure):
    rule = PriceRule.objects.create(
        tour=departure.tour, kind="WEEKDAY", weekdays=list(range(1, 8)), value=20, name_en="Peak", name_ar="ذروة"
    )
    staff = signed_in("ADMIN")
    page = why(staff, departure.option, departure.local_date)
    text = page.content.decode()
    assert page.status_code == 200
    assert "Peak: +20 %" in text
    assert "$240.00" in text
    assert reverse("admin:tours_pricerule_change", args=[rule.pk]) in text
    assert reverse("admin:tours_departure_change", args=[departure.pk]) in text
    staff.cookies["rihla_language"] = "ar"
    assert "ذروة: +20 %" in why(staff, departure.option, departure.local_date).content.decode()


def test_it_answers_for_a_day_without_a_departure_and_for_a_partner(departure, agent):
    net(agent, departure, 70)
    page = why(
        signed_in("ADMIN"), departure.option, departure.local_date + timedelta(days=30), partner=agent.partner.pk
    )
    text = page.content.decode()
    assert "There is no departure then" in text
    assert "$140.00" in text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"guests_adult": ""}, "Say how many guests there are."),
        ({"guests_adult": "-1"}, "greater than or equal to 0"),
        ({"guests_adult": "11"}, "11"),
        ({"day": "yesterday"}, "Enter a valid date."),
        ({"option": "x"}, "valid"),
        ({"currency": "EUR"}, "There is no exchange rate from USD to EUR"),
    ],
)
def test_what_it_cannot_answer_is_said(departure, asked, said):
    CurrencyFactory(code="EUR")
    page = why(signed_in("ADMIN"), departure.option, departure.local_date, **asked)
    assert page.status_code == 200
    assert said in page.content.decode()


def test_strangers_and_those_who_may_not_see_partners(departure, agent):
    net(agent, departure, 70)
    address = reverse("admin:why_this_price")
    assert signed_in("CUSTOMER").get(address).status_code == 302
    assert signed_in("EMPLOYEE").get(address).status_code == 200
