"""Wish lists: kept, merged, shared."""

from functools import partial
from uuid import uuid4

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import UserFactory
from config.tenancy import tenant_context
from config.testing import run_together
from tours.models import SavedTour, SharedList, Tour
from tours.services import wishes
from tours.tests.conftest import signed
from tours.tests.factories import OptionFactory

WISHES = "/api/v1/wishlist"


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
