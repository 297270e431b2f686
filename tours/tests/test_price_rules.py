"""Rules in the back-office: entered by a form, refused in words, marked where they never count."""

from datetime import date, time, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import localdate

from accounts.models import AuditEntry, PriceGroup
from config.errors import InvalidInput, NotFound
from notifications.models import Event
from tours.models import CurrencyPrice, GroupTier, PriceRule, TourOption
from tours.price_limits import rivals_of, warnings_of
from tours.services.price_rules import change_price_rule, create_price_rule, delete_price_rule
from tours.tests.admin_pages import form_data, signed_in
from tours.tests.factories import (
    CurrencyFactory,
    OptionFactory,
    PriceCategoryFactory,
    ScheduleRuleFactory,
    SeasonFactory,
    TourFactory,
)

TODAY = localdate()


@pytest.fixture
def option(tenant):
    return OptionFactory()


def rule(tour, kind="SEASON", value=10, **values):
    names = {"name_en": values.pop("name", kind), "name_ar": "ق"}
    return PriceRule.objects.create(tour=tour, kind=kind, value=value, **names, **values)


def mind(one):
    return warnings_of(PriceRule.objects.get(pk=one.pk), rivals_of([one]))


# --- Entering ---


def entered(of, **values):
    return {
        "tour": of.pk,
        "name_en": "High season",
        "name_ar": "موسم الذروة",
        "kind": "SEASON",
        "effect": "PERCENT",
        "value": "20",
        "priority": "0",
        "is_active": "on",
        **values,
    }


def test_a_clerk_enters_a_rule(option):
    season = SeasonFactory()
    staff = signed_in("ADMIN")
    asked = {"season": season.pk, "weekdays": ["5", "6"], "start_times": "09:00\n17:30", "categories": ["adult"]}
    response = staff.post(reverse("admin:tours_pricerule_add"), entered(option.tour, **asked))
    assert response.status_code == 302
    made = PriceRule.objects.get()
    assert (made.weekdays, made.start_times, made.categories) == ([5, 6], [time(9), time(17, 30)], ["adult"])
    assert AuditEntry.objects.get(action="tours.pricerule.added").actor_id == staff.user.pk
    assert Event.objects.filter(type="tour.changed", subject_id=option.tour_id).count() == 1
    address = reverse("admin:tours_pricerule_change", args=[made.pk])
    page = staff.get(address)
    assert staff.post(address, {**form_data(page), "value": "25"}).status_code == 302
    made.refresh_from_db()
    assert (made.value, made.weekdays, made.start_times) == (Decimal(25), [5, 6], [time(9), time(17, 30)])
    assert AuditEntry.objects.get(action="tours.pricerule.changed").after == {"value": "25"}
    assert staff.post(reverse("admin:tours_pricerule_delete", args=[made.pk]), {"post": "yes"}).status_code == 302
    assert not PriceRule.objects.exists()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"season": ""}, "A rule of this kind needs it."),
        ({"kind": "WEEKDAY"}, "A rule of this kind needs it."),
        ({"kind": "EARLY_BIRD"}, "A rule of this kind needs it."),
        ({"kind": "GROUP"}, "A rule of this kind needs it."),
        ({"kind": "OVERRIDE", "effect": "PRICE", "season": ""}, "Say on which days, weekdays or start times."),
        ({"effect": "PRICE"}, "can be a price of their own"),
        ({"value": "-101"}, "Between -100 and 1000 percent."),
        ({"value": "1001"}, "Between -100 and 1000 percent."),
        ({"value": "x"}, "Enter a number."),
        ({"value": ""}, "This field is required."),
        ({"kind": "OVERRIDE", "effect": "PRICE", "value": "-1"}, "A price cannot be below zero."),
        ({"effect": "AMOUNT", "value": "1.005"}, "USD has 2 decimals."),
        ({"effect": "AMOUNT", "tour": ""}, "A rule with an amount belongs to one tour"),
        ({"first_day": "2027-03-02", "last_day": "2027-03-01"}, "The last day cannot be before the first."),
        ({"weekdays": ["8"]}, "Select a valid choice."),
        ({"categories": ["nobody"]}, "Select a valid choice."),
        ({"start_times": "25:00"}, "14:30"),
        ({"occupancy_percent": "101"}, "less than or equal to 100"),
        ({"occupancy_percent": "-1"}, "greater than or equal to"),
    ],
)
def test_what_cannot_be_is_refused_in_words(option, values, said):
    season = SeasonFactory()
    response = signed_in("ADMIN").post(
        reverse("admin:tours_pricerule_add"), entered(option.tour, **{"season": season.pk, **values})
    )
    assert response.status_code == 200
    assert said in response.content.decode().replace("&quot;", '"')
    assert not PriceRule.objects.exists()


def test_an_option_of_another_tour_is_refused(option):
    other = OptionFactory(tour=TourFactory())
    with pytest.raises(InvalidInput) as refused:
        create_price_rule(
            data={"tour": option.tour, "option": other, "kind": "WEEKDAY", "weekdays": [1], "value": Decimal(1)}
            | {"name_en": "a", "name_ar": "أ", "effect": "PERCENT"},
            actor=None,
        )
    assert list(refused.value.details) == ["option"]


def test_a_rule_that_is_gone_cannot_be_changed(option):
    one = rule(option.tour, season=SeasonFactory())
    delete_price_rule(rule_id=one.pk, actor=None)
    with pytest.raises(NotFound):
        change_price_rule(rule_id=one.pk, data={"value": Decimal(1)}, actor=None)
    with pytest.raises(NotFound):
        delete_price_rule(rule_id=one.pk, actor=None)


def test_a_rule_of_every_tour_is_announced_for_the_whole_catalogue(option):
    create_price_rule(
        data={"tour": None, "kind": "WEEKDAY", "weekdays": [5], "value": Decimal(10), "effect": "PERCENT"}
        | {"name_en": "Fridays", "name_ar": "الجمعة"},
        actor=None,
    )
    assert Event.objects.get().type == "catalogue.changed"


def test_employees_look_at_rules_only(option):
    one = rule(option.tour, season=SeasonFactory())
    employee = signed_in("EMPLOYEE")
    assert not employee.get(reverse("admin:tours_pricerule_change", args=[one.pk])).context["has_change_permission"]
    assert employee.get(reverse("admin:tours_pricerule_add")).status_code == 403


# --- Rules that never count ---


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, None),
        ({"last_day": TODAY - timedelta(days=1)}, "its days are over"),
        ({"categories": ["senior"]}, "no option has a price for these categories"),
        ({"start_times": [time(10)]}, "nothing starts at these times"),
        ({"start_times": [time(9)]}, None),
        ({"days_before": 10, "hours_before": 48}, "nobody books so early and so late"),
        ({"is_active": False, "last_day": TODAY - timedelta(days=1)}, None),
    ],
)
def test_a_rule_that_never_matches_is_marked(option, values, why):
    ScheduleRuleFactory(option=option)
    PriceCategoryFactory(code="senior")
    found = mind(rule(option.tour, "WEEKDAY", weekdays=[1], **values))
    assert (why in found[0]) if why else not found


def test_a_season_without_days_to_come_is_marked(option):
    over = SeasonFactory(days=[(date(2020, 1, 1), date(2020, 2, 1))])
    assert "the season has no days to come" in mind(rule(option.tour, season=over))[0]
    coming = SeasonFactory(days=[(TODAY, TODAY + timedelta(days=9))])
    assert mind(rule(option.tour, season=coming)) == []
    outside = rule(option.tour, season=coming, first_day=TODAY + timedelta(days=20))
    assert "its days lie outside the season" in mind(outside)[0]


def test_a_rule_behind_a_broader_one_is_marked(option):
    tour = option.tour
    rule(tour, "EARLY_BIRD", -5, days_before=5, name="Five days", priority=1)
    month = rule(tour, "EARLY_BIRD", -20, days_before=30, name="A month")
    assert mind(month) == ["Hidden by “Five days”, which counts first wherever this one fits."]
    late = rule(tour, "LAST_MINUTE", -20, hours_before=24, name="Late")
    assert mind(late) == []


def test_of_two_early_birds_the_earlier_one_counts_first_whatever_came_first(option):
    near = rule(option.tour, "EARLY_BIRD", -5, days_before=5)
    far = rule(option.tour, "EARLY_BIRD", -20, days_before=30)
    assert (mind(near), mind(far)) == ([], [])
    assert rivals_of([near]) == [far, near]


def test_a_season_behind_a_price_of_those_days_is_marked(option):
    season = SeasonFactory(days=[(TODAY, TODAY + timedelta(days=9))])
    rule(option.tour, "OVERRIDE", 80, effect="PRICE", season=season, name="Flat")
    assert mind(rule(option.tour, season=season)) == ["Hidden by “Flat”, a price that takes its place."]


def test_the_list_says_what_to_mind(option, django_assert_max_num_queries):
    for number in range(6):
        rule(option.tour, "WEEKDAY", weekdays=[1], name=f"Rule {number}")
    staff = signed_in("ADMIN")
    with django_assert_max_num_queries(20):
        page = staff.get(reverse("admin:tours_pricerule_changelist")).content.decode()
    assert page.count("Hidden by “Rule 0”") == 5


def test_the_list_names_what_a_rule_is_for_in_the_language_of_the_reader(option):
    made = rule(option.tour, "WEEKDAY", weekdays=[5, 6], categories=["adult", "child"], value=5, effect="AMOUNT")
    staff = signed_in("ADMIN")
    address = reverse("admin:tours_pricerule_changelist")
    page = staff.get(address, HTTP_ACCEPT_LANGUAGE="ar").content.decode()
    assert "بالغ، طفل" in page
    assert "الجمعة، السبت" in page
    assert ">adult" not in page
    assert '<bdi dir="ltr">+' in page
    assert "Adult, Child" in staff.get(address).content.decode(), made


# --- Group prices and other currencies ---


def option_page(option, values=None, **rows):
    staff = signed_in("ADMIN")
    address = reverse("admin:tours_touroption_change", args=[option.pk])
    data = {**form_data(staff.get(address)), **(values or {})}
    for prefix, row in rows.items():
        number = int(data[f"{prefix}-TOTAL_FORMS"])
        data |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
        data[f"{prefix}-TOTAL_FORMS"] = number + 1
    return staff.post(address, data)


def test_group_prices_and_prices_in_other_currencies_are_entered_on_the_option(option):
    adult, riyal = PriceCategoryFactory(), CurrencyFactory(code="SAR")
    response = option_page(
        option,
        tiers={"from_guests": 8, "category": adult.pk, "amount": "80", "currency": ""},
        currency_prices={"currency": riyal.pk, "category": adult.pk, "amount": "410.5"},
    )
    assert response.status_code == 302
    assert GroupTier.objects.get().amount == Decimal(80)
    assert CurrencyPrice.objects.get().amount == Decimal("410.5")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"tiers": {"from_guests": 8, "category": "", "amount": "80"}}, "say whose price it is"),
        ({"tiers": {"from_guests": 0, "category": "adult", "amount": "80"}}, "greater than or equal to 1"),
        ({"tiers": {"from_guests": 8, "category": "adult", "amount": "-1"}}, "greater than or equal to 0"),
        ({"tiers": {"from_guests": 8, "category": "adult", "amount": "1.005"}}, "USD has 2 decimals."),
        ({"currency_prices": {"currency": "JPY", "category": "adult", "amount": "1.5"}}, "JPY has 0 decimals."),
        ({"currency_prices": {"currency": "USD", "category": "adult", "amount": "1"}}, "own currency"),
    ],
)
def test_faulty_rows_are_refused_in_words(option, rows, said):
    CurrencyFactory(code="JPY")
    adult = PriceCategoryFactory()
    rows = {prefix: {k: adult.pk if v == "adult" else v for k, v in row.items()} for prefix, row in rows.items()}
    response = option_page(option, **rows)
    assert response.status_code == 200
    assert said in response.content.decode()
    assert not GroupTier.objects.exists()
    assert not CurrencyPrice.objects.exists()


def test_an_option_sold_per_group_needs_a_group_price_before_it_is_sold(option):
    response = option_page(option, {"basis": "PER_GROUP", "group_size": "4"})
    assert response.status_code == 200
    assert "a price of the option" in response.content.decode()
    assert TourOption.objects.get(pk=option.pk).basis == "PER_PERSON"
    priced = option_page(option, {"basis": "PER_GROUP"}, tiers={"from_guests": 1, "category": "", "amount": "200"})
    assert priced.status_code == 302


def test_price_groups_are_rows_of_the_operator(tenant):
    PriceGroup.objects.create(code="gold", name_en="Gold", name_ar="ذهبي")
    staff = signed_in("ADMIN")
    assert staff.get(reverse("admin:accounts_pricegroup_changelist")).status_code == 200
