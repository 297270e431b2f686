"""The price of days drawn on the calendar."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEntry
from bookings.pricing import quote
from bookings.tests.factories import BookingFactory, ClerkFactory
from config.errors import InvalidInput
from config.tenancy import tenant_context
from config.testing import run_together
from tours.errors import PlanStale, TourNotFound
from tours.models import OptionPrice, PriceRule
from tours.services.day_prices import PriceWish, apply_prices, plan_prices
from tours.services.price_rules import change_price_rule
from tours.tests.factories import DepartureFactory, OptionFactory

pytestmark = pytest.mark.usefixtures("tenant")

PAGE = "admin:day_prices"


@pytest.fixture
def days():
    """An option at 80 a head, on five days from a week ahead."""
    option = OptionFactory(prices={"adult": "80"})
    start = now().replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=7)
    return [DepartureFactory(option=option, starts_at=start + timedelta(days=day)) for day in range(5)]


def wish(days, first=1, last=3, **more):
    asked = {"effect": "PERCENT", "value": Decimal(25), **more}
    return PriceWish(tour_id=days[0].tour_id, first_day=days[first].local_date, last_day=days[last].local_date, **asked)


def total(departure):
    return quote(departure_id=departure.pk, guests={"adult": 2}).total


def prices(plan):
    return [(row.before, row.after) for row in plan.rows]


def test_a_plan_shows_each_price_and_changes_nothing(days):
    before = AuditEntry.objects.count()
    assert prices(plan_prices(wish(days), actor=None)) == [(80, 100)] * 3
    assert prices(plan_prices(wish(days, effect="AMOUNT", value=Decimal(-30)), actor=None)) == [(80, 50)] * 3
    assert prices(plan_prices(wish(days, effect="PRICE", value=Decimal(99)), actor=None)) == [(80, 99)] * 3
    assert (PriceRule.objects.count(), AuditEntry.objects.count(), total(days[2])) == (0, before, 160)


def test_applied_it_is_sold_at_and_only_on_those_days(days):
    clerk = ClerkFactory()
    plan = plan_prices(wish(days), actor=None)
    rule = apply_prices(wish=wish(days), fingerprint=plan.fingerprint, actor=clerk)
    assert [total(departure) for departure in days] == [160, 200, 200, 200, 160]
    entry = AuditEntry.objects.get(action="tours.pricerule.added")
    assert (entry.actor_id, entry.subject_id) == (clerk.pk, str(rule.pk))


def test_the_rule_it_makes_is_one_that_its_own_page_takes(client, days):
    """One function makes rules: what the calendar sets can be changed and saved like any other."""
    rule = apply_prices(wish=wish(days), fingerprint=plan_prices(wish(days), actor=None).fingerprint, actor=None)
    changed = change_price_rule(rule_id=rule.pk, data={"value": Decimal(50)}, actor=None)
    assert (changed.kind, changed.effect, total(days[2])) == ("OVERRIDE", "PERCENT", 240)
    client.force_login(ClerkFactory(permissions=["tours.change_pricerule", "tours.view_pricerule"]))
    address = reverse("admin:tours_pricerule_change", args=[rule.pk])
    form = client.get(address).context["adminform"].form
    sent = {name: "" if form[name].value() is None else form[name].value() for name in form.fields}
    assert client.post(address, {**sent, "value": "10"}).status_code == 302
    assert total(days[2]) == 176


def test_a_name_that_is_too_long_is_refused_in_words(days):
    with pytest.raises(InvalidInput) as refused:
        plan_prices(wish(days, name_en="x" * 81), actor=None)
    assert list(refused.value.details) == ["name_en"]


def test_what_was_said_last_counts(days):
    for value in (25, 50):
        asked = wish(days, value=Decimal(value))
        apply_prices(wish=asked, fingerprint=plan_prices(asked, actor=None).fingerprint, actor=None)
    assert total(days[2]) == 240


def test_only_the_weekdays_and_the_option_asked_for(days):
    weekday = days[2].local_date.isoweekday()
    assert len(plan_prices(wish(days, weekdays=[weekday]), actor=None).rows) == 1
    other = OptionFactory(tour=days[0].tour, code="private", prices={"adult": "300"})
    DepartureFactory(option=other, starts_at=days[2].starts_at)
    assert len(plan_prices(wish(days), actor=None).rows) == 4
    assert prices(plan_prices(wish(days, option_id=other.pk), actor=None)) == [(300, 375)]


def test_bookings_keep_the_price_they_were_made_at(days):
    booking = BookingFactory(departure=days[2])
    apply_prices(wish=wish(days), fingerprint=plan_prices(wish(days), actor=None).fingerprint, actor=None)
    booking.refresh_from_db()
    assert booking.total == 160


def test_a_price_that_moved_since_the_look_is_looked_at_again(days):
    plan = plan_prices(wish(days), actor=None)
    OptionPrice.objects.update(amount=90)
    with pytest.raises(PlanStale):
        apply_prices(wish=wish(days), fingerprint=plan.fingerprint, actor=None)
    assert not PriceRule.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"effect": "MAGIC"},
        {"value": Decimal(-101)},
        {"effect": "PRICE", "value": Decimal(-1)},
        {"weekdays": []},
        {"weekdays": [8]},
    ],
)
def test_what_makes_no_sense_is_refused(days, wrong):
    with pytest.raises(InvalidInput):
        plan_prices(wish(days, **wrong), actor=None)
    with pytest.raises(InvalidInput):
        plan_prices(replace(wish(days), last_day=days[0].local_date - timedelta(days=1)), actor=None)
    assert not PriceRule.objects.exists()


def test_the_page_takes_the_days_shows_the_prices_and_sets_them(client, days):
    client.force_login(ClerkFactory(permissions=["tours.add_pricerule", "tours.view_departure"]))
    tour = days[0].tour_id
    taken = {"what": f"tour:{tour}", "date_from": days[1].local_date, "date_to": days[3].local_date}
    assert client.get(reverse(PAGE))["Location"] == reverse("admin:departure_calendar")
    begun = client.post(reverse(PAGE), {**taken, "do": "begin", "weekdays": list(range(1, 8)), "back": "/admin/x/"})
    assert f'value="{days[1].local_date}"' in begun.content.decode()
    names = {"name_en": "Eid", "name_ar": "العيد"}
    asked = {**taken, **names, "weekdays": list(range(1, 8)), "effect": "PERCENT", "value": "25", "back": "/admin/x/"}
    looked = client.post(reverse(PAGE), {**asked, "do": "look"})
    assert "$100.00" in looked.content.decode()
    assert not PriceRule.objects.exists()
    fingerprint = looked.context["plan"]["fingerprint"]
    done = client.post(reverse(PAGE), {**asked, "do": "apply", "fingerprint": fingerprint})
    assert done["Location"] == "/admin/x/"
    rule = PriceRule.objects.get()
    assert (rule.kind, rule.value, rule.name_ar) == ("OVERRIDE", 25, "العيد")
    again = client.post(reverse(PAGE), {**asked, "do": "apply", "fingerprint": fingerprint})
    assert again.status_code == 409
    assert PriceRule.objects.count() == 1
    for wrong in ({"value": "much"}, {"value": ""}, {"what": ""}, {"what": "tour:x"}, {"date_to": "2020-01-01"}):
        assert client.post(reverse(PAGE), {**asked, **wrong, "do": "look"}).status_code == 400


def test_who_may(client, days, other_tenant):
    asked = {"do": "begin", "what": f"tour:{days[0].tour_id}"}
    assert client.post(reverse(PAGE), asked).status_code == 302
    client.force_login(ClerkFactory(permissions=["tours.change_departure"]))
    assert client.post(reverse(PAGE), asked).status_code == 403
    with tenant_context(other_tenant.pk), pytest.raises(TourNotFound):
        plan_prices(wish(days), actor=None)


@pytest.mark.django_db(transaction=True)
def test_two_clerks_with_one_plan_set_it_once(days):
    plan = plan_prices(wish(days), actor=None)
    act = lambda: apply_prices(wish=wish(days), fingerprint=plan.fingerprint, actor=None)  # noqa: E731
    outcomes = run_together(act, act, act)
    assert sorted(type(one).__name__ for one in outcomes) == ["PlanStale", "PlanStale", "PriceRule"]
