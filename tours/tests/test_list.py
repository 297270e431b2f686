"""The public list: filters, sorting, pages."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from ledger.models import ExchangeRate
from tours.models import OptionPrice, TourImage
from tours.tests.factories import (
    CategoryFactory,
    CurrencyFactory,
    DepartureFactory,
    DestinationFactory,
    OptionFactory,
    TourFactory,
)

LIST = "/api/v1/tours"


def titles(client, **asked):
    answer = client.get(LIST, asked)
    assert answer.status_code == 200, answer.content
    return [item["title"] for item in answer.json()["items"]]


def refused(client, **asked):
    answer = client.get(LIST, asked)
    assert answer.status_code == 400, answer.content
    body = answer.json()
    assert body["error_code"] == "invalid"
    return body["details"]


@pytest.fixture
def three(listed):
    """Luxor, two days, 200; Aswan, four hours, 100; Dubai, one hour, 50."""
    luxor = DestinationFactory(slug="luxor", city_en="Luxor", city_ar="الأقصر", region_en="Upper Egypt", region_ar="")
    aswan = DestinationFactory(slug="aswan", city_en="Aswan", city_ar="أسوان", region_en="Upper Egypt", region_ar="")
    dubai = DestinationFactory(
        slug="dubai", city_en="Dubai", city_ar="دبي", region_en="", region_ar="", country="AE", time_zone="Asia/Dubai"
    )
    return [
        listed(
            title_en="Valley of the Kings",
            title_ar="وادي الملوك",
            destination=luxor,
            kind="PACKAGE",
            duration_minutes=2880,
            difficulty="moderate",
            tags=["history", "walking"],
            rating_average=Decimal("4.50"),
            popularity=3,
            is_featured=True,
            display_order=1,
            max_guests=4,
            prices={"adult": "200"},
        ),
        listed(
            title_en="Felucca on the Nile",
            title_ar="فلوكة على النيل",
            destination=aswan,
            category=CategoryFactory(code="nature"),
            tags=["boat"],
            rating_average=Decimal("3.90"),
            popularity=9,
            display_order=2,
            prices={"adult": "100", "child": "20", "infant": "0"},
        ),
        listed(
            title_en="Dune drive",
            title_ar="قيادة على الكثبان",
            destination=dubai,
            category=CategoryFactory(code="adventure"),
            kind="ACTIVITY",
            duration_minutes=60,
            tags=["history", "boat"],
            display_order=3,
            min_guests=2,
            prices={"adult": "50"},
        ),
    ]


KINGS, NILE, DUNES = "Valley of the Kings", "Felucca on the Nile", "Dune drive"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [KINGS, NILE, DUNES]),
        ({"destination": "luxor"}, [KINGS]),
        ({"destination": "LUXOR"}, [KINGS]),
        ({"destination": "الاقصر"}, [KINGS]),
        ({"destination": "eg"}, [KINGS, NILE]),
        ({"destination": "Egypt"}, [KINGS, NILE]),
        ({"destination": "مصر"}, [KINGS, NILE]),
        ({"destination": "upper egypt"}, [KINGS, NILE]),
        ({"destination": "atlantis"}, []),
        ({"city": "Aswan"}, [NILE]),
        ({"city": "أسوان"}, [NILE]),
        ({"city": "Egypt"}, []),
        ({"kind": "PACKAGE,ACTIVITY"}, [KINGS, DUNES]),
        ({"category": "nature"}, [NILE]),
        ({"category": "nature,adventure"}, [NILE, DUNES]),
        ({"difficulty": "moderate"}, [KINGS]),
        ({"tags": "history"}, [KINGS, DUNES]),
        ({"tags": "boat,history"}, [DUNES]),
        ({"tags": "Boat"}, [NILE, DUNES]),
        ({"min_price": "100"}, [KINGS, NILE]),
        ({"min_price": "100.01"}, [KINGS]),
        ({"max_price": "100"}, [NILE, DUNES]),
        ({"min_price": "60", "max_price": "150"}, [NILE]),
        ({"min_duration": "61"}, [KINGS, NILE]),
        ({"max_duration": "60"}, [DUNES]),
        ({"min_rating": "4"}, [KINGS]),
        ({"min_rating": "3.9"}, [KINGS, NILE]),
        ({"featured": "true"}, [KINGS]),
        ({"featured": "false"}, [NILE, DUNES]),
        ({"sort_by": "price"}, [DUNES, NILE, KINGS]),
        ({"sort_by": "price", "sort_order": "desc"}, [KINGS, NILE, DUNES]),
        ({"sort_by": "title"}, [DUNES, NILE, KINGS]),
        ({"sort_by": "rating"}, [KINGS, NILE, DUNES]),
        ({"sort_by": "rating", "sort_order": "asc"}, [DUNES, NILE, KINGS]),
        ({"sort_by": "popularity"}, [NILE, KINGS, DUNES]),
        ({"sort_by": "duration"}, [DUNES, NILE, KINGS]),
        ({"sort_by": "created_at"}, [DUNES, NILE, KINGS]),
        ({"category": "", "q": " "}, [KINGS, NILE, DUNES]),
        ({"utm_source": "mail"}, [KINGS, NILE, DUNES]),
    ],
)
def test_filters_and_sorting(three, api, asked, found):
    assert titles(api, **asked) == found


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"category": "submarine"}, "category"),
        ({"category": "nature,submarine"}, "category"),
        ({"difficulty": "easyish"}, "difficulty"),
        ({"kind": "tour"}, "kind"),
        ({"min_price": "-1"}, "min_price"),
        ({"min_price": "cheap"}, "min_price"),
        ({"min_price": "NaN"}, "min_price"),
        ({"min_price": "1e40"}, "min_price"),
        ({"min_price": "20", "max_price": "10"}, "max_price"),
        ({"min_duration": "1.5"}, "min_duration"),
        ({"max_duration": "99999999999999999999"}, "max_duration"),
        ({"min_rating": "6"}, "min_rating"),
        ({"date_from": "31-12-2027"}, "date_from"),
        ({"date_from": "2027-02-30"}, "date_from"),
        ({"date_from": "2027-05-02", "date_to": "2027-05-01"}, "date_to"),
        ({"guests": "0"}, "guests"),
        ({"guests": "-2"}, "guests"),
        ({"guests": "2.5"}, "guests"),
        ({"guests": "1000000"}, "guests"),
        ({"featured": "perhaps"}, "featured"),
        ({"sort_by": "colour"}, "sort_by"),
        ({"sort_order": "up"}, "sort_order"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "ZZZ"}, "currency"),
        ({"page": "0"}, "page"),
        ({"page": "99999999999"}, "page"),
        ({"size": "101"}, "size"),
        ({"size": "x"}, "size"),
        ({"q": "x" * 300}, "q"),
        ({"q": "nile\0"}, "q"),
        ({"destination": "a\0b"}, "destination"),
        ({"tags": "a\0b"}, "tags"),
        ({"tags": ",".join("abcdefghijklmnopqrstuvwxyz")}, "tags"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(tenant, api, asked, field):
    if "nature" in asked.get("category", ""):
        CategoryFactory(code="nature")
    assert list(refused(api, **asked)) == [field]


def test_an_unknown_category_beside_one_with_tours_finds_those(three, api):
    assert titles(api, category="nature,submarine") == [NILE]


def test_pages(three, api):
    body = api.get(LIST, {"size": 2, "page": 2}).json()
    assert [item["title"] for item in body.pop("items")] == [DUNES]
    assert body == {"total": 3, "page": 2, "size": 2, "pages": 2}
    body = api.get(LIST, {"size": 2, "page": 7}).json()
    assert body == {"items": [], "total": 3, "page": 7, "size": 2, "pages": 2}


def test_fields_are_selected_within_the_items(three, api):
    body = api.get(LIST, {"size": 1, "fields": "id,title"}).json()
    assert body["total"] == 3
    assert body["items"] == [{"id": str(three[0].pk), "title": KINGS}]


def test_the_answer_is_in_the_language_asked_for(three, api):
    answer = api.get(LIST, {"sort_by": "title"}, HTTP_ACCEPT_LANGUAGE="ar")
    assert [item["title"] for item in answer.json()["items"]] == ["فلوكة على النيل", "قيادة على الكثبان", "وادي الملوك"]
    assert answer.json()["items"][1]["destination"]["country_name"] == "الإمارات العربية المتحدة"
    assert answer["Content-Language"] == "ar"


def test_only_what_is_on_sale_is_listed(listed, rebuilt, api):
    shown = listed(title_en="Shown")
    for status in ("DRAFT", "INACTIVE", "ARCHIVED"):
        listed(title_en=status.title(), status=status)
    listed(title_en="Deleted", deleted_at=now())
    assert titles(api) == ["Shown"]
    shown.status = "INACTIVE"
    shown.save()
    rebuilt()
    assert titles(api) == []


def test_deals_stand_beside_a_higher_price(listed, three, rebuilt, api):
    OptionPrice.objects.filter(option__tour=three[1], category__code="adult").update(original_amount=Decimal("160"))
    rebuilt()
    assert titles(api, deals="true") == [NILE]
    (item,) = api.get(f"{LIST}/deals").json()["items"]
    assert (item["price_from"], item["original_price"], item["discount_percent"]) == ("100.00", "160.00", 38)
    assert titles(api, deals="false") == [KINGS, DUNES]


def test_featured_and_popular_have_addresses_of_their_own(three, api):
    assert [item["title"] for item in api.get(f"{LIST}/featured").json()["items"]] == [KINGS]
    assert [item["title"] for item in api.get(f"{LIST}/popular").json()["items"]] == [NILE, KINGS, DUNES]
    assert [item["title"] for item in api.get(f"{LIST}/popular?kind=ACTIVITY").json()["items"]] == [DUNES]


# --- Dates and guests ---


@pytest.fixture
def option(listed):
    tour = listed(title_en="Night market", max_guests=6)
    return tour.options.get()


def day(ahead):
    return f"{now() + timedelta(days=ahead):%Y-%m-%d}"


def test_dates_find_what_can_be_booked_then(option, listed, api):
    listed(title_en="Never runs")
    departure = DepartureFactory(option=option, starts_at=now() + timedelta(days=10), capacity=5)
    local = departure.local_date
    assert titles(api) == ["Night market", "Never runs"]
    assert titles(api, date_from=local, date_to=local) == ["Night market"]
    assert titles(api, date_from=local) == ["Night market"]
    assert titles(api, date_to=local) == ["Night market"]
    assert titles(api, date_from=local + timedelta(days=1)) == []
    assert titles(api, date_to=local - timedelta(days=1)) == []
    assert titles(api, guests=5) == ["Night market"]
    assert titles(api, date_from=local, guests=6) == []


def test_the_day_is_the_day_there(option, api):
    option.tour.destination.time_zone = "Pacific/Auckland"
    option.tour.destination.save()
    DepartureFactory(option=option, starts_at=datetime(2027, 6, 1, 20, tzinfo=UTC))  # 2 June, 8 in the morning
    assert titles(api, date_from="2027-06-02", date_to="2027-06-02") == ["Night market"]
    assert titles(api, date_from="2027-06-01", date_to="2027-06-01") == []


@pytest.mark.parametrize(
    "spoiled",
    [
        {"status": "CLOSED"},
        {"status": "CANCELLED"},
        {"seats_booked": 4, "seats_held": 4},
        {"cutoff_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"starts_at": datetime(2026, 1, 2, tzinfo=UTC)},
    ],
)
def test_what_cannot_be_booked_is_not_found_by_date(option, api, spoiled):
    DepartureFactory(option=option, **({"capacity": 9} | spoiled))
    assert titles(api, guests=2) == []


def test_one_departure_must_take_all_guests(option, api):
    for hours in (1, 2):
        DepartureFactory(option=option, starts_at=now() + timedelta(days=3, hours=hours), capacity=3)
    assert titles(api, guests=3) == ["Night market"]
    assert titles(api, guests=4) == []


def test_parties_that_the_tour_does_not_take_do_not_find_it(option, api):
    DepartureFactory(option=option, capacity=100)
    assert titles(api, guests=6) == ["Night market"]
    assert titles(api, guests=7) == []


# --- Several currencies ---


@pytest.fixture
def in_pounds(listed, three):
    CurrencyFactory(code="EGP")
    ExchangeRate.objects.create(base_id="USD", quote_id="EGP", rate=Decimal("50"), valid_from="2026-01-01")
    return listed(title_en="Koshary walk", currency=CurrencyFactory(code="EGP"), prices={"adult": "4500"})


def test_prices_in_several_currencies_compare(in_pounds, api):
    assert titles(api, sort_by="price") == [DUNES, "Koshary walk", NILE, KINGS]
    assert titles(api, min_price="90", max_price="100") == ["Koshary walk", NILE]
    assert titles(api, min_price="4600", max_price="6000", currency="EGP") == [NILE]


def test_prices_are_shown_in_the_currency_asked_for(in_pounds, api):
    items = {item["title"]: item for item in api.get(LIST, {"currency": "egp"}).json()["items"]}
    assert (items[NILE]["price_from"], items[NILE]["currency"], items[NILE]["sold_in"]) == ("5000.00", "EGP", "USD")
    assert (items["Koshary walk"]["price_from"], items["Koshary walk"]["currency"]) == ("4500.00", "EGP")
    answer = api.get(LIST, {"currency": "JPY"})
    assert (answer.status_code, answer.json()["error_code"]) == (422, "no_exchange_rate")


def test_a_tour_without_a_rate_is_listed_last(listed, three, api):
    listed(title_en="In yen", currency=CurrencyFactory(code="JPY"), prices={"adult": "9000"})
    assert titles(api, sort_by="price") == [DUNES, NILE, KINGS, "In yen"]
    assert titles(api, sort_by="price", sort_order="desc") == [KINGS, NILE, DUNES, "In yen"]
    assert api.get(LIST, {"q": "yen"}).json()["items"][0]["price_from"] == "9000"


def test_another_operators_tours_are_not_listed(three, other_tenant, api):
    assert api.get(LIST, HTTP_X_TENANT=other_tenant.slug).json()["total"] == 0
    assert api.get(f"{LIST}?q=nile", HTTP_X_TENANT=other_tenant.slug).json()["total"] == 0
    assert api.get("/api/v1/destinations", HTTP_X_TENANT=other_tenant.slug).json()["total"] == 0


def test_the_card_has_the_cover(listed, rebuilt, api):
    tour = listed()
    for name, is_cover in (("second.jpg", False), ("cover.jpg", True)):
        TourImage.objects.create(tour=tour, file=f"tours/{name}", width=8, height=6, is_cover=is_cover, alt_en="Sphinx")
    rebuilt()
    (item,) = api.get(LIST).json()["items"]
    assert (item["image"]["url"], item["image"]["alt"]) == ("/media/tours/cover.jpg", "Sphinx")


def test_places_and_categories_count_their_tours(three, api):
    DestinationFactory()
    places = {item["slug"]: item for item in api.get("/api/v1/destinations").json()["items"]}
    assert {slug: item["tours"] for slug, item in places.items()} == {"luxor": 1, "aswan": 1, "dubai": 1, "giza": 0}
    kinds = api.get("/api/v1/categories", HTTP_ACCEPT_LANGUAGE="ar").json()
    assert {item["code"]: item["tours"] for item in kinds["items"]} == {"cultural": 1, "nature": 1, "adventure": 1}
    assert kinds["items"][0]["name"] == "ثقافية"


# --- The plain twin: the same questions asked of the tours in Python ---


def test_the_statement_finds_what_plain_python_finds(three, option, api):
    DepartureFactory(option=option, capacity=3)
    DepartureFactory(option=OptionFactory(tour=three[1], code="private"), capacity=1)
    TourFactory(status="DRAFT")
    tours = [*three, option.tour]
    prices = {KINGS: 200, NILE: 100, DUNES: 50, "Night market": 100}
    for most in (49, 50, 100, 199, 500):
        for tag in (None, "history", "boat"):
            for guests in (None, 1, 2, 3, 4):
                expected = {
                    tour.title_en
                    for tour in tours
                    if prices[tour.title_en] <= most
                    and (tag is None or tag in tour.tags)
                    and (
                        guests is None
                        or (
                            tour.min_guests <= guests <= tour.max_guests
                            and any(d.is_bookable and d.seats_left >= guests for d in tour.departures.all())
                        )
                    )
                }
                asked = {"max_price": most, "tags": tag, "guests": guests}
                found = titles(api, **{name: value for name, value in asked.items() if value is not None})
                assert set(found) == expected, asked
