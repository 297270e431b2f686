"""The page of a tour, and what the public reads cost."""

from decimal import Decimal

import pytest

from ledger.models import ExchangeRate
from tours.serializers import reading as shapes
from tours.tests.factories import (
    CancellationPolicyFactory,
    CurrencyFactory,
    DepartureFactory,
    OptionFactory,
)

LIST = "/api/v1/tours"


def test_the_page_shows_everything(full_tour, page, api):
    departure = DepartureFactory(option=full_tour.options.get(code="standard"), capacity=7, seats_booked=3)
    DepartureFactory(option=full_tour.options.get(code="private"), starts_at=departure.ends_at)
    body = api.get(page).json()
    assert set(body) == set(shapes.TourDocumentSerializer().fields) - {"sold_in", "translations"}
    assert (body["title"], body["slug"], body["rating"], body["rating_count"]) == (
        full_tour.title_en,
        "felucca",
        4.65,
        12,
    )
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
    assert body["seo"] == {"title": "Sail in Aswan", "description": full_tour.summary_en}
    assert body["next_departure"] == {
        "id": str(departure.pk),
        "starts_at": f"{departure.starts_at:%Y-%m-%dT%H:%M:%SZ}",
        "date": str(departure.local_date),
        "time": f"{departure.local_start():%H:%M}",
        "opening_hours": None,
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


def test_by_opening_hours_the_policy_counts_from_closing(listed, api, rebuilt):
    """Only where all options are so: a tour that also starts at a time says what holds for both."""
    tour = listed(cancellation_policy=CancellationPolicyFactory(tiers=[(24, 100)]))
    tour.options.update(by_opening_hours=True)
    rebuilt()
    words = "Cancelled 24 hours or more before closing: 100 % comes back."
    assert api.get(f"{LIST}/{tour.pk}").json()["cancellation_policy"]["in_words"][0] == words
    OptionFactory(tour=tour, code="guided")
    rebuilt()
    words = "Cancelled 24 hours or more before the start: 100 % comes back."
    assert api.get(f"{LIST}/{tour.pk}").json()["cancellation_policy"]["in_words"][0] == words


def test_both_languages_on_request(full_tour, page, api):
    arabic = api.get(page, HTTP_ACCEPT_LANGUAGE="ar").json()
    assert (arabic["title"], arabic["options"][0]["name"]) == ("فلوكة عند الغروب", "جولة مشتركة")
    assert arabic["itinerary"][0]["activities"] == ["Sail"]
    body = api.get(page, {"translations": "true"}).json()
    assert body["title"] == full_tour.title_en
    assert body["translations"]["ar"]["title"] == full_tour.title_ar
    assert body["translations"]["en"]["title"] == full_tour.title_en
    assert body["translations"]["ar"]["cancellation_policy"]["name"] == "متوسطة"
    assert api.get(page, {"translations": "maybe"}).status_code == 400


def test_another_currency_converts_every_amount(full_tour, page, api):
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
        "0199ffff-0000-7000-8000-000000000000",
        "no-such-tour",
        "x" * 300,
        "felucca%00",
        "felucca'",
        "..",
        "%F0%9F%98%80",
        "0" * 36,
        "None",
        "6f1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e",
    ],
)
@pytest.mark.parametrize("rest", ["", "/availability", "/calendar"])
def test_what_does_not_exist_is_not_found(full_tour, page, api, given, rest):
    answer = api.get(f"{LIST}/{given}{rest}")
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_slug_and_id_lead_to_the_same_page(full_tour, page, api):
    assert (
        api.get(f"{LIST}/felucca").content
        == api.get(page).content
        == api.get(f"{LIST}/{str(full_tour.pk).upper()}").content
    )


def test_another_operators_tour_is_not_found(full_tour, page, other_tenant, api):
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
def test_statements(full_tour, page, api, django_assert_num_queries, path, statements):
    DepartureFactory(option=full_tour.options.get(code="standard"))
    path = path.format(id=full_tour.pk)
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
