import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.timezone import localdate, now
from openpyxl import Workbook, load_workbook

from accounts.models import AuditEntry
from bookings.tests.factories import BookingFactory, ClerkFactory
from config.tables import TableUnreadable, csv_lines, read_table, xlsx_file
from config.tenancy import tenant_context
from tours.models import Departure, Tour
from tours.selectors.tables import DEPARTURE_COLUMNS, TOUR_COLUMNS
from tours.services import upsert_departures
from tours.services.importing import carry_out, rehearse
from tours.tests import factories
from tours.tests.factories import OptionFactory, TourFactory

pytestmark = pytest.mark.usefixtures("tenant")

PAGE = "admin:exchange"
ALL = [
    *(f"tours.{verb}_{what}" for verb in ("view", "add", "change") for what in ("tour", "departure")),
    "tours.close",
    "bookings.view_booking",
]


def DepartureFactory(**more):
    """A departure at a full minute, as people write them."""
    start = now().replace(second=0, microsecond=0) + timedelta(days=7)
    return factories.DepartureFactory(**{"starts_at": start} | more)


def clerk_at(client, *permissions):
    clerk = ClerkFactory(permissions=permissions or ALL)
    client.force_login(clerk)
    return clerk


def take_out(client, kind, form="csv", **more):
    return client.post(reverse(PAGE), {"do": "export", "kind": kind, "form": form, **more})


def bring_in(client, kind, content, name="table.csv"):
    file = SimpleUploadedFile(name, content if isinstance(content, bytes) else content.encode())
    return client.post(reverse(PAGE), {"do": "look", "kind": kind, "file": file})


def confirm(client, looked):
    return client.post(reverse(PAGE), {"do": "import", "token": looked.context["token"]})


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def starts(option, *rows):
    """A table of departures of an option: (days from today, time, more columns)."""
    lines = ["tour,option,date,time,capacity,status,note_en"]
    for days, at, *more in rows:
        day = localdate() + timedelta(days=days)
        lines.append(",".join([option.tour.slug, option.code, day.isoformat(), at, *(more or ["", "", ""])]))
    return "\n".join(lines)


# --- Files ---


def test_what_a_spreadsheet_would_run_comes_out_as_text_and_comes_back_as_it_was():
    wicked = [
        "=1+1",
        "+20100",
        "-x",
        "@SUM(A1)",
        "\tx",
        "رحلة",
        'say "hi", you',
        "two\nlines",
        5,
        Decimal("1.50"),
        None,
    ]
    names = [f"c{n}" for n in range(len(wicked))]
    for content in (b"".join(csv_lines(names, [wicked])), xlsx_file("x", names, [wicked], right_to_left=True)):
        ((_line, row),) = read_table(content)
        assert [row[name] for name in names[:4]] == wicked[:4]
        assert [row[name] for name in names[5:]] == ["رحلة", 'say "hi", you', "two\nlines", "5", "1.50", ""] or (
            row["c9"] == "1.5"
        )
    text = b"".join(csv_lines(names, [wicked])).decode("utf-8-sig")
    assert b"".join(csv_lines(names, [wicked])).startswith(b"\xef\xbb\xbf")
    assert "'=1+1" in text
    cells = load_workbook(io.BytesIO(xlsx_file("x", names, [wicked], right_to_left=True))).worksheets[0]
    assert cells.sheet_view.rightToLeft
    assert not any(cell.data_type == "f" for cell in cells[2])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        ("اسم".encode("cp1256"), "UTF-8"),
        (b"PK not a zip", "no workbook"),
        (b"a,a\n1,2", "twice"),
        (b"a\n" + b"x" * 20_001, "letters"),
        (b"a\n" + b"x\n" * 200_001, "200000 rows"),
        (b"x" * (11 * 1024 * 1024 + 1), "larger"),
        (b'a,b\n"x', "unexpected end"),
    ],
)
def test_files_that_cannot_be_read_are_refused_with_the_reason(content, why):
    with pytest.raises(TableUnreadable) as refusal:
        read_table(content)
    assert why in str(refusal.value)


def test_semicolons_and_excels_own_dates_are_understood():
    assert read_table(b"\xef\xbb\xbfTour;Date\na;2027-01-31\n")[0] == (2, {"tour": "a", "date": "2027-01-31"})
    book = Workbook()
    book.active.append(["date", "time", "capacity"])
    moment = now().replace(tzinfo=None, hour=9, minute=30, second=0, microsecond=0)
    book.active.append([moment.date(), moment.time(), 12.0])
    buffer = io.BytesIO()
    book.save(buffer)
    assert read_table(buffer.getvalue())[0][1] == {
        "date": moment.date().isoformat(),
        "time": "09:30",
        "capacity": "12",
    }


# --- Departures ---


def test_departures_go_out_and_come_back_and_only_what_differs_is_touched(client):
    clerk_at(client)
    one, two = DepartureFactory(), DepartureFactory()
    out = take_out(client, "departures")
    table = rows_of(out)
    assert list(table[0]) == list(DEPARTURE_COLUMNS)
    same = bring_in(client, "departures", out.content)
    assert (same.context["outcome"].same, same.context["token"]) == (2, "")
    table[0]["capacity"] = "12"
    content = b"".join(csv_lines(DEPARTURE_COLUMNS, [list(row.values()) for row in table]))
    looked = bring_in(client, "departures", content)
    outcome = looked.context["outcome"]
    assert (outcome.added, outcome.changed, outcome.same, outcome.faults) == (0, 1, 1, [])
    assert set(Departure.objects.values_list("capacity", flat=True)) == {10}
    assert confirm(client, looked).status_code == 302
    assert sorted(Departure.objects.values_list("capacity", flat=True)) == [10, 12]
    assert AuditEntry.objects.filter(action="tours.departure.changed").count() == 1
    assert AuditEntry.objects.get(action="tours.imported.departures").after == {"added": 0, "changed": 1, "same": 1}
    again = confirm(client, looked)
    assert (again.status_code, "too long ago" in again.content.decode()) == (400, True)
    assert {one.pk, two.pk} == set(Departure.objects.values_list("pk", flat=True))


def test_each_fault_is_told_by_line_and_column_and_nothing_is_written(client):
    clerk_at(client)
    sold = DepartureFactory()
    BookingFactory(departure=sold)
    option = OptionFactory()
    start = sold.local_start()
    content = "\n".join(
        [
            "tour,option,date,time,capacity,status,note_en",
            f"{option.tour.slug},standard,{localdate() + timedelta(days=3)},09:00,8,,",
            "nowhere,,2027-01-31,09:00,,,",
            f"{option.tour.slug},standard,31/01/2027,25:00,,,",
            f"{option.tour.slug},standard,{localdate() + timedelta(days=3)},10:00,-5,,",
            f"{option.tour.slug},standard,{localdate() + timedelta(days=3)},11:00,1e3,,",
            f"{option.tour.slug},standard,{localdate() + timedelta(days=3)},12:00,,,{'x' * 301}",
            f"{sold.tour.slug},{sold.option.code},{start:%Y-%m-%d},{start:%H:%M},1,,",
        ]
    )
    looked = bring_in(client, "departures", content)
    assert [(fault.line, fault.column) for fault in looked.context["outcome"].faults] == [
        (3, "tour"),
        (4, "date"),
        (4, "time"),
        (5, "capacity"),
        (6, "capacity"),
        (7, "note_en"),
        (8, "capacity"),
    ]
    assert looked.context["token"] == ""
    assert Departure.objects.count() == 1


def test_past_starts_unknown_options_and_repeats_are_told(client):
    option = OptionFactory()
    content = starts(option, (-1, "09:00"), (2, "09:00")).replace(f"{option.code},", "private,", 1)
    outcome = rehearse("departures", read_table(content.encode()), actor=None)
    assert {fault.column for fault in outcome.faults} == {"option"}
    past = rehearse("departures", read_table(starts(option, (-1, "09:00")).encode()), actor=None)
    assert [(fault.line, fault.column) for fault in past.faults] == [(2, "date")]
    twice = rehearse("departures", read_table(starts(option, (2, "09:00"), (2, "09:00")).encode()), actor=None)
    assert [(fault.line, fault.column) for fault in twice.faults] == [(3, "time")]


def test_faults_are_told_in_the_order_of_the_file_whatever_order_the_tours_are_looked_at_in(client):
    first, second = OptionFactory(), OptionFactory()
    head, *of_first = starts(first, (-1, "09:00"), (-2, "09:00")).splitlines()
    of_second = starts(second, (-1, "09:00"), (-2, "09:00")).splitlines()[1:]
    for mixed in (zip(of_first, of_second, strict=True), zip(of_second, of_first, strict=True)):
        content = "\n".join([head, *(line for pair in mixed for line in pair)])
        outcome = rehearse("departures", read_table(content.encode()), actor=None)
        assert [fault.line for fault in outcome.faults] == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("content", "column"),
    [("tour,date\nx,2027-01-01", "time"), ("tour,date,time,price\nx,2027-01-01,09:00,5", "price")],
)
def test_missing_and_unknown_columns_are_told(content, column):
    outcome = rehearse("departures", read_table(content.encode()), actor=None)
    assert column in {fault.column for fault in outcome.faults}


def test_what_became_wrong_between_look_and_click_stops_all_of_it(client):
    clerk_at(client)
    departure, option = DepartureFactory(), OptionFactory()
    start = departure.local_start()
    content = starts(option, (3, "09:00", "8", "", "")) + (
        f"\n{departure.tour.slug},{departure.option.code},{start:%Y-%m-%d},{start:%H:%M},1,,"
    )
    looked = bring_in(client, "departures", content)
    assert looked.context["token"]
    BookingFactory(departure=departure)
    refused = confirm(client, looked)
    assert refused.status_code == 422
    assert "2 places are held or booked already." in refused.content.decode()
    assert Departure.objects.count() == 1


def test_a_crash_half_way_leaves_nothing(monkeypatch):
    one, two = OptionFactory(), OptionFactory()
    content = starts(one, (3, "09:00")) + "\n" + starts(two, (3, "09:00")).partition("\n")[2]
    real, calls = upsert_departures, []

    def crash(**asked):
        calls.append(asked)
        if len(calls) == 2:
            raise RuntimeError("the process dies here")
        return real(**asked)

    monkeypatch.setattr("tours.services.importing.departures.upsert_departures", crash)
    with pytest.raises(RuntimeError):
        carry_out("departures", read_table(content.encode()), actor=None)
    assert Departure.objects.count() == 0


def test_ten_thousand_rows_are_looked_at_with_few_questions(django_assert_max_num_queries):
    option = OptionFactory()
    rows = [(1 + n % 400, f"{n // 400 % 24:02}:{n // 9600 * 30:02}") for n in range(10_000)]
    table = read_table(starts(option, *rows).encode())
    with django_assert_max_num_queries(50):
        outcome = rehearse("departures", table, actor=None)
    assert outcome.added + len(outcome.faults) == 10_000
    assert len(outcome.faults) < 30  # a clock that is put forward takes an hour away


# --- Tours ---


def test_tours_go_out_are_changed_and_come_back(client):
    clerk_at(client)
    tour = TourFactory()
    OptionFactory(tour=tour)
    out = take_out(client, "tours")
    (row,) = rows_of(out)
    assert list(row) == list(TOUR_COLUMNS)
    assert bring_in(client, "tours", out.content).context["outcome"].same == 1
    fresh = row | {"slug": "white-desert", "title_en": "White desert by jeep", "title_ar": "الصحراء البيضاء بالجيب"}
    fresh |= {"status": ""}
    changed = row | {"summary_en": "Four pyramids, if you count the small one.", "max_guests": "14"}
    content = b"".join(csv_lines(TOUR_COLUMNS, [list(one.values()) for one in (changed, fresh)]))
    looked = bring_in(client, "tours", content)
    outcome = looked.context["outcome"]
    assert (outcome.added, outcome.changed, outcome.faults) == (1, 1, [])
    assert Tour.objects.count() == 1
    confirm(client, looked)
    tour.refresh_from_db()
    assert (tour.summary_en, tour.max_guests) == ("Four pyramids, if you count the small one.", 14)
    made = Tour.objects.get(slug="white-desert")
    assert (made.status, made.highlights_en) == ("DRAFT", ["The Sphinx without a crowd"])


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"title_en": ""}, "title_en"),
        ({"title_en": "x" * 201}, "title_en"),
        ({"duration_minutes": "-5"}, "duration_minutes"),
        ({"duration_minutes": "long"}, "duration_minutes"),
        ({"destination": "atlantis"}, "destination"),
        ({"cancellation_policy": "generous"}, "cancellation_policy"),
        ({"currency": "XXX"}, "currency"),
        ({"status": "INACTIVE"}, "status"),
        ({"is_featured": "maybe"}, "is_featured"),
    ],
)
def test_what_a_tour_cannot_be_is_told_by_column(client, changes, column):
    clerk_at(client)
    OptionFactory(tour=TourFactory())
    (row,) = rows_of(take_out(client, "tours"))
    content = b"".join(csv_lines(TOUR_COLUMNS, [list((row | changes).values())]))
    outcome = bring_in(client, "tours", content).context["outcome"]
    assert column in {fault.column for fault in outcome.faults}
    assert Tour.objects.get().title_en == row["title_en"]


# --- Bookings, and who may ---


def test_bookings_go_out_in_both_forms_and_not_in(client):
    clerk_at(client)
    booking = BookingFactory(
        status="CONFIRMED", contact={"name": "=HYPERLINK(1)", "email": "m@example.com", "phone": "+201001234567"}
    )
    (row,) = rows_of(take_out(client, "bookings"))
    assert (row["reference"], row["total"], row["due"]) == (booking.reference, "200.00", "0.00")
    assert row["contact_name"] == "'=HYPERLINK(1)"
    answer = take_out(client, "bookings", form="xlsx")
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    assert sheet["A2"].value == booking.reference
    assert AuditEntry.objects.filter(action="bookings.exported.bookings").count() == 2
    assert bring_in(client, "bookings", "reference\nx").status_code == 400


def test_a_long_list_of_bookings_costs_as_many_questions_as_a_short_one(client, django_assert_num_queries):
    clerk_at(client)
    departure = DepartureFactory(capacity=50)
    for _more in range(2):
        BookingFactory(departure=departure)
        take_out(client, "bookings")
        with django_assert_num_queries(5):
            take_out(client, "bookings")


@pytest.mark.parametrize(
    ("permissions", "out", "into"),
    [
        (["tours.view_tour"], {"tours"}, set()),
        (["tours.view_tour", "bookings.view_booking"], {"tours", "bookings"}, set()),
        (ALL, {"tours", "departures", "bookings"}, {"tours", "departures"}),
    ],
)
def test_each_role_is_offered_what_it_may(client, permissions, out, into):
    clerk_at(client, *permissions)
    context = client.get(reverse(PAGE)).context
    assert {code for code, _name in context["out"].fields["kind"].choices} == out
    assert {code for code, _name in context["into"].fields["kind"].choices} == into
    for kind in {"tours", "departures", "bookings"} - out:
        assert take_out(client, kind).status_code == 400
    for kind in {"tours", "departures", "bookings"} - into:
        assert bring_in(client, kind, "slug\nx").status_code == 400


def test_others_do_not_open_the_page(client):
    assert client.get(reverse(PAGE)).status_code == 302
    clerk_at(client, "bookings.view_booking")
    assert client.get(reverse(PAGE)).status_code == 403


def test_nobody_confirms_what_a_colleague_looked_at(client):
    clerk_at(client)
    looked = bring_in(client, "departures", starts(OptionFactory(), (3, "09:00")))
    clerk_at(client)
    assert confirm(client, looked).status_code == 400
    assert Departure.objects.count() == 0


def test_another_operators_tours_are_not_there(client, other_tenant):
    with tenant_context(other_tenant.pk):
        option = OptionFactory()
        BookingFactory()
        content = starts(option, (3, "09:00"))
    clerk_at(client)
    assert rows_of(take_out(client, "bookings")) == []
    outcome = bring_in(client, "departures", content).context["outcome"]
    assert [fault.column for fault in outcome.faults] == ["tour"]
    tour = rehearse("tours", read_table(f"slug,max_guests\n{option.tour.slug},5".encode()), actor=None)
    assert tour.changed == 0
    assert tour.faults
