"""Options, prices and schedules by table: what goes out comes back, what cannot be is told."""

import csv
import io
from datetime import date, time
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import AuditEntry
from bookings.tests.factories import ClerkFactory
from config.tables import csv_lines, read_rows
from tours.models import Departure, OptionPrice, ScheduleRule, TourOption
from tours.selectors.tables import OPTION_COLUMNS, PRICE_COLUMNS, RULE_COLUMNS
from tours.services import take_off_sale
from tours.services.importing import carry_out, rehearse
from tours.tests.factories import CurrencyFactory, OptionFactory, ScheduleRuleFactory, SeasonFactory

pytestmark = pytest.mark.usefixtures("tenant")

PAGE = "admin:exchange"
ALL = [
    f"tours.{verb}_{what}"
    for verb in ("view", "add", "change")
    for what in ("tour", "touroption", "optionprice", "schedulerule", "departure")
] + ["tours.close"]


@pytest.fixture
def option():
    return OptionFactory(tour__title_en="Felucca", tour__slug="felucca", prices={"adult": "80", "child": "40"})


def clerk_at(client, *permissions):
    clerk = ClerkFactory(permissions=permissions or ALL)
    client.force_login(clerk)
    return clerk


def rows(text):
    return read_rows(text.encode())


def bring_in(client, kind, content, name="table.csv"):
    file = SimpleUploadedFile(name, content if isinstance(content, bytes) else content.encode())
    return client.post(reverse(PAGE), {"do": "look", "kind": kind, "file": file})


def taken_out(client, kind):
    answer = client.post(reverse(PAGE), {"do": "export", "kind": kind, "form": "csv"})
    return answer.content, list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def table(columns, found):
    return b"".join(csv_lines(columns, [[row[name] for name in columns] for row in found]))


def faults_of(outcome):
    return [(fault.line, fault.column, fault.value) for fault in outcome.faults]


# --- What goes out comes back ---


@pytest.mark.parametrize("kind", ["options", "prices", "schedule"])
def test_what_went_out_comes_back_as_it_was(client, option, kind):
    clerk_at(client)
    ScheduleRuleFactory(option=option, start_time=time(17, 30), except_dates=[date(2031, 1, 7)], capacity=9)
    ScheduleRuleFactory(
        option=option, repeats="MONTHLY", ordinals=[1, -1], more_times=[time(11)], season=SeasonFactory()
    )
    before = AuditEntry.objects.count()
    content, found = taken_out(client, kind)
    assert found
    outcome = bring_in(client, kind, content).context["outcome"]
    assert (outcome.added, outcome.changed, outcome.same, outcome.faults) == (0, 0, len(found), [])
    assert AuditEntry.objects.exclude(action__startswith="bookings.exported").count() == before


# --- Prices ---


def test_prices_are_changed_and_added_and_what_is_left_out_stays(client, option):
    clerk_at(client)
    _content, found = taken_out(client, "prices")
    child = next(row for row in found if row["category"] == "child")
    private = OptionFactory(tour=option.tour, code="private", prices={})
    new = child | {"option": "private", "category": "adult", "amount": "300", "original_amount": "350.5"}
    looked = bring_in(client, "prices", table(PRICE_COLUMNS, [child | {"amount": "45.00"}, new]))
    outcome = looked.context["outcome"]
    assert (outcome.added, outcome.changed, outcome.faults) == (1, 1, [])
    assert outcome.samples[0].changes == [("amount", "40.00", "45.00")]
    assert OptionPrice.objects.get(option=option, category__code="child").amount == 40  # looked at only
    client.post(reverse(PAGE), {"do": "import", "token": looked.context["token"]})
    assert {(p.option.code, p.category.code): (p.amount, p.original_amount) for p in OptionPrice.objects.all()} == {
        ("standard", "adult"): (80, None),
        ("standard", "child"): (45, None),
        ("private", "adult"): (300, Decimal("350.5")),
    }
    entry = AuditEntry.objects.get(action="tours.tour.prices_imported")
    assert entry.subject_id == str(private.tour_id)
    assert entry.before == {"standard/child": ["40.00", ""], "private/adult": ["", ""]}
    assert entry.after == {"standard/child": ["45.00", ""], "private/adult": ["300.00", "350.50"]}


@pytest.mark.parametrize(
    ("line", "column", "value"),
    [
        ("nowhere,standard,adult,5,,", "tour", "nowhere"),
        ("felucca,gold,adult,5,,", "option", "gold"),
        ("felucca,standard,dog,5,,", "category", "dog"),
        ("felucca,standard,adult,,,", "amount", ""),
        ("felucca,standard,adult,-5,,", "amount", "-5"),
        ("felucca,standard,adult,5.123,,", "amount", "5.123"),
        ("felucca,standard,adult,1e400,,", "amount", "1e400"),
        ("felucca,standard,adult,NaN,,", "amount", "NaN"),
        ('felucca,standard,adult,"1,250",,', "amount", "1,250"),
        ("felucca,standard,adult,5,4,", "original_amount", "4"),
        ("felucca,standard,adult,5,,EUR", "currency", "EUR"),
    ],
)
def test_what_a_price_cannot_be_is_told_with_line_column_and_value(option, line, column, value):
    text = f"tour,option,category,amount,original_amount,currency\nfelucca,standard,child,41,,USD\n{line}"
    outcome = rehearse("prices", rows(text), actor=None)
    assert faults_of(outcome) == [(3, column, value)]
    assert (outcome.changed, outcome.faulty) == (1, 1)


def test_a_price_that_stands_twice_is_told(option):
    text = "tour,option,category,amount\nfelucca,standard,adult,5\nfelucca,standard,adult,6"
    outcome = rehearse("prices", rows(text), actor=None)
    assert faults_of(outcome) == [(3, "category", "adult")]


def test_decimals_are_those_of_the_currency(option):
    kuwait = OptionFactory(tour__slug="kuwait", tour__currency=CurrencyFactory(code="KWD"), prices={})
    text = "tour,option,category,amount\nkuwait,standard,adult,5.125"
    assert carry_out("prices", rows(text), actor=None).added == 1
    assert OptionPrice.objects.get(option=kuwait).amount == Decimal("5.125")


def test_the_good_rows_alone_are_written_where_that_is_asked_for(client, option):
    clerk_at(client)
    text = "tour,option,category,amount\nfelucca,standard,adult,90\nfelucca,standard,child,many"
    looked = bring_in(client, "prices", text)
    assert (looked.context["token"], looked.context["outcome"].faulty) == ("", 1)
    assert "many" in looked.content.decode()
    token = looked.context["good_token"]
    refused = client.post(reverse(PAGE), {"do": "import", "token": token})  # without saying so
    assert refused.status_code == 422
    assert OptionPrice.objects.get(category__code="adult").amount == 80
    token = bring_in(client, "prices", text).context["good_token"]
    assert client.post(reverse(PAGE), {"do": "import", "token": token, "good": "1"}).status_code == 302
    amounts = OptionPrice.objects.values_list("category__code", "amount")
    assert dict(amounts) == {"adult": 90, "child": 40}


# --- Options ---


def test_options_are_added_and_changed(client, option):
    clerk_at(client)
    take_off_sale(tour_id=option.tour_id, actor=None)
    _content, (row,) = taken_out(client, "options")
    new = row | {"option": "sunset", "name_en": "Sunset", "name_ar": "الغروب", "duration_minutes": "90"}
    looked = bring_in(client, "options", table(OPTION_COLUMNS, [row | {"capacity": "14"}, new | {"is_default": ""}]))
    assert (looked.context["outcome"].added, looked.context["outcome"].changed) == (1, 1)
    client.post(reverse(PAGE), {"do": "import", "token": looked.context["token"]})
    found = TourOption.objects.order_by("code").values_list("code", "capacity", "duration_minutes", "is_default")
    assert list(found) == [("standard", 14, None, True), ("sunset", 20, 90, False)]
    assert AuditEntry.objects.get(action="tours.touroption.changed").after == {"capacity": 14}


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"tour": "nowhere"}, "tour"),
        ({"option": "Not a code"}, "option"),
        ({"option": "new", "name_en": ""}, "name_en"),
        ({"option": "new", "name_ar": "x" * 121}, "name_ar"),
        ({"capacity": "0"}, "capacity"),
        ({"capacity": "-1"}, "capacity"),
        ({"capacity": ""}, "capacity"),
        ({"duration_minutes": "long"}, "duration_minutes"),
        ({"is_default": "maybe"}, "is_default"),
    ],
)
def test_what_an_option_cannot_be_is_told_by_column(client, option, changes, column):
    clerk_at(client)
    take_off_sale(tour_id=option.tour_id, actor=None)
    _content, (row,) = taken_out(client, "options")
    outcome = rehearse("options", read_rows(table(OPTION_COLUMNS, [row | changes])), actor=None)
    assert [fault.column for fault in outcome.faults] == [column]


def test_a_tour_on_sale_gets_no_option_without_a_price(option):
    text = "tour,option,name_en,name_ar\nfelucca,sunset,Sunset,الغروب"
    assert faults_of(rehearse("options", rows(text), actor=None)) == [(2, "option", "sunset")]


# --- Schedules ---


def test_rules_are_added_and_changed_with_their_departures(client, option):
    clerk_at(client)
    rule = ScheduleRuleFactory(option=option, start_time=time(9), weekdays=[1, 2])
    _content, (row,) = taken_out(client, "schedule")
    new = row | {"rule": "", "weekdays": "1 2 3 4 5 6 7", "start_time": "17:00", "capacity": "8", "is_active": ""}
    content = table(RULE_COLUMNS, [row | {"weekdays": "5 6"}, new])
    looked = bring_in(client, "schedule", content)
    assert (looked.context["outcome"].added, looked.context["outcome"].changed) == (1, 1)
    assert not Departure.objects.exists()  # looked at only
    client.post(reverse(PAGE), {"do": "import", "token": looked.context["token"]})
    rule.refresh_from_db()
    assert rule.weekdays == [5, 6]
    made = ScheduleRule.objects.exclude(pk=rule.pk).get()
    assert (made.start_time, made.capacity, made.is_active) == (time(17), 8, True)
    assert Departure.objects.filter(rule=made, capacity=8).count() >= 29


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"rule": "0198c4a0-0000-7000-8000-000000000000"}, "rule"),
        ({"rule": "nonsense"}, "rule"),
        ({"weekdays": "Mon"}, "weekdays"),
        ({"weekdays": "8"}, "weekdays"),
        ({"weekdays": ""}, "weekdays"),
        ({"start_time": "25:00"}, "start_time"),
        ({"valid_from": "31/01/2027"}, "valid_from"),
        ({"valid_until": "2020-01-01"}, "valid_until"),
        ({"except_dates": "soon"}, "except_dates"),
        ({"capacity": "0"}, "capacity"),
        ({"is_active": "maybe"}, "is_active"),
        ({"repeats": "DAILY"}, "repeats"),
        ({"repeats": "MONTHLY", "ordinals": "5"}, "ordinals"),
        ({"repeats": "MONTHLY", "ordinals": ""}, "ordinals"),
        ({"repeats": "DATES", "dates": "2031-02-30"}, "dates"),
        ({"more_times": "10:00 noon"}, "more_times"),
        ({"closes_at": "17:00"}, "closes_at"),
        ({"season": "winter"}, "season"),
        ({"every": "0"}, "every"),
        ({"option": "gold"}, "option"),
        ({"tour": "nowhere"}, "tour"),
    ],
)
def test_what_a_rule_cannot_be_is_told_by_column(client, option, changes, column):
    clerk_at(client)
    ScheduleRuleFactory(option=option)
    _content, (row,) = taken_out(client, "schedule")
    outcome = rehearse("schedule", read_rows(table(RULE_COLUMNS, [row | changes])), actor=None)
    assert [fault.column for fault in outcome.faults] == [column]
