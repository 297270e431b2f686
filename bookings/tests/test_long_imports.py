"""Options, prices and schedules by table, and tables too long for one answer."""

import csv
import io
import tracemalloc
from datetime import date, time, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.timezone import localdate, now

from accounts.models import AuditEntry
from bookings.tests.factories import ClerkFactory
from config.tables import csv_lines, read_rows
from config.tenancy import tenant_context
from config.testing import run_together
from tours.errors import ImportNotFound, ImportNotReady
from tours.models import Departure, ImportRun, OptionPrice, ScheduleRule, TourOption
from tours.selectors.tables import OPTION_COLUMNS, PRICE_COLUMNS, RULE_COLUMNS
from tours.services import take_off_sale
from tours.services.importing import carry_out, carry_out_good_rows, rehearse
from tours.services.importing.runs import confirm_import, start_import, sweep_imports, work_on_import
from tours.tests.factories import CurrencyFactory, OptionFactory, ScheduleRuleFactory, SeasonFactory, TourFactory

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


# --- Long tables, in the background ---


def long_table(option, number, faulty=()):
    """Departures of one option, the faulty lines without a day."""
    first = localdate() + timedelta(days=40)
    lines = ["tour,option,date,time,capacity,note_en"]
    for n in range(number):
        day = first + timedelta(days=n // 1440)
        at = f"{n % 1440 // 60:02}:{n % 60:02}"
        written = "someday" if n + 2 in faulty else day.isoformat()
        lines.append(f"{option.tour.slug},{option.code},{written},{at},12,{'Bring water. ' * 9}")
    return "\n".join(lines)


def run_of(option, number=20, faulty=(), actor=None):
    content = long_table(option, number, faulty).encode()
    return start_import(kind="departures", name="long.csv", content=content, actor=actor)


def test_a_long_table_is_looked_at_and_written_by_a_worker(client, option, django_capture_on_commit_callbacks):
    clerk = clerk_at(client)
    content = long_table(option, 2000)
    with django_capture_on_commit_callbacks() as sent:
        looked = bring_in(client, "departures", content)
    run = ImportRun.objects.get()
    page = reverse("admin:exchange_run", args=[run.pk])
    assert (looked["Location"], len(sent)) == (page, 1)
    assert 'http-equiv="refresh"' in client.get(page).content.decode()
    assert work_on_import(run.pk)
    run.refresh_from_db()
    assert (run.status, run.outcome["rows"], run.outcome["added"]) == ("CHECKED", 2000, 2000)
    assert not Departure.objects.exists()
    assert not work_on_import(run.pk)  # there is nothing to do until somebody says so
    client.post(page)
    assert work_on_import(run.pk)
    run.refresh_from_db()
    assert (run.status, bytes(run.content), Departure.objects.count()) == ("DONE", b"", 2000)
    entry = AuditEntry.objects.get(action="tours.imported.departures")
    assert (entry.actor_id, entry.after["added"]) == (clerk.pk, 2000)
    client.post(page)  # pressed twice
    assert not work_on_import(run.pk)
    assert "2000" in client.get(page).content.decode()
    assert "long tables" in client.get(reverse(PAGE)).content.decode().lower()


def test_three_bad_rows_are_named_and_the_good_ones_can_be_taken_alone(client, option):
    clerk_at(client)
    run = run_of(option, 3000, faulty=(5, 1500, 3001))
    work_on_import(run.pk)
    page = reverse("admin:exchange_run", args=[run.pk])
    shown = client.get(page)
    assert [(one["line"], one["column"], one["value"]) for one in shown.context["outcome"]["faults"]] == [
        (5, "date", "someday"),
        (1500, "date", "someday"),
        (3001, "date", "someday"),
    ]
    assert client.post(page).status_code == 409  # without saying that three are left out
    assert client.post(page, {"good": "1"}).status_code == 302
    work_on_import(run.pk)
    assert Departure.objects.count() == 2997
    assert AuditEntry.objects.get(action="tours.imported.departures").after["left_out"] == 3


def test_a_worker_that_dies_half_way_leaves_nothing_and_the_sweep_sends_the_run_again(option, monkeypatch):
    run = run_of(option, 1500)
    work_on_import(run.pk)
    confirm_import(run_id=run.pk, good_rows_only=False, actor=None)
    real, calls = carry_out, []

    def crash(*args, told, **kwargs):
        def die(done):
            calls.append(done)
            raise RuntimeError("the process dies here")

        return real(*args, told=die, **kwargs)

    with monkeypatch.context() as dying:
        dying.setattr("tours.services.importing.runs.carry_out", crash)
        with pytest.raises(RuntimeError):
            work_on_import(run.pk)
    assert (calls, Departure.objects.count()) == ([1000], 0)
    run.refresh_from_db()
    assert run.status == "WRITING"
    assert sweep_imports() == 0  # it may still be running
    ImportRun.objects.update(sent_at=now() - timedelta(minutes=13))
    assert sweep_imports() == 1
    assert work_on_import(run.pk)
    assert Departure.objects.count() == 1500


def test_what_became_wrong_since_the_look_stops_all_of_it(option):
    run = run_of(option, 10)
    work_on_import(run.pk)
    confirm_import(run_id=run.pk, good_rows_only=False, actor=None)
    option.tour.deleted_at = now()
    option.tour.save(update_fields=["deleted_at"])
    work_on_import(run.pk)
    run.refresh_from_db()
    assert (run.status, run.outcome["faulty"]) == ("FAILED", 10)
    assert run.refusal == "Nothing was imported. Faults in the file: 10."
    with pytest.raises(ImportNotReady):
        confirm_import(run_id=run.pk, good_rows_only=True, actor=None)


def test_a_file_that_cannot_be_read_says_so(option):
    run = start_import(kind="departures", name="x.csv", content="تور".encode("cp1256"), actor=None)
    work_on_import(run.pk)
    run.refresh_from_db()
    assert run.status == "FAILED"
    assert "UTF-8" in run.refusal


def test_old_runs_are_forgotten_with_their_files(option):
    run = run_of(option)
    ImportRun.objects.update(created_at=now() - timedelta(days=8))
    sweep_imports()
    with pytest.raises(ImportNotFound):
        confirm_import(run_id=run.pk, good_rows_only=False, actor=None)


def test_who_may_see_a_run(client, option, other_tenant):
    run = run_of(option)
    page = reverse("admin:exchange_run", args=[run.pk])
    assert client.get(page).status_code == 302
    clerk_at(client, "tours.view_tour")
    assert client.get(page).status_code == 404
    with tenant_context(other_tenant.pk):
        assert not work_on_import(run.pk)
        assert not ImportRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_write_a_run_once(option):
    run = run_of(option, 600)
    work_on_import(run.pk)
    confirm_import(run_id=run.pk, good_rows_only=False, actor=None)
    outcomes = run_together(*[lambda: work_on_import(run.pk)] * 3)
    assert sorted(outcomes) == [False, False, True]
    assert Departure.objects.count() == 600


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_wait_for_each_other_instead_of_locking_each_other_out(option):
    other = OptionFactory(tour=TourFactory(slug="zz"), prices={"adult": "1"})
    head = "tour,option,category,amount\n"
    forth = f"{head}felucca,standard,adult,7\nzz,standard,adult,9"
    back = f"{head}zz,standard,adult,11\nfelucca,standard,adult,12"
    outcomes = run_together(
        lambda: carry_out("prices", rows(forth), actor=None), lambda: carry_out("prices", rows(back), actor=None)
    )
    assert [type(one).__name__ for one in outcomes] == ["Outcome", "Outcome"]
    amounts = {
        OptionPrice.objects.get(option=option, category__code="adult").amount,
        OptionPrice.objects.get(option=other).amount,
    }
    assert amounts in ({Decimal(7), Decimal(9)}, {Decimal(12), Decimal(11)})


def test_memory_does_not_grow_with_the_table(option):
    """Five times the rows, far less than twice the memory: a table is never held as a whole."""
    peaks = []
    for number in (2_000, 10_000):
        content = long_table(option, number).encode()
        tracemalloc.start()
        rehearse("departures", read_rows(content), actor=None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - 10_000 * 150 < peaks[0] * 2


def test_the_good_rows_of_a_crash_are_none(option, monkeypatch):
    def crash(*_args, **_kwargs):
        raise RuntimeError("the process dies here")

    monkeypatch.setattr("tours.services.importing.options.settle_tour", crash)
    with pytest.raises(RuntimeError):
        carry_out_good_rows("prices", rows("tour,option,category,amount\nfelucca,standard,adult,99"), actor=None)
    assert OptionPrice.objects.get(category__code="adult").amount == 80
