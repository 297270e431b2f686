"""What is remembered of the public reads, for whom, and what empties it."""

from concurrent.futures import ThreadPoolExecutor
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.db import connections
from django.utils.timezone import now
from django_redis import get_redis_connection
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import RedisError

from accounts.authentication import issue_tokens
from accounts.tests.factories import UserFactory
from config import trips
from config.celery import app
from config.tenancy import tenant_context
from config.trips import trip
from tours import caching
from tours.services import change_departure, close_departures, update_tour, upsert_departures
from tours.tests.factories import (
    DepartureFactory,
)

LIST = "/api/v1/tours"
COLD = [LIST, f"{LIST}?q=felucca", f"{LIST}?guests=1", f"{LIST}/{{id}}", f"{LIST}/{{id}}/availability"]


@pytest.mark.django_db(transaction=True)
def test_a_change_by_staff_shows_at_once(full_tour, page, api):
    before = [api.get(path).content for path in (LIST, page, f"{LIST}?q=felucca")]
    update_tour(tour_id=full_tour.pk, data={"title_en": "Felucca at dawn"}, actor=None)
    after = [api.get(path) for path in (LIST, page, f"{LIST}?q=dawn")]
    assert [answer.status_code for answer in after] == [200, 200, 200]
    assert after[0].json()["items"][0]["title"] == after[1].json()["title"] == "Felucca at dawn"
    assert after[2].json()["total"] == 1
    assert api.get(page, HTTP_IF_NONE_MATCH=after[1]["ETag"]).status_code == 304
    assert before[0] != after[0].content


@pytest.mark.django_db(transaction=True)
def test_a_tour_off_sale_is_gone_at_once(full_tour, page, api):
    assert api.get(page).status_code == 200
    update_tour(tour_id=full_tour.pk, data={"status": "INACTIVE"}, actor=None)
    assert api.get(page).status_code == 404
    assert api.get(f"{LIST}/felucca").status_code == 404
    assert api.get(LIST).json()["total"] == 0


@pytest.mark.django_db(transaction=True)
def test_places_that_staff_change_show_at_once_without_a_worker(full_tour, page, api):
    app.conf.task_always_eager = False
    departure = DepartureFactory(option=full_tour.options.get(code="standard"), capacity=10)
    path = f"{LIST}/{full_tour.pk}/availability"

    def seen():
        return [(row["capacity"], row["status"]) for row in api.get(path).json()["items"]]

    assert seen() == [(10, "OPEN")]
    change_departure(departure_id=departure.pk, data={"capacity": 7}, actor=None)
    assert seen() == [(7, "OPEN")]
    close_departures(departure_ids=[departure.pk], actor=None, reason="storm")
    assert seen() == [(7, "CLOSED")]
    local = departure.starts_at.astimezone(ZoneInfo(full_tour.destination.time_zone))
    row = {"date": local.date(), "time": local.time(), "option": "standard", "capacity": 5}
    upsert_departures(tour_id=full_tour.pk, rows=[row], actor=None)
    assert seen() == [(5, "CLOSED")]


def stored_keys():
    """The bodies that are remembered: no versions, no locks."""
    others = (b"tours:catalogue:", b"tours:seats:")
    return [key for key in get_redis_connection("default").keys("tours:*") if not key.startswith(others)]


@pytest.mark.parametrize(
    "path",
    [
        f"{LIST}?q=zzzzzz",
        f"{LIST}?page=9",
        f"{LIST}?category=unknown",
        f"{LIST}?min_price=x",
        f"{LIST}?max_price=1",
        f"{LIST}/no-such-tour",
        f"{LIST}/0199ffff-0000-7000-8000-000000000000",
        f"{LIST}/0199ffff-0000-7000-8000-000000000000/availability",
        f"{LIST}/autocomplete?q=zzzz",
        "/api/v1/categories?page=9",
    ],
)
def test_what_finds_nothing_is_not_remembered(page, api, path):
    api.get(path)
    assert stored_keys() == []


def test_spellings_of_one_question_share_an_entry(page, api):
    for query in (
        "q=felucca&size=20",
        "size=20&q=Felucca",
        "q=%20FELUCCA%20!&page=1&utm=x",
        "q=felucca&category=",
        "q=felucca&fields=id",
        "nonsense=1&q=felucca",
    ):
        assert api.get(f"{LIST}?{query}").json()["total"] == 1
    assert len(stored_keys()) == 1
    api.get(f"{LIST}?tags=boat,sea"), api.get(f"{LIST}?tags=sea&tags=boat")
    api.get(f"{LIST}?min_price=1.0"), api.get(f"{LIST}?min_price=1.00")
    assert len(stored_keys()) == 2


def test_languages_and_tenants_do_not_share(page, api, other_tenant):
    with tenant_context(other_tenant.pk):
        theirs = caching.key_of("list", "en")
    assert caching.key_of("list", "en") != theirs
    api.get(LIST)
    api.get(LIST, HTTP_ACCEPT_LANGUAGE="ar")
    assert len(stored_keys()) == 2


@pytest.mark.parametrize("path", COLD)
def test_without_redis_the_database_answers(full_tour, page, api, path):
    DepartureFactory(option=full_tour.options.get(code="standard"))
    path = path.format(id=full_tour.pk)
    expected = api.get(path).content
    with (
        mock.patch("config.trips._ask", side_effect=RedisAway),
        mock.patch("tours.caching.get_redis_connection", side_effect=RedisAway),
    ):
        assert api.get(path).content == expected
        caching.seats_changed(full_tour.pk)  # no harm
        caching.catalogue_changed()


def test_redis_that_goes_away_in_between_does_no_harm(page, api):
    with (
        mock.patch("tours.caching._keep", side_effect=caching._keep),
        mock.patch("redis.client.Pipeline.execute", side_effect=RedisAway),
    ):
        assert api.get(LIST).json()["total"] == 1


def test_a_read_begun_before_a_change_is_not_used_after_it(tenant):
    made = []

    def slowly():
        made.append(1)
        caching.catalogue_changed()  # somebody changes something while this is computed
        return b"old", 60

    place = caching.Place("tours:test:race", [caching.catalogue_version()])
    assert caching.remembered(place, slowly) == b"old"
    assert caching.remembered(place, lambda: (b"new", 60)) == b"new"
    assert caching.remembered(place, lambda: (b"never", 60)) == b"new"


@pytest.mark.django_db(transaction=True)
def test_many_at_once_on_a_cold_key_compute_once(tenant):
    made = []

    def make():
        made.append(1)
        caching.time.sleep(0.2)
        return b"body", 60

    def ask(_number):
        with tenant_context(tenant.pk):
            return caching.remembered(caching.Place("tours:test:cold", [caching.catalogue_version()]), make)

    with ThreadPoolExecutor(12) as threads:
        assert set(threads.map(ask, range(12))) == {b"body"}
    connections.close_all()
    assert len(made) == 1


def test_who_waits_for_one_that_fails_computes(tenant):
    place = caching.Place("tours:test:fails", [caching.catalogue_version()])

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        caching.remembered(place, fail)
    started = now()
    assert caching.remembered(place, lambda: (b"well", 60)) == b"well"
    assert (now() - started).total_seconds() < 1


@pytest.mark.parametrize("path", [LIST, f"{LIST}/{{id}}", f"{LIST}/{{id}}/availability"])
@pytest.mark.parametrize("known", [True, False])
def test_a_remembered_answer_comes_with_the_trip_that_counts_the_call(full_tour, api, path, known, monkeypatch):
    if known:
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(UserFactory(password='!'))['access_token']}")
    path = path.format(id=full_tour.pk)
    first = api.get(path)
    api.get(path)
    sent = []
    pool = get_redis_connection("default").connection_pool
    send = pool.connection_class.send_packed_command
    monkeypatch.setattr(pool.connection_class, "send_packed_command", lambda *a, **k: sent.append(1) or send(*a, **k))
    again = api.get(path)
    assert (again.status_code, again.content, len(sent)) == (200, first.content, 1)


def test_a_trip_begins_anew_where_redis_did(tenant):
    trip(("SET", "tours:test:trip", "1"))
    trips._own.line._sock.close()  # as when it was restarted
    assert trip(("GET", "tours:test:trip"), ("INCR", "tours:test:trip")) == [b"1", 2]


def test_answers_of_a_trip_that_failed_are_not_taken_for_those_of_the_next(tenant):
    trip(("SET", "tours:test:trip", "text"), ("SET", "tours:test:other", "1"))
    with pytest.raises(RedisError):
        trip(("INCR", "tours:test:trip"), ("GET", "tours:test:other"))
    assert trip(("GET", "tours:test:trip")) == [b"text"]
