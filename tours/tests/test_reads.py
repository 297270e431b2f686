"""The page of a tour; what is remembered, for whom, until when; and what that costs."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from unittest import mock
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.utils.timezone import now
from django_redis import get_redis_connection
from redis.exceptions import ConnectionError as RedisAway

from config.tenancy import tenant_context
from ledger.models import ExchangeRate
from notifications.outbox import announce
from tours import caching
from tours.invariants import published_facts_are_the_tours as proof
from tours.models import ItineraryDay, PublishedTour, Tour, TourImage
from tours.serializers import reading as shapes
from tours.services import count_bookings, update_tour
from tours.services.references import reference_changed
from tours.tests.factories import (
    CancellationPolicyFactory,
    CurrencyFactory,
    DepartureFactory,
    ExtraFactory,
    OptionFactory,
    TaxRateFactory,
)

LIST = "/api/v1/tours"
COLD = [LIST, f"{LIST}?q=felucca", f"{LIST}?guests=1", f"{LIST}/{{id}}", f"{LIST}/{{id}}/availability"]


@pytest.fixture
def tour(listed):
    """Everything a page can show."""
    tour = listed(
        slug="felucca",
        title_en="Felucca at sunset",
        title_ar="فلوكة عند الغروب",
        cancellation_policy=CancellationPolicyFactory(
            name_en="Moderate", name_ar="متوسطة", tiers=[(168, 100), (72, Decimal("50")), (1, Decimal("12.50"))]
        ),
        tax=TaxRateFactory(),
        tags=["boat"],
        rating_average=Decimal("4.65"),
        rating_count=12,
        seo_title_en="Sail in Aswan",
    )
    ExtraFactory(tour=tour)
    ExtraFactory(tour=tour, code="gone", is_active=False)
    for day in (2, 1):
        ItineraryDay.objects.create(
            tour=tour, day=day, title_en=f"Day {day}", title_ar=f"اليوم {day}", activities_en=["Sail"], lunch=True
        )
    TourImage.objects.create(tour=tour, file="tours/nile.jpg", width=800, height=600, is_cover=True, alt_ar="النيل")
    OptionFactory(tour=tour, code="private", display_order=2, prices={"adult": "250"})
    return tour


@pytest.fixture
def page(tour, rebuilt):
    rebuilt()
    return f"{LIST}/{tour.pk}"


def test_the_page_shows_everything(tour, page, api):
    departure = DepartureFactory(option=tour.options.get(code="standard"), capacity=7, seats_booked=3)
    DepartureFactory(option=tour.options.get(code="private"), starts_at=departure.ends_at)
    body = api.get(page).json()
    assert set(body) == set(shapes.TourDocumentSerializer().fields) - {"sold_in", "translations"}
    assert (body["title"], body["slug"], body["rating"], body["rating_count"]) == (tour.title_en, "felucca", 4.65, 12)
    assert (body["price_from"], body["currency"], body["original_price"]) == ("100.00", "USD", None)
    assert [(option["code"], len(option["prices"])) for option in body["options"]] == [("standard", 3), ("private", 1)]
    assert body["options"][0]["prices"][1] == {
        "category": "child",
        "name": "Child",
        "min_age": None,
        "max_age": None,
        "seats": 1,
        "amount": "50.00",
        "original_amount": None,
    }
    assert [(extra["code"], extra["amount"]) for extra in body["extras"]] == [("lunch", "15.00")]
    assert [(day["day"], day["title"], day["lunch"]) for day in body["itinerary"]] == [
        (1, "Day 1", True),
        (2, "Day 2", True),
    ]
    assert body["tax"] == {"code": "vat-eg", "name": "VAT", "percent": "14", "inclusive": True}
    assert body["images"][0]["url"] == "/media/tours/nile.jpg"
    assert body["images"][0]["alt"] == "النيل"  # no English text: the other language rather than none
    assert (body["destination"]["latitude"], body["destination"]["time_zone"]) == (29.97735, "Africa/Cairo")
    assert body["seo"] == {"title": "Sail in Aswan", "description": tour.summary_en}
    assert body["next_departure"] == {
        "id": str(departure.pk),
        "starts_at": f"{departure.starts_at:%Y-%m-%dT%H:%M:%SZ}",
        "date": str(departure.local_date),
        "time": f"{departure.local_start():%H:%M}",
        "available": 4,
    }


def test_the_policy_is_said_in_words(page, api):
    policy = api.get(page).json()["cancellation_policy"]
    assert policy["in_words"] == [
        "Cancelled 7 days or more before the start: 100 % comes back.",
        "Cancelled 3 days or more before the start: 50 % comes back.",
        "Cancelled 1 hour or more before the start: 12.5 % comes back.",
        "Cancelled later: nothing comes back.",
    ]
    assert policy["tiers"][2] == {"hours_before": 1, "refund_percent": "12.50"}


@pytest.mark.parametrize(
    ("tiers", "words"),
    [
        ([], ["Nothing comes back after booking."]),
        ([(24, 0)], ["Nothing comes back after booking."]),
        ([(0, 100)], ["Cancelled 0 hours or more before the start: 100 % comes back."]),
    ],
)
def test_the_ends_of_policies(listed, api, tiers, words):
    tour = listed(cancellation_policy=CancellationPolicyFactory(tiers=tiers))
    assert api.get(f"{LIST}/{tour.pk}").json()["cancellation_policy"]["in_words"] == words


def test_both_languages_on_request(tour, page, api):
    arabic = api.get(page, HTTP_ACCEPT_LANGUAGE="ar").json()
    assert (arabic["title"], arabic["options"][0]["name"]) == ("فلوكة عند الغروب", "جولة مشتركة")
    assert arabic["itinerary"][0]["activities"] == ["Sail"]
    body = api.get(page, {"translations": "true"}).json()
    assert body["title"] == tour.title_en
    assert body["translations"]["ar"]["title"] == tour.title_ar
    assert body["translations"]["en"]["title"] == tour.title_en
    assert body["translations"]["ar"]["cancellation_policy"]["name"] == "متوسطة"
    assert api.get(page, {"translations": "maybe"}).status_code == 400


def test_another_currency_converts_every_amount(tour, page, api):
    CurrencyFactory(code="EGP")
    ExchangeRate.objects.create(base_id="USD", quote_id="EGP", rate=Decimal("48.123"), valid_from="2026-01-01")
    body = api.get(page, {"currency": "EGP"}).json()
    assert (body["price_from"], body["currency"], body["sold_in"]) == ("4812.30", "EGP", "USD")
    assert body["options"][0]["prices"][1]["amount"] == "2406.15"
    assert body["extras"][0]["amount"] == "721.85"  # 721.845: half up
    assert api.get(page).json()["price_from"] == "100.00"


@pytest.mark.parametrize(
    "given",
    [
        *(str(uuid4()), "no-such-tour", "x" * 300, "felucca%00", "felucca'", "..", "%F0%9F%98%80", "0" * 36, "None"),
        "6f1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e",
    ],
)
@pytest.mark.parametrize("rest", ["", "/availability", "/calendar"])
def test_what_does_not_exist_is_not_found(tour, page, api, given, rest):
    answer = api.get(f"{LIST}/{given}{rest}")
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_slug_and_id_lead_to_the_same_page(tour, page, api):
    assert (
        api.get(f"{LIST}/felucca").content == api.get(page).content == api.get(f"{LIST}/{str(tour.pk).upper()}").content
    )


def test_another_operators_tour_is_not_found(tour, page, other_tenant, api):
    for rest in ("", "/availability", "/calendar"):
        assert api.get(f"{page}{rest}", HTTP_X_TENANT="other").status_code == 404
        assert api.get(f"{LIST}/felucca{rest}", HTTP_X_TENANT="other").status_code == 404
    assert api.get(page).status_code == 200


# --- What it costs ---


@pytest.mark.parametrize(
    ("path", "statements"),
    [
        (LIST, 1),
        (f"{LIST}?size=100&sort_by=price", 1),
        (f"{LIST}?q=felucca", 1),
        (f"{LIST}?q=feluca", 1),
        (f"{LIST}?guests=2&date_from=2026-12-01", 1),
        (f"{LIST}/featured", 1),
        (f"{LIST}/autocomplete?q=fel", 2),
        (f"{LIST}/{{id}}", 1),
        (f"{LIST}/felucca", 2),
        (f"{LIST}/{{id}}?translations=true", 2),
        (f"{LIST}/{{id}}/availability", 1),
        (f"{LIST}/felucca/availability", 2),
        (f"{LIST}/{{id}}/calendar", 1),
        ("/api/v1/categories", 2),
        ("/api/v1/destinations", 2),
    ],
)
def test_statements(tour, page, api, django_assert_num_queries, path, statements):
    DepartureFactory(option=tour.options.get(code="standard"))
    path = path.format(id=tour.pk)
    api.get("/health/live")  # whose tenant it is has been found by now
    api.get(f"{LIST}/autocomplete?q=zz")
    with django_assert_num_queries(statements):
        cold = api.get(path)
    assert cold.status_code == 200
    remembered = b'"items":[]' not in cold.content
    with django_assert_num_queries(0 if remembered else statements):
        warm = api.get(path)
    assert warm.content == cold.content
    with django_assert_num_queries(0 if remembered else statements):
        unchanged = api.get(path, HTTP_IF_NONE_MATCH=cold["ETag"])
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_an_unchanged_answer_keeps_its_headers(page, api):
    first = api.get(page)
    for known in (first["ETag"], f'"other", W/{first["ETag"]}', "*"):
        again = api.get(page, HTTP_IF_NONE_MATCH=known)
        assert again.status_code == 304
        assert (again["ETag"], again["Cache-Control"]) == (first["ETag"], "public, max-age=0, must-revalidate")
        assert {"Accept-Language", "X-Tenant"} <= {name.strip() for name in again["Vary"].split(",")}
    assert api.get(page, HTTP_IF_NONE_MATCH='"other"').status_code == 200


def test_tags_differ_by_language_currency_and_fields(page, api):
    tags = {
        api.get(page)["ETag"],
        api.get(page, HTTP_ACCEPT_LANGUAGE="ar")["ETag"],
        api.get(page, {"currency": "USD"})["ETag"],
        api.get(page, {"fields": "title"})["ETag"],
    }
    assert len(tags) >= 3
    assert api.get(page, {"fields": "title"}).json() == {"title": "Felucca at sunset"}


# --- What is remembered, and what empties it ---


@pytest.mark.django_db(transaction=True)
def test_a_change_by_staff_shows_at_once(tour, page, api):
    before = [api.get(path).content for path in (LIST, page, f"{LIST}?q=felucca")]
    update_tour(tour_id=tour.pk, data={"title_en": "Felucca at dawn"}, actor=None)
    after = [api.get(path) for path in (LIST, page, f"{LIST}?q=dawn")]
    assert [answer.status_code for answer in after] == [200, 200, 200]
    assert after[0].json()["items"][0]["title"] == after[1].json()["title"] == "Felucca at dawn"
    assert after[2].json()["total"] == 1
    assert api.get(page, HTTP_IF_NONE_MATCH=after[1]["ETag"]).status_code == 304
    assert before[0] != after[0].content


@pytest.mark.django_db(transaction=True)
def test_a_tour_off_sale_is_gone_at_once(tour, page, api):
    assert api.get(page).status_code == 200
    update_tour(tour_id=tour.pk, data={"status": "INACTIVE"}, actor=None)
    assert api.get(page).status_code == 404
    assert api.get(f"{LIST}/felucca").status_code == 404
    assert api.get(LIST).json()["total"] == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("row", "change", "shown"),
    [
        ("destination", {"city_en": "Edfu"}, lambda page: page["destination"]["city"] == "Edfu"),
        ("category", {"name_en": "Sailing"}, lambda page: page["category"]["name"] == "Sailing"),
        ("cancellation_policy", {"name_en": "Strict"}, lambda page: page["cancellation_policy"]["name"] == "Strict"),
        ("tax", {"percent": Decimal("15.5")}, lambda page: page["tax"]["percent"] == "15.5"),
        ("price", {"name_en": "Grown-up"}, lambda page: page["options"][0]["prices"][0]["name"] == "Grown-up"),
    ],
)
def test_a_change_of_what_many_tours_show_is_shown_by_them(tour, page, api, row, change, shown):
    assert not shown(api.get(page).json())
    changed = tour.options.get(code="standard").prices.first().category if row == "price" else getattr(tour, row)
    with transaction.atomic():
        type(changed).objects.filter(pk=changed.pk).update(**change)
        reference_changed(changed)
    assert shown(api.get(page).json())
    assert list(proof()) == []


@pytest.mark.django_db(transaction=True)
def test_a_new_rate_compares_prices_anew(tour, listed, api):
    pounds = listed(title_en="In pounds", currency=CurrencyFactory(code="EGP"), prices={"adult": "3000"})
    assert PublishedTour.objects.get(pk=pounds.pk).compare_minor is None
    with transaction.atomic():
        announce(
            "rate.changed", ExchangeRate.objects.create(base_id="USD", quote_id="EGP", rate=50, valid_from="2026-01-01")
        )
    assert PublishedTour.objects.get(pk=pounds.pk).compare_minor == 6000


def test_bookings_counted_leave_the_facts_right(tour, page):
    count_bookings(tour_ids=[tour.pk, tour.pk], step=1)
    assert Tour.objects.get(pk=tour.pk).bookings_count == 1
    assert PublishedTour.objects.get(pk=tour.pk).popularity == 1
    assert list(proof()) == []


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
def test_without_redis_the_database_answers(tour, page, api, path):
    DepartureFactory(option=tour.options.get(code="standard"))
    path = path.format(id=tour.pk)
    expected = api.get(path).content
    with mock.patch("tours.caching.get_redis_connection", side_effect=RedisAway):
        assert api.get(path).content == expected
        caching.seats_changed(tour.pk)  # no harm
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


# --- The facts are the tours ---


CORRUPTIONS = {
    "title in the card": {"card_en": '{"title": "Free!"}'},
    "price": {"compare_minor": 1},
    "vector": {"vector": None},
    "words": {"words": "free"},
    "guests": {"max_guests": 500},
    "tenant's slug": {"slug": "other"},
}


@pytest.mark.parametrize("what", CORRUPTIONS)
def test_a_corrupted_fact_is_named(tour, page, what):
    assert list(proof()) == []
    PublishedTour.objects.filter(pk=tour.pk).update(**CORRUPTIONS[what])
    (fault,) = proof()
    assert str(tour.pk) in fault
    assert next(iter(CORRUPTIONS[what])) in fault


def test_a_row_too_many_or_too_few_is_named(tour, page, rebuilt):
    PublishedTour.objects.filter(pk=tour.pk).delete()
    assert list(proof()) == [f"tour {tour.pk} is public, but not listed"]
    assert rebuilt() == 1
    assert list(proof()) == []
    Tour.objects.filter(pk=tour.pk).update(status="DRAFT")
    assert list(proof()) == [f"tour {tour.pk} is listed, but not public"]
    assert rebuilt() == 0
    assert list(proof()) == []


def test_the_command_rebuilds_every_operators_catalogue(tour, page, capsys):
    PublishedTour.objects.update(words="")
    call_command("rebuild_catalogue")
    assert "default: 1 tours listed" in capsys.readouterr().out
    assert PublishedTour.objects.get().words != ""
