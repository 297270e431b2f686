import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEntry
from bookings.tests.factories import BookingFactory, ClerkFactory
from bookings.tests.test_pools import pool_of
from config.tenancy import tenant_context
from config.testing import run_together
from tours.errors import PlanStale
from tours.models import Departure
from tours.services import bulk
from tours.services.bulk import Wish, apply_changes, plan_changes
from tours.tests.factories import DepartureFactory, OptionFactory

pytestmark = pytest.mark.usefixtures("tenant")

PAGE = "admin:availability"


@pytest.fixture
def week():
    """An option's departures of seven days, the first a week ahead, ten places each."""
    option = OptionFactory()
    start = now().replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=7)
    return [
        DepartureFactory(option=option, tour=option.tour, starts_at=start + timedelta(days=day)) for day in range(7)
    ]


def wish(week, **more):
    return Wish(date_from=week[0].local_date, date_to=week[-1].local_date, **more)


def clerk_at(client, *permissions):
    clerk = ClerkFactory(permissions=permissions or ["tours.change_departure", "tours.close"])
    client.force_login(clerk)
    return clerk


def form(week, **more):
    return {
        "date_from": week[0].local_date.isoformat(),
        "date_to": week[-1].local_date.isoformat(),
        "weekdays": list(range(1, 8)),
        "do": "look",
        **more,
    }


def values(week, field):
    known = dict(Departure.objects.values_list("pk", field))
    return [known[departure.pk] for departure in week]


def test_a_plan_says_what_changes_and_what_is_refused_and_changes_nothing(week):
    BookingFactory(departure=week[2], guests={"adult": 6})
    Departure.objects.filter(pk=week[3].pk).update(capacity=5)
    plan = plan_changes(wish(week, capacity=5))
    assert [row.changes for row in plan.rows] == [
        {"capacity": (10, 5)} if place not in (2, 3) else {} for place in range(7)
    ]
    assert [row.refusal for row in plan.refused] == ["6 places are held or booked already."]
    assert values(week, "capacity") == [10, 10, 10, 5, 10, 10, 10]


def test_applied_it_is_what_was_planned_with_an_audit_entry_each(week):
    clerk = ClerkFactory()
    BookingFactory(departure=week[2], guests={"adult": 6})
    asked = wish(week, capacity=5, status="CLOSED", note_en="Ramadan hours", cutoff_minutes=120)
    plan = plan_changes(asked)
    apply_changes(wish=asked, fingerprint=plan.fingerprint, actor=clerk, reason="Ramadan")
    assert values(week, "capacity") == [5, 5, 10, 5, 5, 5, 5]
    assert values(week, "status") == ["CLOSED", "CLOSED", "OPEN", "CLOSED", "CLOSED", "CLOSED", "CLOSED"]
    assert values(week, "cutoff_at")[0] == week[0].starts_at - timedelta(hours=2)
    entries = AuditEntry.objects.filter(action="tours.departure.changed_in_bulk")
    assert entries.count() == 6
    first = entries.get(subject_id=str(week[0].pk))
    assert (first.reason, first.actor_id, first.before["capacity"], first.after["status"]) == (
        "Ramadan",
        clerk.pk,
        10,
        "CLOSED",
    )


def test_weekdays_tours_and_options_narrow_it_and_the_past_stays(week):
    other = DepartureFactory(starts_at=week[0].starts_at)
    past = DepartureFactory(starts_at=now() - timedelta(days=1))
    some = wish(week, capacity=3, weekdays=[week[0].local_date.isoweekday()])
    assert {row.departure.pk for row in plan_changes(some).rows} == {week[0].pk, other.pk}
    assert len(plan_changes(wish(week, capacity=3, tour_ids=[other.tour_id])).rows) == 1
    assert len(plan_changes(wish(week, capacity=3, option_ids=[week[0].option_id])).rows) == 7
    wide = Wish(date_from=past.local_date, date_to=week[-1].local_date, capacity=3)
    assert past.pk not in {row.departure.pk for row in plan_changes(wide).rows}


def test_a_stale_plan_is_refused_and_changes_nothing(week):
    asked = wish(week, status="CLOSED")
    plan = plan_changes(asked)
    BookingFactory(departure=week[1], status="CONFIRMED")
    with pytest.raises(PlanStale):
        apply_changes(wish=asked, fingerprint=plan.fingerprint, actor=None, reason="x")
    assert set(values(week, "status")) == {"OPEN"}


def test_a_crash_half_way_changes_nothing(week, monkeypatch):
    asked = wish(week, capacity=5)
    plan = plan_changes(asked)

    def crash(*args, **kwargs):
        assert values(week, "capacity") == [5] * 7  # written already
        raise RuntimeError("the process dies here")

    monkeypatch.setattr(bulk, "record_each", crash)
    with pytest.raises(RuntimeError):
        apply_changes(wish=asked, fingerprint=plan.fingerprint, actor=None, reason="x")
    assert values(week, "capacity") == [10] * 7
    assert not AuditEntry.objects.filter(action="tours.departure.changed_in_bulk").exists()


def test_the_page_shows_the_guests_touched_then_does_it_by_one_click(client):
    clerk_at(client)
    departure = DepartureFactory()
    booking = BookingFactory(departure=departure, guests={"adult": 2, "child": 1}, status="CONFIRMED")
    asked = form([departure], status="CLOSED", reason="Storm")
    shown = client.post(reverse(PAGE), asked)
    text = shown.content.decode()
    assert booking.reference in text
    assert "guests: 3" in text
    assert Departure.objects.get().status == "OPEN"
    fingerprint = shown.context["plan"]["fingerprint"]
    done = client.post(reverse(PAGE), {**asked, "do": "apply", "fingerprint": fingerprint})
    assert done.status_code == 302
    assert Departure.objects.get().status == "CLOSED"
    again = client.post(reverse(PAGE), {**asked, "do": "apply", "fingerprint": fingerprint})
    assert again.status_code == 409
    assert "have changed since you looked" in again.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"date_from": ""},
        {"date_from": "tomorrow"},
        {"date_to": "2020-01-01"},
        {"date_to": "2099-01-01"},
        {"weekdays": []},
        {"weekdays": [8]},
        {"capacity": "-1"},
        {"capacity": "0"},
        {"capacity": "1e9"},
        {"capacity": "100001"},
        {"capacity": ""},
        {"status": "CANCELLED"},
        {"status": "CLOSED", "reason": ""},
        {"cutoff_minutes": "-5"},
        {"cutoff_minutes": "9999999"},
        {"what": ["tour:nonsense"]},
        {"change_notes": "on", "note_en": "x" * 301},
    ],
)
def test_what_makes_no_sense_is_said_and_changes_nothing(client, week, wrong):
    clerk_at(client)
    answer = client.post(reverse(PAGE), {**form(week, capacity="5", do="apply"), **wrong})
    assert answer.status_code == 400
    assert values(week, "capacity") == [10] * 7


def test_tours_are_found_by_either_name_and_stay_ticked(client, week):
    clerk_at(client)
    tour = week[0].tour
    for sought in (tour.title_en[:9].lower(), tour.title_ar[:7]):
        shown = client.post(reverse(PAGE), {"do": "find", "find": sought})
        assert shown.status_code == 200
        assert f'value="tour:{tour.pk}"' in shown.content.decode()
        assert "This field is required" not in shown.content.decode()
    ticked = client.post(reverse(PAGE), {"do": "find", "find": "nothing like it", "what": [f"tour:{tour.pk}"]})
    assert re.search(f'value="tour:{tour.pk}"[^>]*checked', ticked.content.decode())


def test_who_may(client, week):
    assert client.get(reverse(PAGE)).status_code == 302
    clerk_at(client, "tours.view_departure")
    assert client.get(reverse(PAGE)).status_code == 403
    clerk_at(client, "tours.change_departure")
    assert client.post(reverse(PAGE), form(week, capacity="5")).status_code == 200
    assert client.post(reverse(PAGE), form(week, status="CLOSED", reason="x")).status_code == 403


def test_another_operators_departures_stay(client, week, other_tenant):
    with tenant_context(other_tenant.pk):
        theirs = DepartureFactory(starts_at=week[0].starts_at)
    asked = wish(week, capacity=5, tour_ids=[theirs.tour_id])
    assert plan_changes(asked).rows == []
    clerk_at(client)
    answer = client.post(reverse(PAGE), form(week, capacity="5", what=[f"tour:{theirs.tour_id}"]))
    assert answer.status_code == 400


def test_the_preview_costs_the_same_however_many_there_are(client, week, django_assert_num_queries):
    clerk_at(client)
    client.get(reverse(PAGE))  # what is remembered from the first call on
    with django_assert_num_queries(4):
        client.get(reverse(PAGE))
    for _more in range(2):
        with django_assert_num_queries(5 + _more):
            client.post(reverse(PAGE), form(week, capacity="9"))
        for departure in week:
            BookingFactory(departure=departure)


def test_where_a_boat_is_shared_places_are_asked_for_all_that_are_named_at_once(client, week):
    """Each departure that closes names others with their places: not by a statement each."""
    pool_of(week[0].option, OptionFactory(tour=week[0].tour, code="other"), capacity=20)
    for departure in week:
        BookingFactory(departure=departure)
        start = departure.starts_at + timedelta(days=14)
        DepartureFactory(option=departure.option, starts_at=start, ends_at=start + timedelta(hours=4))
    clerk_at(client)
    with CaptureQueriesContext(connection) as asked:
        page = client.post(reverse(PAGE), form(week, status="CLOSED", reason="storm"))
    assert page.content.decode().count("places left") > 20
    assert sum("tours_places_left" in query["sql"] for query in asked.captured_queries) <= 2


@pytest.mark.django_db(transaction=True)
def test_two_clerks_apply_the_same_plan_once(week):
    asked = wish(week, capacity=5)
    plan = plan_changes(asked)
    outcomes = run_together(
        *[lambda: apply_changes(wish=asked, fingerprint=plan.fingerprint, actor=None, reason="x")] * 3
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["Plan", "PlanStale", "PlanStale"]
    assert AuditEntry.objects.filter(action="tours.departure.changed_in_bulk").count() == 7
