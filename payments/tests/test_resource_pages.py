"""The week of guides, vehicles and equipment; their cards and needs; what a guide sees; the minimum to run."""

from datetime import timedelta

import pytest
from django.test import Client, TestCase
from django.urls import reverse
from django.utils.timezone import now

from bookings.models import BookingStatus
from bookings.selectors.day import day
from bookings.tests.factories import BookingFactory, ClerkFactory, HoldFactory
from config.celery import app
from ledger.seeds import seed_platform
from notifications.models import Event, Message
from payments.tests.shapes import Office, Refused, typed
from tours import guides
from tours.errors import NothingToDecide, WhyNeeded
from tours.models import Departure, Engagement, Pool, PoolMember, Resource, ResourceNeed, RunDecision, TourOption
from tours.services import minimum, resources
from tours.tests.factories import DepartureFactory, OptionFactory, TourFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def deliveries_run_at_once():
    app.conf.task_always_eager = True


def guide(name="Fatima", **given):
    return Resource.objects.create(kind="GUIDE", name_en=name, name_ar=name, **given)


@pytest.fixture
def office(tenant):
    seed_platform()
    return Office()


@pytest.fixture
def departure(tenant):
    return DepartureFactory()


def week_of(one):
    return f"{reverse('admin:resource_calendar')}?week={one.local_date.isoformat()}"


# --- Cards and needs, through the forms ---


def test_a_guide_is_entered_and_a_tour_says_what_it_needs(office, departure):
    tour = departure.tour
    office.add(
        Resource,
        {"kind": "GUIDE", "name_en": "Ali", "name_ar": "علي", "skills": "Diving\n diving ", "languages": "AR\nen"},
    )
    ali = Resource.objects.get()
    assert (ali.skills, ali.languages) == (["diving"], ["ar", "en"])
    needed = {"kind": "GUIDE", "skill": "Diving", "language": "AR", "count": 1, "on_shortage": "STOP"}
    office.change(tour, rows={ResourceNeed: [needed]})
    departure.refresh_from_db()
    assert departure.is_limited
    assert (ResourceNeed.objects.get().skill, ResourceNeed.objects.get().language) == ("diving", "ar")
    other = OptionFactory(tour=TourFactory())
    with pytest.raises(Refused):
        office.change(tour, rows={ResourceNeed: [{**needed, "option": other.pk}]})


def test_a_vehicle_without_seats_and_fewer_tanks_than_are_engaged_are_refused(office, departure):
    with pytest.raises(Refused, match="vehicle takes"):
        office.add(Resource, {"kind": "VEHICLE", "name_en": "Jeep", "name_ar": "جيب"})
    tanks = office.add(Resource, {"kind": "EQUIPMENT", "name_en": "Tank", "name_ar": "أسطوانة", "quantity": 8})
    resources.engage(resource_id=tanks.pk, departure_id=departure.pk, quantity=5, actor=office.user)
    with pytest.raises(Refused, match="5 of it are engaged"):
        office.change(tanks, {"quantity": 4})
    assert office.change(tanks, {"quantity": 5}).quantity == 5


def test_shared_places_are_entered_and_cannot_be_fewer_than_are_sold(office, departure):
    pool = office.add(
        Pool,
        {"name_en": "Isis", "name_ar": "إيزيس", "capacity": 6},
        rows={PoolMember: [{"option": departure.option_id}]},
    )
    departure.refresh_from_db()
    assert departure.is_limited
    HoldFactory(departure=departure, guests={"adult": 4})
    address = reverse("admin:tours_pool_change", args=[pool.pk])
    page = office.client.get(address)
    answer = office.client.post(address, {**typed(page), "capacity": "3", "_save": "1"})
    assert "4 places of “Isis” are taken at once already" in answer.content.decode()
    pool.refresh_from_db()
    assert pool.capacity == 6
    office.client.post(reverse("admin:tours_pool_delete", args=[pool.pk]), {"post": "yes"})
    departure.refresh_from_db()
    assert not departure.is_limited


# --- The week ---


def test_the_week_shows_who_is_missing_and_assigns(office, departure):
    fatima = guide(email="fatima@example.com")
    office.change(
        departure.tour, rows={ResourceNeed: [{"kind": "GUIDE", "count": 1, "on_shortage": "WARN", "language": ""}]}
    )
    BookingFactory(departure=departure, status=BookingStatus.CONFIRMED)
    page = office.client.get(week_of(departure))
    assert page.status_code == 200
    assert "Missing: 1 × Guide" in page.content.decode()
    body = {"do": "assign", "resource": fatima.pk, "departure": departure.pk}
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert office.client.post(week_of(departure), body).status_code == 302
    assert Engagement.objects.get().state == "ASSIGNED"
    shown = office.client.get(week_of(departure)).content.decode()
    assert "Missing:" not in shown
    assert departure.tour.title_en in shown
    again = office.client.post(week_of(departure), {"do": "release", "engagement": Engagement.objects.get().pk})
    assert again.status_code == 302
    assert Engagement.objects.get().state == "RELEASED"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_week_in_both_languages_and_with_odd_questions(office, departure, language):
    guide()
    office.client.cookies["django_language"] = language
    for asked in ("", "?week=nonsense", "?week=9999-12-31", "?kind=UNICORN", "?week=2026-12-01&kind=GUIDE"):
        assert office.client.get(reverse("admin:resource_calendar") + asked).status_code == 200


def test_the_week_costs_the_same_however_much_there_is(office, django_assert_max_num_queries):
    for number in range(6):
        one = DepartureFactory(option=OptionFactory(tour=TourFactory()))
        ResourceNeed.objects.create(tour=one.tour, kind="GUIDE", on_shortage="WARN")
        BookingFactory(departure=one, status=BookingStatus.CONFIRMED)
        guide(f"Guide {number}")
    address = week_of(one)
    office.client.get(address)
    with django_assert_max_num_queries(20):
        assert office.client.get(address).status_code == 200


def test_leave_is_noted_and_refused_where_somebody_was_asked(office, departure):
    fatima = guide()
    resources.engage(resource_id=fatima.pk, departure_id=departure.pk, actor=office.user)
    first = departure.local_date.isoformat()
    body = {"do": "leave", "resource": fatima.pk, "first": first, "last": first, "note": "wedding"}
    answer = office.client.post(week_of(departure), body)
    assert (answer.status_code, "taken at that time" in answer.content.decode()) == (409, True)
    later = (departure.local_date + timedelta(days=2)).isoformat()
    assert office.client.post(week_of(departure), {**body, "first": later, "last": later}).status_code == 302
    assert Engagement.objects.get(state="LEAVE").note == "wedding"
    assert office.client.post(week_of(departure), {**body, "first": later, "last": first}).status_code == 400
    assert office.client.post(week_of(departure), {"do": "leave"}).status_code == 400
    assert office.client.post(week_of(departure), {"do": "assign", "resource": "x"}).status_code == 404


def test_who_may_only_look_assigns_nobody(departure):
    client = Client()
    client.force_login(ClerkFactory(permissions=["tours.view_engagement"]))
    assert client.get(week_of(departure)).status_code == 200
    assert client.post(week_of(departure), {"do": "assign"}).status_code == 403
    client.force_login(ClerkFactory(permissions=["tours.view_departure"]))
    assert client.get(week_of(departure)).status_code == 403


def test_todays_page_and_the_manifest_name_the_guide(office, departure):
    resources.engage(resource_id=guide("Fatima").pk, departure_id=departure.pk, actor=office.user)
    BookingFactory(departure=departure, status=BookingStatus.CONFIRMED)
    today = office.client.get(f"{reverse('admin:bookings_today')}?day={departure.local_date.isoformat()}")
    assert "Fatima" in today.content.decode()
    for name in ("bookings_manifest", "bookings_manifest_print"):
        assert "Fatima" in office.client.get(reverse(f"admin:{name}", args=[departure.pk])).content.decode()
    assert "Fatima" in office.client.get(reverse("admin:tours_departure_change", args=[departure.pk])).content.decode()
    way = office.client.get(reverse("admin:departure_resources", args=[departure.pk]))
    assert way["Location"] == week_of(departure)


# --- What a guide sees ---


@pytest.fixture
def asked(departure):
    """Fatima was asked by mail."""
    fatima = guide(email="fatima@example.com", language="ar")
    with TestCase.captureOnCommitCallbacks(execute=True):
        return resources.engage(resource_id=fatima.pk, departure_id=departure.pk, actor=None)


def page_of(engagement):
    return f"/g/{guides.token_of(engagement.resource)}"


def test_the_guide_gets_one_mail_in_their_language(asked, tenant):
    message = Message.objects.get(template="guide_assigned")
    assert (message.recipient, message.language) == ("fatima@example.com", "ar")
    assert asked.departure.tour.title_ar in message.subject
    resources.engage(resource_id=asked.resource_id, departure_id=asked.departure_id, actor=None)
    assert Message.objects.count() == 1
    with TestCase.captureOnCommitCallbacks(execute=True):
        resources.release_engagement(engagement_id=asked.pk, actor=None)
    assert Message.objects.filter(template="guide_released").count() == 1


def test_looking_changes_nothing_and_answers_count(asked):
    client = Client()
    for language in ("en", "ar"):
        assert client.get(f"{page_of(asked)}?language={language}").status_code == 200
    asked.refresh_from_db()
    assert asked.state == "ASSIGNED"
    said = client.post(page_of(asked), {"engagement": asked.pk, "answer": "accept"})
    assert (said.status_code, "Thank you: you go." in said.content.decode()) == (200, True)
    asked.refresh_from_db()
    assert asked.state == "ACCEPTED"
    client.post(page_of(asked), {"engagement": asked.pk, "answer": "decline", "note": "ill"})
    asked.refresh_from_db()
    assert (asked.state, asked.note) == ("DECLINED", "ill")
    assert client.post(page_of(asked), {"engagement": asked.pk, "answer": "accept"}).status_code == 409


@pytest.mark.parametrize(
    "body",
    [{}, {"engagement": "x", "answer": "accept"}, {"answer": "accept"}, {"engagement": "own", "answer": "perhaps"}],
)
def test_answers_that_make_no_sense_change_nothing(asked, body):
    given = {name: str(asked.pk) if value == "own" else value for name, value in body.items()}
    assert Client().post(page_of(asked), given).status_code == 404
    asked.refresh_from_db()
    assert asked.state == "ASSIGNED"


def test_a_guide_answers_for_nobody_else(asked):
    stranger = guide("Stranger")
    answer = Client().post(f"/g/{guides.token_of(stranger)}", {"engagement": asked.pk, "answer": "decline"})
    assert answer.status_code == 404
    asked.refresh_from_db()
    assert asked.state == "ASSIGNED"


def test_forged_and_outdated_addresses_open_nothing(asked):
    client, address = Client(), page_of(asked)
    assert client.get(address[:-2] + "xx").status_code == 404
    assert client.get("/g/nonsense/calendar.ics").status_code == 404
    Resource.objects.update(link_version=2)
    assert client.get(address).status_code == 404
    Resource.objects.update(link_version=1, is_active=False)
    assert client.get(f"{address}/calendar.ics").status_code == 404


def test_the_calendar_lists_what_was_asked_and_accepted(asked):
    client = Client()
    feed = client.get(f"{page_of(asked)}/calendar.ics")
    assert feed["Content-Type"] == "text/calendar; charset=utf-8"
    text = feed.content.decode().replace("\r\n ", "")
    assert f"UID:{asked.pk}@" in text
    assert "STATUS:TENTATIVE" in text
    assert asked.departure.tour.title_ar in text
    resources.answer_engagement(engagement_id=asked.pk, accepts=True)
    assert "STATUS:CONFIRMED" in client.get(f"{page_of(asked)}/calendar.ics").content.decode()
    resources.release_engagement(engagement_id=asked.pk, actor=None)
    assert "VEVENT" not in client.get(f"{page_of(asked)}/calendar.ics").content.decode()


# --- The minimum to run ---


@pytest.fixture
def small(tenant):
    """Takes four, two booked; decided a day before, which was an hour ago."""
    option = OptionFactory(min_to_run=4, decide_hours_before=24, below_minimum="ASK")
    start = now() + timedelta(hours=23)
    one = DepartureFactory(option=option, starts_at=start, cutoff_at=start - timedelta(hours=1))
    BookingFactory(departure=one, status=BookingStatus.CONFIRMED)
    return one


def reasons(one):
    found = day(wanted=one.local_date, user=ClerkFactory(), all_rows=True)
    return [flag.reason for row in found.rows for flag in row.flags]


def decided():
    return [event.data["decision"] for event in Event.objects.filter(type="departure.under_minimum").order_by("pk")]


@pytest.mark.parametrize(("rule", "status"), [("GO", "OPEN"), ("ASK", "OPEN"), ("CANCEL", "CLOSED")])
def test_the_rule_decides_once(small, rule, status):
    TourOption.objects.update(below_minimum=rule)
    assert minimum.decide_departures() == 1
    assert minimum.decide_departures() == 0
    small.refresh_from_db()
    decision = RunDecision.objects.get()
    assert (decision.decision, decision.minimum, decision.booked, small.status) == (rule, 4, 2, status)
    assert decided() == [rule]


@pytest.mark.parametrize(
    "change",
    [
        {"min_to_run": 2},
        {"seats_booked": 4},
        {"starts_at": now() + timedelta(days=9), "ends_at": now() + timedelta(days=10)},
        {"starts_at": now() - timedelta(minutes=1)},
    ],
)
def test_nothing_is_decided_too_early_too_late_or_where_enough_come(small, change):
    Departure.objects.filter(pk=small.pk).update(**change)
    assert minimum.decide_departures() == 0
    assert decided() == []


def test_after_an_outage_what_has_not_started_is_decided(small):
    Departure.objects.filter(pk=small.pk).update(starts_at=now() + timedelta(minutes=5))
    assert minimum.decide_departures() == 1


def test_the_flag_counts_down_then_asks_and_goes_with_the_word_of_staff(small):
    TourOption.objects.update(decide_hours_before=18)
    assert any("decided in 5 hours" in reason for reason in reasons(small))
    TourOption.objects.update(decide_hours_before=24)
    minimum.decide_departures()
    assert any("say whether it runs" in reason for reason in reasons(small))
    with pytest.raises(WhyNeeded):
        minimum.decide_departure(departure_id=small.pk, decision="GO", actor=None, reason=" ")
    minimum.decide_departure(departure_id=small.pk, decision="GO", actor=None, reason="a good customer")
    minimum.decide_departure(departure_id=small.pk, decision="GO", actor=None, reason="a good customer")
    assert not any("say whether" in reason or "decided in" in reason for reason in reasons(small))
    assert decided() == ["ASK", "GO"]


def test_what_was_called_off_stays_so(small):
    minimum.decide_departure(departure_id=small.pk, decision="CANCEL", actor=None, reason="two are too few")
    small.refresh_from_db()
    assert small.status == "CLOSED"
    with pytest.raises(NothingToDecide):
        minimum.decide_departure(departure_id=small.pk, decision="GO", actor=None, reason="after all")
    assert any("Called off" in reason for reason in reasons(small))


def test_the_page_of_the_decision(small, office):
    address = reverse("admin:departure_decision", args=[small.pk])
    assert "Runs from" in office.client.get(address).content.decode()
    assert office.client.post(address, {"decision": "GO"}).status_code == 400
    assert office.client.post(address, {"decision": "ASK", "reason": "why not"}).status_code == 409
    assert office.client.post(address, {"decision": "GO", "reason": "a good customer"}).status_code == 302
    assert RunDecision.objects.get().decided_by == office.user
    assert "It runs all the same" in office.client.get(address).content.decode()
    clerk = Client()
    clerk.force_login(ClerkFactory(permissions=["tours.view_departure"]))
    assert clerk.post(address, {"decision": "CANCEL", "reason": "no"}).status_code == 403


def test_the_minimum_is_entered_on_the_option_and_changed_on_a_departure(office):
    tour = TourFactory()
    option = OptionFactory(tour=tour)
    option = office.change(option, {"min_to_run": 6, "decide_hours_before": 48, "below_minimum": "CANCEL"})
    one = DepartureFactory(option=option)
    assert minimum.minimum_of(one) == 6
    one = office.change(one, {"min_to_run": 1})
    assert minimum.minimum_of(Departure.objects.select_related("option").get(pk=one.pk)) == 1


def test_a_new_address_makes_the_old_one_worthless(asked, office):
    old = page_of(asked)
    page = reverse("admin:tours_resource_change", args=[asked.resource_id])
    assert old in office.client.get(page).content.decode()
    office.change(asked.resource, press="tours_resource_renew_address")
    assert Client().get(old).status_code == 404
    asked.resource.refresh_from_db()
    assert Client().get(page_of(asked)).status_code == 200
