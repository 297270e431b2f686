"""What is remembered of the public reads, for whom, and what empties it."""

from concurrent.futures import ThreadPoolExecutor
from unittest import mock
from uuid import uuid4

import pytest
from django.db import connections
from django.utils.timezone import now
from django_redis import get_redis_connection
from redis.exceptions import ConnectionError as RedisAway

from config.tenancy import tenant_context
from tours import caching
from tours.services import update_tour
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
        f"{LIST}/{uuid4()}",
        f"{LIST}/{uuid4()}/availability",
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
    with mock.patch("tours.caching.get_redis_connection", side_effect=RedisAway):
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

    versions = [caching.catalogue_version()]
    assert caching.remembered("tours:test:race", versions, slowly) == b"old"
    assert caching.remembered("tours:test:race", versions, lambda: (b"new", 60)) == b"new"
    assert caching.remembered("tours:test:race", versions, lambda: (b"never", 60)) == b"new"


@pytest.mark.django_db(transaction=True)
def test_many_at_once_on_a_cold_key_compute_once(tenant):
    made = []

    def make():
        made.append(1)
        caching.time.sleep(0.2)
        return b"body", 60

    def ask(_number):
        with tenant_context(tenant.pk):
            return caching.remembered("tours:test:cold", [caching.catalogue_version()], make)

    with ThreadPoolExecutor(12) as threads:
        assert set(threads.map(ask, range(12))) == {b"body"}
    connections.close_all()
    assert len(made) == 1


def test_who_waits_for_one_that_fails_computes(tenant):
    versions = [caching.catalogue_version()]

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        caching.remembered("tours:test:fails", versions, fail)
    started = now()
    assert caching.remembered("tours:test:fails", versions, lambda: (b"well", 60)) == b"well"
    assert (now() - started).total_seconds() < 1
