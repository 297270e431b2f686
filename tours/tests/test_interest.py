"""Wish lists, views counted in bulk, and what "popular" means."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate, now
from django_redis import get_redis_connection
from redis.exceptions import ConnectionError as ConnectionLost

from accounts.authentication import issue_tokens
from accounts.tests.factories import UserFactory
from config.tenancy import tenant_context
from config.testing import run_together
from config.testing.clients import CommittingClient
from tours import counting
from tours.invariants import published_facts_are_the_tours as proof
from tours.models import PublishedTour, SavedTour, SharedList, Tour, TourDay
from tours.services import count_bookings, gather_views, popularity, refresh_popularity, wishes
from tours.tests.factories import OptionFactory, TourFactory

LIST = "/api/v1/tours"
WISHES = "/api/v1/wishlist"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def tours(listed):
    return [listed(title_en=title, title_ar=f"{title} ar", slug=title.lower()) for title in ("Nile", "Siwa", "Sinai")]


@pytest.fixture
def person(tenant):
    return UserFactory(first_name="Mona")


@pytest.fixture
def own(person):
    return signed(person)


def signed(user):
    client = CommittingClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access_token']}")
    return client


def saved(client, **asked):
    answer = client.get(WISHES, asked)
    assert answer.status_code == 200, answer.content
    return [item["tour"]["title"] for item in answer.json()["items"]]


# --- The list ---


def test_tours_are_kept_in_the_order_saved(tours, own):
    nile, siwa, sinai = tours
    for tour in (siwa.pk, sinai.slug, nile.pk):
        answer = own.put(f"{WISHES}/{tour}")
        assert answer.status_code == 201, answer.content
    assert saved(own) == ["Siwa", "Sinai", "Nile"]
    assert saved(own, sort_order="desc") == ["Nile", "Sinai", "Siwa"]
    assert saved(own, size=2, page=2) == ["Nile"]
    body = own.get(WISHES, {"size": 2, "page": 5}).json()
    assert body == {"items": [], "total": 3, "page": 5, "size": 2, "pages": 2}
    again = own.put(f"{WISHES}/{siwa.pk}")
    assert (again.status_code, again.json()["tour_id"]) == (200, str(siwa.pk))
    assert saved(own) == ["Siwa", "Sinai", "Nile"]


def test_the_card_is_in_the_language(tours, own):
    own.put(f"{WISHES}/nile")
    (item,) = own.get(WISHES, HTTP_ACCEPT_LANGUAGE="ar").json()["items"]
    assert item["tour"]["title"] == "Nile ar"
    assert item["saved_at"].endswith("Z")


def test_a_tour_is_taken_off_whether_it_was_there_or_not(tours, own):
    own.put(f"{WISHES}/nile")
    for given in (tours[0].pk, "nile", "siwa"):
        assert own.delete(f"{WISHES}/{given}").status_code == 204
    assert saved(own) == []


def test_what_is_off_sale_is_left_out_until_it_is_back(tours, own, rebuilt):
    own.put(f"{WISHES}/nile")
    own.put(f"{WISHES}/siwa")
    Tour.objects.filter(slug="nile").update(status="INACTIVE")
    rebuilt()
    assert saved(own) == ["Siwa"]
    assert own.put(f"{WISHES}/{tours[0].pk}").status_code == 404
    assert own.delete(f"{WISHES}/unknown").status_code == 404
    Tour.objects.filter(slug="nile").update(status="ACTIVE")
    rebuilt()
    assert saved(own) == ["Nile", "Siwa"]


def test_lists_are_their_owners(tours, own, api, other_tenant):
    own.put(f"{WISHES}/nile")
    assert saved(signed(UserFactory())) == []
    for method, path in (
        *(("get", ""), ("put", "/nile"), ("delete", "/nile"), ("post", "/merge")),
        *(("post", "/share"), ("delete", "/share")),
    ):
        assert getattr(api, method)(f"{WISHES}{path}").status_code == 401
    with tenant_context(other_tenant.pk):
        foreign = OptionFactory().tour
    assert own.put(f"{WISHES}/{foreign.pk}").status_code == 404
    assert own.put(f"{WISHES}/{uuid4()}").status_code == 404
    assert own.post(f"{WISHES}/merge", {"tours": [str(foreign.pk)]}, format="json").json()["skipped"] == [
        str(foreign.pk)
    ]
    with tenant_context(other_tenant.pk):
        assert SavedTour.objects.count() == 0


def test_a_list_is_full_at_some_time(tours, own, monkeypatch):
    monkeypatch.setattr(wishes, "MOST_SAVED", 2)
    assert [own.put(f"{WISHES}/{tour.pk}").status_code for tour in tours] == [201, 201, 422]
    assert own.put(f"{WISHES}/{tours[0].pk}").status_code == 200
    answer = own.post(f"{WISHES}/merge", {"tours": [str(tours[2].pk)]}, format="json")
    assert (answer.status_code, answer.json()["error_code"]) == (422, "wish_list_full")
    assert saved(own) == ["Nile", "Siwa"]


def test_the_list_is_one_statement(tours, own):
    for tour in tours:
        own.put(f"{WISHES}/{tour.pk}")
    own.get("/api/v1/currencies")
    with CaptureQueriesContext(connection) as captured:
        assert saved(own) == ["Nile", "Siwa", "Sinai"]
    assert len(captured) == 1


@pytest.mark.django_db(transaction=True)
def test_saved_twice_at_once_it_is_there_once(tours, person):
    save = partial(wishes.save_tour, tour_id=tours[0].pk, customer_id=person.pk, actor=person)
    merge = partial(wishes.merge_list, tour_ids=[tours[0].pk], customer_id=person.pk, actor=person)
    outcomes = run_together(save, save, merge, merge, save)
    assert [one for one in outcomes if isinstance(one, BaseException)] == []
    assert SavedTour.objects.count() == 1


# --- What a guest had saved ---


def test_a_guests_list_comes_behind_ones_own_in_its_order(tours, own):
    nile, siwa, sinai = (str(tour.pk) for tour in tours)
    own.put(f"{WISHES}/{siwa}")
    unknown = str(uuid4())
    for added in ([sinai, nile], []):
        answer = own.post(f"{WISHES}/merge", {"tours": [sinai, siwa, nile, sinai, unknown]}, format="json")
        assert answer.status_code == 200, answer.content
        known = [siwa] if added else [sinai, siwa, nile]
        assert answer.json() == {"added": added, "known": known, "skipped": [unknown]}
    assert saved(own) == ["Siwa", "Sinai", "Nile"]


@pytest.mark.parametrize(
    "body",
    [{}, {"tours": []}, {"tours": "nile"}, {"tours": ["nile"]}, {"tours": [None]}, {"tours": [str(uuid4())] * 101}, []],
)
def test_a_guests_list_that_makes_no_sense_is_refused(tours, own, body):
    assert own.post(f"{WISHES}/merge", body, format="json").status_code == 400
    assert SavedTour.objects.count() == 0


# --- Sharing ---


def test_who_has_the_link_sees_the_list_and_a_first_name(tours, own, person, api):
    own.put(f"{WISHES}/siwa")
    shared = own.post(f"{WISHES}/share").json()
    assert own.post(f"{WISHES}/share").json() == shared
    own.put(f"{WISHES}/nile")
    body = api.get(f"{WISHES}/shared/{shared['token']}").json()
    assert (body["name"], [item["tour"]["title"] for item in body["items"]]) == ("Mona", ["Siwa", "Nile"])
    assert person.email not in str(body)
    page = api.get("/" + shared["url"].split("/", 3)[3], HTTP_ACCEPT_LANGUAGE="ar").content.decode()
    assert "Siwa ar" in page
    assert "Mona" in page


def test_a_link_ends_with_the_sharing(tours, own, api):
    old = own.post(f"{WISHES}/share").json()["token"]
    assert own.delete(f"{WISHES}/share").status_code == 204
    assert own.delete(f"{WISHES}/share").status_code == 204
    new = own.post(f"{WISHES}/share").json()["token"]
    assert new != old
    assert [api.get(f"{WISHES}/shared/{token}").status_code for token in (old, new)] == [404, 200]
    assert api.get(f"/w/{old}").status_code == 404


def test_forged_and_foreign_links_open_nothing(tours, own, person, api, other_tenant):
    token = own.post(f"{WISHES}/share").json()["token"]
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token + "A", "x", signing.dumps("x"), "a:b", "é:ü"):
        assert api.get(f"{WISHES}/shared/{wrong}").status_code == 404, wrong
        assert api.get(f"/w/{wrong}").status_code == 404, wrong
    assert api.get(f"{WISHES}/shared/{token}", HTTP_X_TENANT=other_tenant.slug).status_code == 404
    assert api.get(f"/w/{token}", HTTP_X_TENANT=other_tenant.slug).status_code == 200  # the link names its operator
    person.is_active = False
    person.save()
    assert api.get(f"{WISHES}/shared/{token}").status_code == 404
    assert SharedList.objects.count() == 1


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
