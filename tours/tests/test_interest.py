"""Views counted in bulk, and what "popular" means."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import localdate, now
from django_redis import get_redis_connection
from redis.exceptions import ConnectionError as ConnectionLost

from accounts.tests.factories import UserFactory
from config.tenancy import tenant_context
from config.testing import run_together
from tours import counting
from tours.invariants import published_facts_are_the_tours as proof
from tours.models import PublishedTour, SavedTour, Tour, TourDay
from tours.services import count_bookings, gather_views, popularity, refresh_popularity
from tours.tests.factories import OptionFactory, TourFactory

LIST = "/api/v1/tours"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


# --- Views ---


@pytest.fixture
def counted(tenant):
    client = get_redis_connection("default")
    for key in client.scan_iter("tours:views:*"):
        client.delete(key)
    for key in client.scan_iter("tours:seen:*"):
        client.delete(key)


def look(client, tour, agent=FIREFOX, **more):
    answer = client.get(f"{LIST}/{tour.pk}", HTTP_USER_AGENT=agent, **more)
    assert answer.status_code in (200, 304), answer.content


def views():
    return dict(TourDay.objects.values_list("tour__slug", "views"))


def test_views_are_gathered_into_a_row_for_each_day(tours, counted, api):
    nile, siwa, _sinai = tours
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.1"):
        look(api, nile, REMOTE_ADDR=address)
    api.get(f"{LIST}/siwa", HTTP_USER_AGENT=FIREFOX)
    assert views() == {}  # nothing is written on a read
    assert gather_views() == 3
    assert views() == {"nile": 2, "siwa": 1}
    assert gather_views() == 0
    look(api, siwa, REMOTE_ADDR="10.0.0.9")
    assert gather_views() == 1
    assert views() == {"nile": 2, "siwa": 2}
    assert set(TourDay.objects.values_list("day", flat=True)) == {localdate()}


def test_one_person_counts_once_in_half_an_hour(tours, counted, api, own):
    for _time in range(3):
        look(api, tours[0])
        look(own, tours[0])  # signed in: another person at the same address
    look(api, tours[0], agent=FIREFOX.replace("Linux", "Windows"))
    assert gather_views() == 3


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "facebookexternalhit/1.1",
        "WhatsApp/2.23.20.0",
        "curl/8.5.0",
        "python-requests/2.32",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0.0.0",
        "UptimeRobot/2.0",
        "Mozilla/5.0 (compatible; YandexBot/3.0)",
    ],
)
def test_programs_are_not_counted(tours, counted, api, agent):
    look(api, tours[0], agent=agent)
    assert gather_views() == 0


def test_neither_looking_ahead_nor_drafts_nor_lists_are_views(tours, counted, api, client_as):
    look(api, tours[0], HTTP_SEC_PURPOSE="prefetch;prerender")
    api.get(LIST, HTTP_USER_AGENT=FIREFOX)
    api.get(f"{LIST}/{tours[0].pk}/availability", HTTP_USER_AGENT=FIREFOX)
    draft = TourFactory(status="DRAFT")
    look(client_as("ADMIN"), draft)
    assert api.get(f"{LIST}/{uuid4()}", HTTP_USER_AGENT=FIREFOX).status_code == 404
    assert gather_views() == 0


@pytest.mark.parametrize(
    "agent",
    [
        FIREFOX,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)",
        "Mozilla/5.0 (Linux; Android 9; CUBOT_X19)",
        "RihlaApp/3.1",
    ],
)
def test_people_are_counted_when_what_they_see_is_remembered(tours, counted, api, agent):
    for address in ("10.0.0.1", "10.0.0.2"):
        look(api, tours[0], agent=agent, REMOTE_ADDR=address)
    assert gather_views() == 2


def test_a_page_is_shown_without_redis(tours, counted, api, monkeypatch):
    def away(*commands):
        raise ConnectionLost("away")

    monkeypatch.setattr(counting, "trip", away)
    look(api, tours[0])
    assert gather_views() == 0


def test_what_cannot_be_written_down_waits(tours, counted, api, monkeypatch):
    look(api, tours[0])
    broken = pytest.MonkeyPatch()
    broken.setattr(popularity, "_add_to_day", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        gather_views()
    broken.undo()
    assert gather_views() == 1
    assert views() == {"nile": 1}


def test_views_of_yesterday_count_for_yesterday_and_those_of_no_tour_for_none(tours, counted):
    yesterday = localdate() - timedelta(days=1)
    client = get_redis_connection("default")
    client.hincrby(counting.place_of(yesterday), str(tours[0].pk), 4)
    client.hincrby(counting.place_of(yesterday), str(uuid4()), 7)
    gather_views()
    assert list(TourDay.objects.values_list("tour__slug", "day", "views")) == [("nile", yesterday, 4)]


@pytest.mark.django_db(transaction=True)
def test_views_gathered_by_several_at_once_count_once(tours, counted):
    client = get_redis_connection("default")
    for tour in tours:
        client.hincrby(counting.place_of(localdate()), str(tour.pk), 100)
    outcomes = run_together(*[gather_views] * 4)
    assert sorted(outcomes) == [0, 0, 0, 300]
    assert views() == {"nile": 100, "siwa": 100, "sinai": 100}


# --- Popularity ---


def test_popularity_by_the_formula(tours, person):
    nile, siwa, sinai = tours
    today = localdate()
    Tour.objects.filter(pk=nile.pk).update(bookings_count=7)
    rows = [(nile, 0, 10, 2), (nile, 30, 40, 1), (siwa, 60, 8, 0), (siwa, 89, 0, 0), (sinai, 90, 5000, 90)]
    for tour, back, seen, booked in rows:
        TourDay.objects.create(tour=tour, day=today - timedelta(days=back), views=seen, bookings=booked)
    SavedTour.objects.create(tour=siwa, customer=person)
    SavedTour.objects.create(tour=siwa, customer=UserFactory(), saved_at=now() - timedelta(days=30))
    SavedTour.objects.create(tour=sinai, customer=person, saved_at=now() - timedelta(days=95))
    # Nile: 7 ever, 50 today, half of 60 a month ago. Siwa: 5 and 2.5 saved, a quarter of 8. Sinai: long ago.
    assert refresh_popularity() == 2
    found = dict(Tour.objects.values_list("slug", "popularity"))
    assert found == {"nile": 87, "siwa": 10, "sinai": 0}
    assert dict(PublishedTour.objects.values_list("slug", "popularity")) == found
    assert refresh_popularity() == 0
    assert list(proof()) == []


def test_a_booking_counts_at_once_and_as_the_refresh_says(tours):
    nile, siwa, _sinai = tours
    day = localdate() - timedelta(days=60)
    count_bookings(tour_ids=[nile.pk, siwa.pk], step=1)
    count_bookings(tour_ids=[siwa.pk], step=1, day=day)
    assert refresh_popularity() == 1  # what is two months old counts less
    assert dict(Tour.objects.values_list("slug", "popularity")) == {"nile": 21, "siwa": 27, "sinai": 0}
    count_bookings(tour_ids=[siwa.pk], step=-1, day=day)
    assert Tour.objects.get(pk=siwa.pk).popularity == 6
    assert refresh_popularity() == 1
    assert Tour.objects.get(pk=siwa.pk).popularity == 21
    assert list(proof()) == []


def test_taken_off_more_than_there_is_popularity_stays_at_nothing(tours):
    Tour.objects.filter(pk=tours[0].pk).update(bookings_count=1)
    count_bookings(tour_ids=[tours[0].pk], step=-1)
    assert Tour.objects.get(pk=tours[0].pk).popularity == 0
    assert list(proof()) == []


def test_days_long_past_are_forgotten(tours):
    for back in (400, 401):
        TourDay.objects.create(tour=tours[0], day=localdate() - timedelta(days=back), views=1)
    refresh_popularity()
    assert TourDay.objects.count() == 1


def test_popular_sorts_by_it(tours, api, counted):
    for address in ("10.0.0.1", "10.0.0.2"):
        look(api, tours[2], REMOTE_ADDR=address)
    look(api, tours[1])
    gather_views()
    refresh_popularity()
    titles = [item["title"] for item in api.get(f"{LIST}/popular").json()["items"]]
    assert titles == ["Sinai", "Siwa", "Nile"]


def test_another_operators_interest_is_not_touched(tours, other_tenant, counted):
    with tenant_context(other_tenant.pk):
        foreign = OptionFactory().tour
        TourDay.objects.create(tour=foreign, day=localdate(), views=9)
    client = get_redis_connection("default")
    client.hincrby(counting.place_of(localdate()), str(foreign.pk), 3)
    gather_views()
    refresh_popularity()
    with tenant_context(other_tenant.pk):
        assert list(TourDay.objects.values_list("views", flat=True)) == [9]
        assert Tour.objects.get(pk=foreign.pk).popularity == 0
