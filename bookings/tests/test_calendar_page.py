"""The calendar of departures."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from bookings.admin.calendar import level_of
from bookings.tests.factories import ClerkFactory
from config.tenancy import tenant_context
from tours.models import Departure
from tours.selectors.calendar import calendar_days
from tours.tests.factories import DepartureFactory, DestinationFactory, OptionFactory, TourFactory

pytestmark = pytest.mark.usefixtures("tenant")

PAGE = "admin:departure_calendar"
LOOK = ["tours.view_departure"]
WORK = ["tours.view_departure", "tours.change_departure", "tours.close"]


@pytest.fixture
def option():
    return OptionFactory(tour__destination=DestinationFactory(time_zone="Africa/Cairo"))


def starting(option, day, hour=7, **facts):
    return DepartureFactory(option=option, starts_at=datetime(2031, 3, day, hour, tzinfo=UTC), **facts)


def clerk_at(client, permissions=WORK):
    client.force_login(ClerkFactory(permissions=permissions))


def cells(answer):
    return {day["iso"]: day for week in answer.context["weeks"] for day in week}


def test_a_month_of_all_tours_is_summed_by_the_destinations_day(client, option):
    clerk_at(client)
    starting(option, 4, seats_booked=9)
    starting(option, 4, 9, seats_booked=10)
    starting(option, 4, 11, status="CLOSED", seats_booked=2)
    starting(option, 5, status="CANCELLED")
    starting(option, 6, 22, seats_held=1)  # past midnight in Cairo: the seventh
    answer = client.get(reverse(PAGE), {"month": "2031-03"})
    shown = cells(answer)
    fourth = shown["2031-03-04"]["totals"]
    assert (fourth.departures, fourth.open, fourth.full, fourth.taken, fourth.places) == (3, 2, 1, 21, 30)
    assert shown["2031-03-04"]["level"][0] == "filling"
    assert shown["2031-03-05"]["level"][0] == "cancelled"
    assert shown["2031-03-06"]["totals"] is None
    assert shown["2031-03-07"]["totals"].taken == 1


def test_a_month_of_one_tour_names_each_start_with_figures_and_a_word(client, option):
    clerk_at(client)
    full = starting(option, 4, seats_booked=7, seats_held=3)
    starting(option, 4, 9, seats_booked=2)
    starting(option, 5, status="CLOSED")
    starting(OptionFactory(), 4)
    answer = client.get(reverse(PAGE), {"month": "2031-03", "tour": option.tour_id})
    shown = cells(answer)
    assert [(one["time"], one["taken"], one["capacity"], one["code"]) for one in shown["2031-03-04"]["departures"]] == [
        ("09:00", 10, 10, "full"),
        ("11:00", 2, 10, "free"),
    ]
    assert shown["2031-03-05"]["departures"][0]["code"] == "closed"
    text = answer.content.decode()
    assert reverse("admin:tours_departure_change", args=[full.pk]) in text
    assert ">full<" in text
    assert f'value="tour:{option.tour_id}"' in text


def test_more_starts_than_fit_are_counted(client, option):
    clerk_at(client)
    for hour in range(6, 15):
        starting(option, 4, hour)
    day = cells(client.get(reverse(PAGE), {"month": "2031-03", "tour": option.tour_id}))["2031-03-04"]
    assert (len(day["departures"]), day["more"]) == (6, 3)
    clerk_at(client, ["tours.view_departure"])
    listed = client.get(day["list"])
    assert listed.context["cl"].result_count == 9


def test_weeks_begin_as_people_here_begin_them(client):
    clerk_at(client)
    for language, first in (("en", date(2031, 2, 24)), ("ar", date(2031, 3, 1))):
        client.cookies["rihla_language"] = language
        answer = client.get(reverse(PAGE), {"month": "2031-03"})
        assert answer.context["weeks"][0][0]["iso"] == first.isoformat()  # a Monday, a Saturday
        assert next(number for number, _name in answer.context["weekday_choices"]) == first.isoweekday()
    assert "مارس 2031" in answer.context["month_name"]
    assert 'dir="rtl"' in answer.content.decode()


def test_the_range_goes_through_the_one_form_for_bulk_changes_and_comes_back(client, option):
    clerk_at(client)
    first, last = starting(option, 4), starting(option, 6)
    starting(option, 8)
    page = client.get(reverse(PAGE), {"month": "2031-03", "tour": option.tour_id})
    here = page.context["here"]
    asked = {
        "date_from": "2031-03-04",
        "date_to": "2031-03-06",
        "weekdays": list(range(1, 8)),
        "what": page.context["what"],
        "capacity": "6",
        "status": "CLOSED",
        "reason": "Storm",
        "back": here,
    }
    # the dates are years ahead: all that the form asks for is there
    for name in ("date_from", "date_to", "weekdays", "what", "capacity", "status", "reason", "back"):
        assert f'name="{name}"' in page.content.decode()
    look = client.post(reverse("admin:availability"), asked | {"do": "look"})
    assert look.context["plan"]["changing"] == 2
    assert f'name="back" value="{here.replace("&", "&amp;")}"' in look.content.decode()
    done = client.post(
        reverse("admin:availability"), asked | {"do": "apply", "fingerprint": look.context["plan"]["fingerprint"]}
    )
    assert done["Location"] == here
    kept = dict(Departure.objects.values_list("pk", "capacity"))
    assert (kept[first.pk], kept[last.pk]) == (6, 6)
    assert Departure.objects.filter(status="CLOSED").count() == 2


def test_nobody_is_sent_to_a_strangers_page(client, option):
    clerk_at(client)
    departure = DepartureFactory(option=option)
    asked = {
        "date_from": departure.local_date.isoformat(),
        "date_to": departure.local_date.isoformat(),
        "weekdays": list(range(1, 8)),
        "capacity": "6",
        "back": "https://evil.example/",
    }
    look = client.post(reverse("admin:availability"), asked | {"do": "look"})
    done = client.post(
        reverse("admin:availability"), asked | {"do": "apply", "fingerprint": look.context["plan"]["fingerprint"]}
    )
    assert done["Location"] == reverse("admin:availability")


@pytest.mark.parametrize("month", ["", "nonsense", "2031-13", "2031", "99999-01", "0001-01", "2031-03-04", "-1--1"])
def test_a_month_that_is_none_is_this_one(client, month):
    clerk_at(client)
    answer = client.get(reverse(PAGE), {"month": month})
    assert answer.status_code == 200
    assert answer.context["month"] == f"{now():%Y-%m}"


def test_tours_that_are_not_there_are_not_there(client, option, other_tenant):
    clerk_at(client)
    with tenant_context(other_tenant.pk):
        theirs = TourFactory()
    for asked in (
        {"tour": "nonsense"},
        {"tour": theirs.pk},
        {"option": theirs.pk},
        {"tour": TourFactory().pk, "option": option.pk},
    ):
        assert client.get(reverse(PAGE), asked).status_code == 404
    assert calendar_days(date(2031, 3, 1), date(2031, 3, 31), tour_id=theirs.pk) == {}


def test_who_may_look_and_who_may_change(client, option):
    assert client.get(reverse(PAGE)).status_code == 302
    clerk_at(client, ["tours.view_tour"])
    assert client.get(reverse(PAGE)).status_code == 403
    clerk_at(client, LOOK)
    assert 'id="month-form"' not in client.get(reverse(PAGE)).content.decode()
    clerk_at(client, [*LOOK, "tours.change_departure"])
    text = client.get(reverse(PAGE)).content.decode()
    assert 'id="month-form"' in text
    assert 'name="status"' not in text


def test_a_month_costs_the_same_however_many_departures(client, option, django_assert_max_num_queries):
    clerk_at(client)
    client.get(reverse(PAGE))
    for day in range(1, 28):
        starting(option, day)
    with django_assert_max_num_queries(9):
        client.get(reverse(PAGE), {"month": "2031-03", "tour": option.tour_id})
    with django_assert_max_num_queries(8):
        client.get(reverse(PAGE), {"month": "2031-03"})


def test_levels_are_words_for_shares():
    option = OptionFactory()
    for taken, code in ((0, "empty"), (4, "free"), (8, "filling"), (9, "nearly"), (10, "full")):
        departure = DepartureFactory(
            option=option, seats_booked=taken, starts_at=now() + timedelta(days=3, minutes=taken)
        )
        assert level_of(departure)[0] == code
    over = DepartureFactory(option=option, starts_at=now() - timedelta(hours=1))
    assert level_of(over)[0] == "over"
