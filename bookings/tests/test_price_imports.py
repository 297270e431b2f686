"""Price rules and group prices as tables: out, changed in a spreadsheet, looked at, brought back."""

from datetime import date, time
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import AuditEntry, PriceGroup
from bookings.pricing import quote
from bookings.tests.test_exchange import PAGE, bring_in, clerk_at, rows_of, take_out
from config.tables import csv_lines
from config.tenancy import tenant_context
from notifications.models import Event
from tours.models import GroupTier, PriceRule, TourOption
from tours.selectors.tables import OPTION_COLUMNS, PRICE_RULE_COLUMNS, TIER_COLUMNS
from tours.services import take_off_sale
from tours.services.importing import rehearse
from tours.tests.factories import (
    CurrencyFactory,
    DepartureFactory,
    OptionFactory,
    PriceCategoryFactory,
    SeasonFactory,
    TourFactory,
)

pytestmark = pytest.mark.usefixtures("tenant")

MAY = [f"tours.{verb}_{what}" for verb in ("view", "add", "change") for what in ("tour", "pricerule", "grouptier")]


@pytest.fixture
def option():
    return OptionFactory(tour__slug="felucca", prices={"adult": "80", "child": "40"})


def table(columns, rows):
    return b"".join(csv_lines(columns, [[row.get(name, "") for name in columns] for row in rows]))


def faults_of(outcome):
    return [(fault.line, fault.column, fault.value) for fault in outcome.faults]


def of_the_catalogue():
    """The audit entries about what is sold; who exported what is another matter."""
    return AuditEntry.objects.filter(action__startswith="tours.").count()


def imported(client, looked):
    return client.post(reverse(PAGE), {"do": "import", "token": looked.context["token"]})


def every_kind_of_rule(option):
    names = {"name_en": "Rule", "name_ar": "قاعدة"}
    gold = PriceGroup.objects.create(code="gold", name_en="Gold", name_ar="ذهبي")
    made = [
        {"kind": "SEASON", "season": SeasonFactory(code="high"), "value": Decimal("12.5"), "priority": -3},
        {"kind": "WEEKDAY", "weekdays": [5, 6], "start_times": [time(9), time(17, 30)], "value": 10, "option": option},
        {
            "kind": "OVERRIDE",
            "effect": "PRICE",
            "first_day": date(2027, 3, 1),
            "last_day": date(2027, 3, 4),
            "value": 99,
        },
        {"kind": "LAST_MINUTE", "hours_before": 24, "value": -20, "categories": ["adult"], "is_active": False},
        {"kind": "GROUP", "price_group": gold, "effect": "AMOUNT", "value": Decimal("-7.25")},
        {"kind": "OCCUPANCY", "occupancy_percent": 80, "value": 10, "tour": None},
    ]
    for values in made:
        PriceRule.objects.create(**({"tour": option.tour} | names | values))
    return len(made)


# --- Price rules ---


def test_rules_that_went_out_come_back_as_they_were(client, option):
    clerk_at(client, *MAY)
    count = every_kind_of_rule(option)
    answer = take_out(client, "price_rules")
    assert len(rows_of(answer)) == count
    before = of_the_catalogue()
    outcome = bring_in(client, "price_rules", answer.content).context["outcome"]
    assert (outcome.added, outcome.changed, outcome.same, outcome.faults) == (0, 0, count, [])
    assert of_the_catalogue() == before


def test_rules_are_added_and_changed_and_what_is_left_out_stays(client, option):
    clerk = clerk_at(client, *MAY)
    every_kind_of_rule(option)
    season = next(row for row in rows_of(take_out(client, "price_rules")) if row["kind"] == "SEASON")
    fresh = {"tour": "felucca", "name_en": "Early", "name_ar": "مبكر", "kind": "early_bird", "value": "-10"}
    rows = [season | {"value": "15", "weekdays": "5"}, fresh | {"days_before": "30"}]
    looked = bring_in(client, "price_rules", table(PRICE_RULE_COLUMNS, rows))
    outcome = looked.context["outcome"]
    assert (outcome.added, outcome.changed, outcome.faults) == (1, 1, [])
    assert sorted(outcome.samples[0].changes) == [("value", "12.5", "15"), ("weekdays", "", "5")]
    assert not PriceRule.objects.filter(kind="EARLY_BIRD").exists()  # looked at only
    imported(client, looked)
    assert PriceRule.objects.count() == 7
    changed = PriceRule.objects.get(pk=season["price_rule"])
    assert (changed.value, changed.weekdays, changed.priority, changed.season.code) == (15, [5], -3, "high")
    made = PriceRule.objects.get(kind="EARLY_BIRD")
    assert (made.effect, made.value, made.days_before, made.tour.slug) == ("PERCENT", -10, 30, "felucca")
    told = AuditEntry.objects.filter(actor_id=clerk.pk, action__startswith="tours.pricerule")
    assert set(told.values_list("action", flat=True)) == {"tours.pricerule.added", "tours.pricerule.changed"}
    assert Event.objects.filter(type="tour.changed", subject_id=option.tour_id).exists()


FRESH = {"tour": "felucca", "name_en": "a", "name_ar": "أ", "kind": "WEEKDAY", "weekdays": "5", "value": "10"}
EMPTY = dict.fromkeys(PRICE_RULE_COLUMNS, "")


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"tour": "nowhere"}, ("tour", "nowhere")),
        ({"option": "nothing"}, ("option", "nothing")),
        ({"price_rule": "x"}, ("price_rule", "x")),
        ({"kind": "MAGIC"}, ("kind", "MAGIC")),
        ({"kind": ""}, ("kind", "")),
        ({"effect": "HALF"}, ("effect", "HALF")),
        ({"value": "much"}, ("value", "much")),
        ({"value": "-101"}, ("value", "-101")),
        ({"weekdays": "5 8"}, ("weekdays", "5 8")),
        ({"weekdays": ""}, ("weekdays", "")),
        ({"categories": "adult nobody"}, ("categories", "adult nobody")),
        ({"first_day": "tomorrow"}, ("first_day", "tomorrow")),
        ({"first_day": "2027-03-02", "last_day": "2027-03-01"}, ("last_day", "2027-03-01")),
        ({"start_times": "25:00"}, ("start_times", "25:00")),
        ({"season": "winter"}, ("season", "winter")),
        ({"price_group": "gold"}, ("price_group", "gold")),
        ({"occupancy_percent": "101"}, ("occupancy_percent", "101")),
        ({"days_before": "-1"}, ("days_before", "-1")),
        ({"days_before": "99999"}, ("days_before", "99999")),
        ({"priority": "high"}, ("priority", "high")),
        ({"priority": "-99999"}, ("priority", "-99999")),
        ({"is_active": "perhaps"}, ("is_active", "perhaps")),
        ({"name_en": "x" * 81}, ("name_en", "x" * 60 + "…")),
        ({"name_ar": ""}, ("name_ar", "")),
        ({"tour": "", "effect": "AMOUNT"}, ("tour", "")),
    ],
)
def test_what_is_wrong_with_a_rule_is_named_with_its_line_and_nothing_is_written(option, row, fault):
    outcome = rehearse("price_rules", [(2, EMPTY | FRESH), (3, EMPTY | FRESH | row)], actor=None)
    assert faults_of(outcome) == [(3, *fault)]
    assert outcome.added == 1
    assert not PriceRule.objects.exists()


def test_a_rule_named_twice_or_of_another_operator_is_refused(option, other_tenant):
    values = {"kind": "WEEKDAY", "weekdays": [5], "value": 1, "name_en": "a", "name_ar": "أ"}
    with tenant_context(other_tenant.pk):
        theirs = PriceRule.objects.create(**values)
    own = PriceRule.objects.create(tour=option.tour, **values)
    rows = [(n, FRESH | {"price_rule": str(pk)}) for n, pk in ((2, own.pk), (3, own.pk), (4, theirs.pk))]
    outcome = rehearse("price_rules", rows, actor=None)
    assert [(line, column) for line, column, _value in faults_of(outcome)] == [(3, "price_rule"), (4, "price_rule")]


# --- How options are sold ---


def test_how_an_option_is_sold_comes_in_and_goes_out(client, option):
    clerk_at(client, *MAY, *(f"tours.{verb}_touroption" for verb in ("view", "add", "change")))
    take_off_sale(tour_id=option.tour_id, actor=None)
    TourOption.objects.update(single_supplement=Decimal("30.5"), min_to_run=4, below_minimum="GO")
    answer = take_out(client, "options")
    (row,) = rows_of(answer)
    assert (row["basis"], row["single_supplement"], row["min_to_run"]) == ("PER_PERSON", "30.50", "4")
    same = bring_in(client, "options", answer.content).context["outcome"]
    assert (same.same, same.changed, same.faults) == (1, 0, [])
    wanted = {"basis": "per_group", "group_size": "4", "single_supplement": "", "below_minimum": "ASK"}
    imported(client, bring_in(client, "options", table(OPTION_COLUMNS, [row | wanted])))
    option.refresh_from_db()
    assert (option.basis, option.group_size, option.single_supplement) == ("PER_GROUP", 4, None)
    assert (option.min_to_run, option.below_minimum) == (4, "ASK")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("basis", "PER_MOON"),
        ("basis", "PER_GROUP"),  # while it is on sale
        ("group_size", "some"),
        ("group_size", "0"),
        ("single_supplement", "much"),
        ("single_supplement", "1.005"),
        ("single_supplement", "-1"),
        ("min_to_run", "-4"),
        ("decide_hours_before", ""),
        ("decide_hours_before", "9999"),
        ("below_minimum", "PRAY"),
    ],
)
def test_how_an_option_cannot_be_sold_is_named(option, column, value):
    row = {"tour": "felucca", "option": "standard", column: value}
    outcome = rehearse("options", [(2, row)], actor=None)
    assert faults_of(outcome)[0] == (2, column, value)
    assert outcome.changed == 0


# --- Group prices ---


@pytest.fixture
def tiers(option):
    adult = PriceCategoryFactory(code="adult")
    riyal = CurrencyFactory(code="SAR")
    GroupTier.objects.create(option=option, category=adult, from_guests=6, amount=70)
    GroupTier.objects.create(option=option, category=adult, from_guests=6, amount=260, currency=riyal)
    GroupTier.objects.create(option=option, category=adult, from_guests=10, amount=60, currency=option.tour.currency)
    return option


def test_group_prices_that_went_out_come_back_as_they_were(client, tiers):
    clerk_at(client, *MAY)
    answer = take_out(client, "tiers")
    assert len(rows_of(answer)) == 3
    before = of_the_catalogue()
    outcome = bring_in(client, "tiers", answer.content).context["outcome"]
    assert (outcome.added, outcome.changed, outcome.same, outcome.faults) == (0, 0, 3, [])
    assert of_the_catalogue() == before


def test_group_prices_are_added_and_changed_and_sold_at(client, tiers):
    clerk = clerk_at(client, *MAY)
    departure = DepartureFactory(option=tiers)
    row = {"tour": "felucca", "option": "standard", "category": "adult"}
    rows = [
        row | {"from_guests": "6", "amount": "65.5"},
        row | {"from_guests": "10", "currency": tiers.tour.currency_id.lower(), "amount": "60.00"},
        row | {"from_guests": "6", "category": "child", "amount": "30"},
    ]
    looked = bring_in(client, "tiers", table(TIER_COLUMNS, rows))
    outcome = looked.context["outcome"]
    assert (outcome.added, outcome.changed, outcome.same, outcome.faults) == (1, 1, 1, [])
    assert outcome.samples[0].changes == [("amount", "70.00", "65.50")]
    assert quote(departure_id=departure.pk, guests={"adult": 6}).total == 420  # looked at only
    imported(client, looked)
    assert GroupTier.objects.count() == 4
    assert quote(departure_id=departure.pk, guests={"adult": 6}).total == 393
    assert quote(departure_id=departure.pk, guests={"adult": 5, "child": 2}).total == Decimal("387.5")
    entry = AuditEntry.objects.get(action="tours.tour.group_prices_imported")
    assert (entry.actor_id, entry.subject_id) == (clerk.pk, str(tiers.tour_id))
    assert entry.before == {"standard/adult/6+": "70.00", "standard/child/6+": ""}
    assert entry.after == {"standard/adult/6+": "65.50", "standard/child/6+": "30.00"}


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"tour": "nowhere"}, "tour"),
        ({"option": "nothing"}, "option"),
        ({"category": "nobody"}, "category"),
        ({"category": ""}, "category"),
        ({"currency": "XXX"}, "currency"),
        ({"from_guests": "0"}, "from_guests"),
        ({"from_guests": "many"}, "from_guests"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "1.005"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"from_guests": "8"}, "from_guests"),  # stands above already
    ],
)
def test_what_is_wrong_with_a_group_price_is_named_and_nothing_is_written(option, row, column):
    good = {"tour": "felucca", "option": "standard", "category": "adult", "currency": "", "amount": "70"}
    rows = [(2, good | {"from_guests": "8"}), (3, good | {"from_guests": "9"} | row)]
    outcome = rehearse("tiers", rows, actor=None)
    assert [(fault.line, fault.column) for fault in outcome.faults] == [(3, column)]
    assert not GroupTier.objects.exists()


def test_of_an_option_sold_per_group_the_category_stays_empty(option):
    jeep = OptionFactory(tour=TourFactory(slug="jeep"), code="jeep", basis="PER_GROUP", prices={})
    row = {"tour": "jeep", "option": jeep.code, "from_guests": "1", "amount": "200", "category": ""}
    rows = [(2, row), (3, row | {"category": "adult", "from_guests": "4"})]
    outcome = rehearse("tiers", rows, actor=None)
    assert (outcome.added, faults_of(outcome)) == (1, [(3, "category", "adult")])


def test_who_may_not_change_prices_may_bring_in_neither_table(client, option):
    clerk_at(client, "tours.view_tour", "tours.view_pricerule", "tours.view_grouptier")
    assert take_out(client, "tiers").status_code == 200
    page = client.get(reverse(PAGE))
    assert not {code for code, _name in page.context["into"].fields["kind"].choices} & {"tiers", "price_rules"}
    assert "outcome" not in bring_in(client, "tiers", table(TIER_COLUMNS, [])).context
