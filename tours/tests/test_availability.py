"""When a tour can be bought, day by day, and that it is never older than the last seat sold."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils.timezone import now

from tours.caching import seats_changed
from tours.models import Departure
from tours.services import close_departures
from tours.tests.factories import DepartureFactory, DestinationFactory, OptionFactory

CAIRO = ZoneInfo("Africa/Cairo")


@pytest.fixture
def tour(listed):
    return listed(slug="felucca", title_en="Felucca", prices={"adult": "100", "child": "50", "infant": "0"})


@pytest.fixture
def option(tour):
    return tour.options.get()


def path(tour, what="availability"):
    return f"/api/v1/tours/{getattr(tour, 'pk', tour)}/{what}"


def items(client, tour, **asked):
    answer = client.get(path(tour), asked)
    assert answer.status_code == 200, answer.content
    return answer.json()["items"]


def at(day, hour=9, zone=CAIRO):
    return datetime.combine(day, datetime.min.time().replace(hour=hour), zone).astimezone(UTC)


SOON = (now() + timedelta(days=5)).astimezone(CAIRO).date()


def test_an_item_says_everything(option, tour, api):
    departure = DepartureFactory(option=option, starts_at=at(SOON), capacity=8, seats_held=2, seats_booked=1)
    (item,) = items(api, tour)
    assert item == {
        "id": str(departure.pk),
        "starts_at": f"{departure.starts_at:%Y-%m-%dT%H:%M:%SZ}",
        "ends_at": f"{departure.starts_at + timedelta(hours=4):%Y-%m-%dT%H:%M:%SZ}",
        "date": str(SOON),
        "time": "09:00",
        "opening_hours": None,
        "opens_at": None,
        "option": {"code": "standard", "name": "Shared tour"},
        "capacity": 8,
        "available": 5,
        "status": "OPEN",
        "price_from": "100.00",
        "currency": "USD",
        "note": "",
    }


def test_the_answer_names_its_range_and_zone(tour, api):
    today = now().astimezone(CAIRO).date()
    body = api.get(path(tour)).json()
    assert (body["date_from"], body["date_to"]) == (str(today), str(today + timedelta(days=29)))
    assert (body["time_zone"], body["currency"], body["items"]) == ("Africa/Cairo", "USD", [])
    assert body["tour_id"] == str(tour.pk)


def test_the_slug_will_do_and_the_language_is_the_callers(option, tour, api):
    DepartureFactory(option=option, note_en="Bring water", note_ar="أحضر الماء")
    answer = api.get(path("felucca"), HTTP_ACCEPT_LANGUAGE="ar").json()
    assert (answer["items"][0]["option"]["name"], answer["items"][0]["note"]) == ("جولة مشتركة", "أحضر الماء")


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({}, "OPEN"),
        ({"seats_held": 4, "seats_booked": 6}, "SOLD_OUT"),
        ({"status": "CLOSED"}, "CLOSED"),
        ({"status": "CANCELLED"}, "CANCELLED"),
        ({"cutoff_at": datetime(2026, 1, 1, tzinfo=UTC)}, "CUTOFF"),
        ({"cutoff_at": datetime(2026, 1, 1, tzinfo=UTC), "seats_booked": 10}, "CUTOFF"),
        ({"status": "CLOSED", "seats_booked": 10}, "CLOSED"),
    ],
)
def test_status(option, tour, api, values, status):
    DepartureFactory(option=option, capacity=10, **values)
    assert [item["status"] for item in items(api, tour)] == [status]
    assert len(items(api, tour, guests=1)) == (status == "OPEN")


def test_days_are_local_and_both_ends_count(option, tour, api):
    tour.destination.time_zone = "Pacific/Auckland"
    tour.destination.save()
    zone = ZoneInfo("Pacific/Auckland")
    for number in range(4):
        DepartureFactory(option=option, starts_at=at(date(2027, 6, 1) + timedelta(days=number), hour=0, zone=zone))
    found = items(api, tour, date_from="2027-06-02", date_to="2027-06-03")
    assert [(item["date"], item["time"]) for item in found] == [("2027-06-02", "00:00"), ("2027-06-03", "00:00")]
    assert found[0]["starts_at"] == "2027-06-01T12:00:00Z"


def test_the_clock_that_changes_shows_the_time_there(option, tour, api):
    """Cairo leaves summer time on the last Friday of October, at midnight."""
    for day in (date(2026, 10, 29), date(2026, 10, 30)):
        DepartureFactory(option=option, starts_at=at(day))
    found = items(api, tour, date_from="2026-10-29", date_to="2026-10-30")
    assert [(item["time"], item["starts_at"][11:16]) for item in found] == [("09:00", "06:00"), ("09:00", "07:00")]


def test_items_stand_in_order_of_time_then_option(option, tour, api):
    private = OptionFactory(tour=tour, code="private", display_order=5, prices={"senior": "80", "infant": "0"})
    late = DepartureFactory(option=option, starts_at=at(SOON, 15))
    both = [DepartureFactory(option=one, starts_at=at(SOON, 9)) for one in (private, option)]
    found = items(api, tour)
    assert [item["id"] for item in found] == [str(both[1].pk), str(both[0].pk), str(late.pk)]
    # Where no adult is priced, the lowest of those who take a seat.
    assert [item["price_from"] for item in found] == ["100.00", "80.00", "100.00"]


def test_an_option_without_a_price_has_none(tour, api):
    DepartureFactory(option=OptionFactory(tour=tour, code="bare", prices={}))
    assert [item["price_from"] for item in items(api, tour)] == [None]


def test_with_guests_only_what_takes_them_all(option, tour, api):
    small, large = (
        DepartureFactory(option=option, starts_at=at(SOON, 9 + seats), capacity=seats).pk for seats in (3, 5)
    )
    assert [item["id"] for item in items(api, tour, guests=3)] == [str(small), str(large)]
    assert [item["id"] for item in items(api, tour, guests=4)] == [str(large)]
    assert items(api, tour, guests=6) == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"date_from": "tomorrow"}, "date_from"),
        ({"date_to": "2027-13-01"}, "date_to"),
        ({"date_from": "2027-02-02", "date_to": "2027-02-01"}, "date_to"),
        ({"date_from": "2027-01-01", "date_to": "2027-04-03"}, "date_to"),
        ({"guests": "0"}, "guests"),
        ({"guests": "two"}, "guests"),
        ({"currency": "XX"}, "currency"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(tour, api, asked, field):
    answer = api.get(path(tour), asked)
    assert (answer.status_code, list(answer.json()["details"])) == (400, [field])


def test_92_days_are_the_most(tour, api):
    assert api.get(path(tour), {"date_from": "2027-01-01", "date_to": "2027-04-02"}).status_code == 200
    for days in (-2, 92):
        answer = api.get(path(tour), {"date_to": now().date() + timedelta(days=days)})
        assert (answer.status_code, list(answer.json()["details"])) == (400, ["date_to"])
    assert api.get(path(tour), {"date_to": now().date() + timedelta(days=91)}).status_code == 200


def test_days_at_the_ends_of_the_calendar(tour, api):
    for asked in ({"date_from": "0001-01-01"}, {"date_from": "9999-12-31"}):
        assert api.get(path(tour), asked).json()["items"] == []
    assert api.get(path(tour, "calendar"), {"month": "2000-01"}).status_code == 200
    assert api.get(path(tour, "calendar"), {"month": "9998-12"}).status_code == 200


def test_what_is_not_public_has_none_but_for_staff(option, tour, rebuilt, api, client_as):
    DepartureFactory(option=option)
    tour.status = "INACTIVE"
    tour.save()
    rebuilt()
    for given in (tour.pk, "felucca"):
        assert api.get(path(given)).status_code == 404
        assert client_as("CUSTOMER").get(path(given)).status_code == 404
        answer = client_as("EMPLOYEE").get(path(given))
        assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")
        assert len(answer.json()["items"]) == 1


# --- The calendar ---


def test_a_month_has_one_entry_for_each_day(option, tour, api):
    DepartureFactory(option=option, starts_at=at(date(2027, 2, 3)), capacity=4)
    DepartureFactory(option=option, starts_at=at(date(2027, 2, 3), 15), capacity=6, seats_booked=1)
    DepartureFactory(option=option, starts_at=at(date(2027, 2, 3), 18), status="CLOSED")
    DepartureFactory(option=option, starts_at=at(date(2027, 2, 4)), capacity=2, seats_held=2)
    DepartureFactory(option=option, starts_at=at(date(2027, 2, 28)), status="CANCELLED")
    body = api.get(path(tour, "calendar"), {"month": "2027-02"}).json()
    days = {day.pop("date"): day for day in body["days"]}
    assert (body["month"], len(days)) == ("2027-02", 28)
    assert days["2027-02-03"] == {"status": "OPEN", "departures": 2, "available": 9, "price_from": "100.00"}
    assert days["2027-02-04"] == {"status": "SOLD_OUT", "departures": 0, "available": 0, "price_from": None}
    assert days["2027-02-28"]["status"] == "CANCELLED"
    assert days["2027-02-05"]["status"] == "NONE"


@pytest.mark.parametrize("month", ["2027-13", "2027-1", "feb", "0000-01", "9999-12", "2027-02-01", "٢٠٢٧-٠٢"])
def test_months_are_written_in_one_way(tour, api, month):
    answer = api.get(path(tour, "calendar"), {"month": month})
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["month"])


def test_the_present_month_by_default(tour, api):
    assert api.get(path(tour, "calendar")).json()["month"] == f"{now():%Y-%m}"


# --- Never older than the last change ---


@pytest.mark.django_db(transaction=True)
def test_a_seat_taken_shows_at_once(option, tour, api, django_assert_num_queries):
    departure = DepartureFactory(option=option, capacity=4)
    asked = {"date_from": departure.local_date, "date_to": departure.local_date, "guests": 4}
    places = ("/api/v1/tours", path(tour), f"/api/v1/tours/{tour.pk}")
    before = [api.get(place, asked).content for place in places]
    with django_assert_num_queries(0):
        assert [api.get(place, asked).content for place in places] == before
    with transaction.atomic():
        Departure.objects.filter(pk=departure.pk).update(seats_held=1)
        transaction.on_commit(lambda: seats_changed(tour.pk))
    listed, available, page = (api.get(place, asked).json() for place in places)
    assert (listed["total"], available["items"], page["next_departure"]["available"]) == (0, [], 3)


@pytest.mark.django_db(transaction=True)
def test_a_closed_departure_shows_at_once(option, tour, api):
    departure = DepartureFactory(option=option)
    assert [item["status"] for item in items(api, tour)] == ["OPEN"]
    close_departures(departure_ids=[departure.pk], actor=None, reason="storm")
    assert [item["status"] for item in items(api, tour)] == ["CLOSED"]
    assert api.get(f"/api/v1/tours/{tour.pk}").json()["next_departure"] is None


def test_one_tours_seats_leave_the_others_remembered(option, tour, listed, api, django_assert_num_queries):
    other = listed(title_en="Another")
    for one in (tour, other):
        items(api, one)
    seats_changed(other.pk)
    with django_assert_num_queries(0):
        items(api, tour)
    with django_assert_num_queries(1):
        items(api, other)


# --- The plain twin ---


def test_the_statement_says_what_plain_python_says(tour, option, api):
    states = ["OPEN", "CLOSED", "CANCELLED"]
    for number in range(24):
        DepartureFactory(
            option=option,
            starts_at=at(SOON + timedelta(days=number % 6), 6 + number // 6),
            capacity=number % 5 + 1,
            seats_held=number % 2,
            status=states[number % 3],
            **({"cutoff_at": now() - timedelta(minutes=1)} if number % 7 == 0 else {}),
        )
    for guests in (None, 1, 3):
        expected = []
        for departure in Departure.objects.filter(tour=tour).order_by("starts_at"):
            state = departure.status
            if state == "OPEN" and departure.cutoff_at <= now():
                state = "CUTOFF"
            elif state == "OPEN" and departure.seats_left == 0:
                state = "SOLD_OUT"
            if guests is None or (departure.is_bookable and departure.seats_left >= guests):
                expected.append(
                    (str(departure.pk), state, departure.seats_left, f"{departure.local_start():%Y-%m-%d %H:%M}")
                )
        found = items(api, tour, **({"guests": guests} if guests else {}))
        assert [(i["id"], i["status"], i["available"], f"{i['date']} {i['time']}") for i in found] == expected


def test_prices_in_another_currency(option, tour, api):
    assert api.get(path(tour), {"currency": "usd"}).status_code == 200
    DepartureFactory(option=option)
    answer = api.get(path(tour), {"currency": "KWD"})
    assert (answer.status_code, answer.json()["error_code"]) == (422, "no_exchange_rate")


def test_amounts_have_the_decimals_of_their_currency(listed, api):
    for code, price, shown in (("JPY", "9000", "9000"), ("KWD", "12.345", "12.345"), ("USD", "9.5", "9.50")):
        tour = listed(currency__code=code, prices={"adult": price}, destination=DestinationFactory())
        DepartureFactory(option=tour.options.get())
        assert [item["price_from"] for item in items(api, tour)] == [shown]
        assert api.get(f"/api/v1/tours/{tour.pk}").json()["price_from"] == shown
        assert Decimal(shown) == Decimal(price)
