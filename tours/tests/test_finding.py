"""Facets, distance, and tours like another one."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from config.tenancy import tenant_context
from ledger.models import ExchangeRate
from tours.models import PublishedTour
from tours.published import publish_facts
from tours.selectors.facets import merged
from tours.selectors.listing import tour_page
from tours.tests.factories import (
    CategoryFactory,
    CurrencyFactory,
    DepartureFactory,
    DestinationFactory,
    OptionFactory,
    TourFactory,
)

LIST = "/api/v1/tours"
GIZA, LUXOR, ASWAN, DUBAI = "Giza", "Luxor", "Aswan", "Dubai"
PLACES = {  # latitude, longitude, country
    GIZA: ("29.97735", "31.13250", "EG"),
    LUXOR: ("25.68725", "32.63965", "EG"),
    ASWAN: ("24.08894", "32.89983", "EG"),
    DUBAI: ("25.20485", "55.27078", "AE"),
    "Suva": ("-18.14161", "178.44149", "FJ"),
    "Apia": ("-13.83333", "-171.76666", "WS"),
    "Alert": ("82.50180", "-62.34810", "CA"),
}


def place(city):
    latitude, longitude, country = PLACES[city]
    return DestinationFactory(
        slug=city.lower(), city_en=city, city_ar=city, region_en="", region_ar="", country=country,
        latitude=Decimal(latitude), longitude=Decimal(longitude),
    )  # fmt: skip


def asked(client, **what):
    answer = client.get(LIST, {name: value for name, value in what.items() if value is not None})
    assert answer.status_code == 200, answer.content
    return answer.json()


def titles(client, **what):
    return [item["title"] for item in asked(client, **what)["items"]]


def counts(client, **what):
    """The facets as `{facet: {value: count}}`, those that find nothing left out; bands by where they begin."""
    shown = asked(client, facets="true", **what)["facets"]
    return {
        facet: {str(one.get("value", one.get("min"))): one["count"] for one in values if one["count"]}
        for facet, values in shown.items()
    }


@pytest.fixture
def four(listed):
    """Two in Luxor, one in Aswan, one in Dubai, no two alike."""
    luxor, culture, nature = place(LUXOR), CategoryFactory(code="cultural"), CategoryFactory(code="nature")
    rows = [
        ("Kings", luxor, culture, "PACKAGE", 2880, "moderate", ["history", "walking"], "4.50", "200"),
        ("Balloon", luxor, nature, "TOUR", 60, "easy", ["air"], "4.20", "149.99"),
        ("Felucca", place(ASWAN), nature, "TOUR", 240, "easy", ["boat", "history"], "3.90", "20"),
        ("Dunes", place(DUBAI), nature, "ACTIVITY", 60, "extreme", ["air", "history"], "0", "1200"),
    ]
    return {
        title: listed(
            title_en=title, title_ar=f"{title} ar", destination=where, category=category, kind=kind, tags=tags,
            duration_minutes=minutes, difficulty=difficulty, rating_average=Decimal(rating), display_order=number,
            prices={"adult": price},
        )
        for number, (title, where, category, kind, minutes, difficulty, tags, rating, price) in enumerate(rows)
    }  # fmt: skip


# --- Facets ---


def test_facets_count_everything_where_nothing_is_asked(four, api):
    assert counts(api) == {
        "destination": {"luxor": 2, "aswan": 1, "dubai": 1},
        "kind": {"TOUR": 2, "PACKAGE": 1, "ACTIVITY": 1},
        "category": {"nature": 3, "cultural": 1},
        "difficulty": {"easy": 2, "moderate": 1, "extreme": 1},
        "tags": {"history": 3, "air": 2, "boat": 1, "walking": 1},
        "price": {"20.00": 1, "100.00": 1, "200.00": 1, "1000.00": 1},
        "duration": {"0": 2, "240": 1, "1440": 1},
        "rating": {"4.5": 1, "4.0": 2, "3.5": 3, "3.0": 3},
    }


def test_a_facet_counts_under_all_filters_but_its_own(four, api):
    found = counts(api, category="nature", max_price="500")
    assert found["category"] == {"nature": 2, "cultural": 1}  # under the price, whatever the category
    assert found["price"] == {"20.00": 1, "100.00": 1, "1000.00": 1}  # of the category, whatever the price
    assert found["destination"] == {"luxor": 1, "aswan": 1}  # under both
    assert found["kind"] == {"TOUR": 2}


def test_tags_count_beside_those_chosen(four, api):
    assert counts(api, tags="history")["tags"] == {"history": 3, "air": 1, "boat": 1, "walking": 1}
    assert counts(api, tags="history,air")["tags"] == {"history": 1, "air": 1}


FILTERS_OF = {
    "destination": lambda one: {"destination": one["value"]},
    "kind": lambda one: {"kind": one["value"]},
    "category": lambda one: {"category": one["value"]},
    "difficulty": lambda one: {"difficulty": one["value"]},
    "price": lambda one: {"min_price": one["min"], "max_price": one["max"]},
    "duration": lambda one: {"min_duration": one["min"], "max_duration": one["max"]},
    "rating": lambda one: {"min_rating": one["min"]},
}


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"category": "nature"},
        {"destination": "luxor", "min_rating": "4"},
        {"max_price": "199", "tags": "history"},
        {"q": "felucca"},
        {"q": "feluca", "category": "cultural"},
        {"q": "luxor", "max_duration": "100"},
        {"near": "25,32", "radius_km": "300", "kind": "TOUR"},
        {"featured": "false", "deals": "false"},
    ],
)
def test_each_count_is_what_choosing_the_value_finds(four, api, filters):
    shown = asked(api, facets="true", **filters)["facets"]
    tried = 0
    for facet, choose in FILTERS_OF.items():
        for one in shown[facet]:
            assert asked(api, **(filters | choose(one)))["total"] == one["count"], (facet, one)
            tried += 1
    for one in shown["tags"]:
        tags = ",".join(filter(None, [filters.get("tags"), one["value"]]))
        assert asked(api, **(filters | {"tags": tags}))["total"] == one["count"], one
    assert tried > 15


def test_facets_count_what_can_be_booked_by_the_party_in_these_days(four, api):
    for title, places, days in (("Kings", 2, 5), ("Balloon", 9, 5), ("Felucca", 9, 50)):
        DepartureFactory(option=four[title].options.get(), capacity=places, starts_at=now() + timedelta(days=days))
    soon = {"date_from": f"{now():%Y-%m-%d}", "date_to": f"{now() + timedelta(days=9):%Y-%m-%d}"}
    assert counts(api, **soon)["category"] == {"cultural": 1, "nature": 1}
    assert counts(api, guests=3)["category"] == {"nature": 2}
    assert counts(api, guests=3, **soon)["destination"] == {"luxor": 1}
    for title in ("Kings", "Balloon"):
        for one in asked(api, facets="true", **soon)["facets"]["duration"]:
            chosen = asked(api, min_duration=one["min"], max_duration=one["max"], **soon)
            assert chosen["total"] == one["count"], title


def test_facets_are_named_in_the_language(four, api):
    shown = api.get(LIST, {"facets": "true"}, HTTP_ACCEPT_LANGUAGE="ar").json()["facets"]
    assert shown["destination"][0] == {"value": "luxor", "name": "Luxor، مصر", "count": 2}
    assert [one["name"] for one in shown["category"]] == ["ثقافية"] * 2
    assert {one["value"]: one["name"] for one in shown["difficulty"]}["easy"] == "سهل"
    shown = asked(api, facets="true")["facets"]
    assert shown["destination"][0]["name"] == "Luxor, Egypt"
    assert {one["min"]: one["name"] for one in shown["duration"]}[1440] == "1 to 3 days"


def test_facets_come_on_demand_and_on_any_page(four, api):
    assert "facets" not in asked(api)
    assert "facets" not in asked(api, facets="false")
    body = asked(api, facets="true", page=9)
    assert body["items"] == []
    assert body["facets"]["kind"][0] == {"value": "TOUR", "name": "Tour", "count": 2}
    assert sum(one["count"] for one in api.get(f"{LIST}/popular?facets=true").json()["facets"]["kind"]) == 4


def test_facets_of_nothing_are_empty(tenant, api):
    shown = asked(api, facets="true", q="felucca")["facets"]
    assert (shown["destination"], shown["price"], shown["tags"]) == ([], [], [])
    assert {one["count"] for one in [*shown["kind"], *shown["duration"], *shown["rating"]]} == {0}


def test_price_bands_are_in_the_currency_asked_for(four, api):
    CurrencyFactory(code="EGP")
    ExchangeRate.objects.create(base_id="USD", quote_id="EGP", rate=Decimal("50"), valid_from="2026-01-01")
    assert asked(api, facets="true", currency="EGP")["facets"]["price"] == [
        {"min": "1000.00", "max": "1999.99", "count": 1},
        {"min": "2000.00", "max": "4999.99", "count": 0},
        {"min": "5000.00", "max": "9999.99", "count": 1},
        {"min": "10000.00", "max": "19999.99", "count": 1},
        {"min": "20000.00", "max": "49999.99", "count": 0},
        {"min": "50000.00", "max": "99999.99", "count": 1},
    ]
    CurrencyFactory(code="JPY")
    answer = api.get(LIST, {"facets": "true", "currency": "JPY"})
    assert (answer.status_code, answer.json()["error_code"]) == (422, "no_exchange_rate")


def test_a_tour_without_a_comparable_price_is_in_no_band(four, listed, api):
    listed(title_en="In yen", currency=CurrencyFactory(code="JPY"), prices={"adult": "9000"})
    shown = asked(api, facets="true")
    assert shown["total"] == 5
    assert sum(one["count"] for one in shown["facets"]["price"]) == 4


def test_many_bands_are_put_together_where_they_are_smallest():
    assert merged([(place, 1) for place in range(6)]) == [(place, 1) for place in range(6)]
    assert merged([(0, 9), (1, 1), (2, 1), (3, 9), (4, 9), (5, 9), (6, 9), (7, 0)]) == [
        (0, 9), (1, 2), (3, 9), (4, 9), (5, 9), (6, 9),
    ]  # fmt: skip


def test_another_operators_tours_are_not_counted(four, other_tenant, api):
    shown = api.get(f"{LIST}?facets=true", HTTP_X_TENANT=other_tenant.slug).json()
    assert shown["total"] == 0
    assert sum(one["count"] for one in shown["facets"]["kind"]) == 0


@pytest.mark.parametrize("more", ["", "&q=felucca", "&guests=2", "&near=25,32&radius_km=100"])
def test_facets_cost_no_statement_and_are_remembered(four, api, more):
    api.get("/api/v1/currencies")
    found = []
    for question in (f"size=7{more}", f"size=7{more}&facets=true", f"size=7{more}&facets=true"):
        with CaptureQueriesContext(connection) as captured:
            api.get(f"{LIST}?{question}")
        found.append(len(captured))
    empty = more == "&guests=2"  # what finds nothing is not remembered
    assert found == [1, 1, 1 if empty else 0]


# --- Distance ---


def test_the_nearest_come_first_and_say_how_far(four, api):
    items = asked(api, near="25.68725,32.63965")["items"]  # Luxor
    assert [item["title"] for item in items] == ["Kings", "Balloon", "Felucca", "Dunes"]
    assert [item["distance_km"] for item in items] == [0.0, 0.0, 179.7, 2270.2]
    assert titles(api, near="25.68725,32.63965", sort_order="desc") == ["Dunes", "Felucca", "Kings", "Balloon"]
    assert titles(api, near="25.68725,32.63965", sort_by="price") == ["Felucca", "Balloon", "Kings", "Dunes"]
    assert "distance_km" not in asked(api)["items"][0]


def test_a_radius_finds_what_is_within(four, api):
    assert titles(api, near="25.68725,32.63965", radius_km="179.6") == ["Kings", "Balloon"]
    assert titles(api, near="25.68725,32.63965", radius_km="179.8") == ["Kings", "Balloon", "Felucca"]
    assert titles(api, near="25.68725,32.63965", radius_km="20100") == ["Kings", "Balloon", "Felucca", "Dunes"]
    assert titles(api, near="25.68725,32.63965", radius_km="179.8", q="felucca") == ["Felucca"]
    assert titles(api, near="-25,-147", radius_km="5000") == []


def test_distances_across_the_date_line_and_over_the_pole(listed, api):
    for city in ("Suva", "Apia", "Alert"):
        listed(title_en=f"In {city}", destination=place(city))
    assert titles(api, near="-16,179.9", radius_km="1100") == ["In Suva", "In Apia"]
    assert titles(api, near="-16,-179.9", radius_km="1100") == ["In Suva", "In Apia"]
    assert titles(api, near="-16,179.9", radius_km="300") == ["In Suva"]
    assert titles(api, near="89,117.7", radius_km="1000") == [
        "In Alert"
    ]  # over the pole, half the world's longitudes away
    assert titles(api, near="89,117.7", radius_km="900") == []
    assert titles(api, near="90,0", radius_km="833") == []
    assert titles(api, near="90,0", radius_km="834") == ["In Alert"]


def found(**asked):
    return orjson.loads(f"[{tour_page(asked, language='en', home_currency='USD')[1]}]")


def test_the_circle_agrees_with_plain_reckoning(four):
    """Whatever the point and radius, the box never cuts off what lies in the circle."""
    for latitude in (-90, -60, 0, 24.9, 60, 89.9, 90):
        for longitude in (-180, -150, 0, 33, 144, 180):
            near = {"near": (float(latitude), float(longitude)), "page": 1, "size": 20}
            far = {item["title"]: item["distance_km"] for item in found(**near)}
            for radius in (50, 1500, 7000, 19000):
                within = {title for title, distance in far.items() if distance <= radius}
                assert {item["title"] for item in found(**near, radius_km=radius)} == within, (near, radius)


def test_a_tour_whose_place_is_not_written_yet_comes_last(four, api):
    PublishedTour.objects.filter(pk=four["Kings"].pk).update(latitude=None, longitude=None)
    items = asked(api, near="25.68725,32.63965")["items"]
    assert (items[-1]["title"], items[-1]["distance_km"]) == ("Kings", None)
    publish_facts(four["Kings"].pk)
    assert PublishedTour.objects.get(pk=four["Kings"].pk).latitude == pytest.approx(25.68725)


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({"near": "29.9"}, "near"),
        ({"near": "29.9,31.1,5"}, "near"),
        ({"near": "north,east"}, "near"),
        ({"near": "91,0"}, "near"),
        ({"near": "0,-180.1"}, "near"),
        ({"near": "nan,inf"}, "near"),
        ({"near": "1e1,2"}, "near"),
        ({"near": "٣٠,٣١"}, "near"),
        ({"near": "1" * 500}, "near"),
        ({"near": "30,31", "radius_km": "0"}, "radius_km"),
        ({"near": "30,31", "radius_km": "-5"}, "radius_km"),
        ({"near": "30,31", "radius_km": "NaN"}, "radius_km"),
        ({"near": "30,31", "radius_km": "99999"}, "radius_km"),
        ({"radius_km": "10"}, "radius_km"),
        ({"sort_by": "distance"}, "sort_by"),
        ({"facets": "perhaps"}, "facets"),
        ({"guests": "1000000000"}, "guests"),
        ({"q": "x" * 1000}, "q"),
        ({"date_from": "2027-05-02", "date_to": "2027-05-01"}, "date_to"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(four, api, what, field):
    answer = api.get(LIST, what)
    assert answer.status_code == 400, answer.content
    assert list(answer.json()["details"]) == [field]


# --- Similar tours ---


@pytest.fixture
def bookable(four):
    for tour in four.values():
        DepartureFactory(option=tour.options.get(), capacity=4)
    return four


def similar(client, tour, **what):
    answer = client.get(f"{LIST}/{tour.pk}/similar", what)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["total"] == len(body["items"])
    return [item["title"] for item in body["items"]]


def test_the_most_alike_come_first_and_never_the_tour_itself(bookable, api):
    # Felucca: same category and kind, words of the country. Kings: same place and its words, near in price. Dunes: same
    # category, one of two tags.
    assert similar(api, bookable["Balloon"]) == ["Felucca", "Kings", "Dunes"]
    assert similar(api, bookable["Balloon"], size=1) == ["Felucca"]
    assert similar(api, bookable["Kings"])[0] == "Balloon"


def test_words_decide_between_those_that_are_alike_otherwise(bookable, listed, api):
    for title in ("Night walk in the market", "Balloon at dawn"):
        twin = listed(
            title_en=title, title_ar=f"{title} ar", destination=bookable["Balloon"].destination, tags=["air"],
            category=bookable["Balloon"].category, duration_minutes=60, prices={"adult": "149.99"},
        )  # fmt: skip
        DepartureFactory(option=twin.options.get())
    assert similar(api, bookable["Balloon"])[:2] == ["Balloon at dawn", "Night walk in the market"]


def test_only_what_is_on_sale_and_can_be_booked_is_similar(bookable, rebuilt, api):
    bookable["Felucca"].status = "INACTIVE"
    bookable["Felucca"].save()
    bookable["Dunes"].departures.update(seats_booked=4)
    rebuilt()
    assert similar(api, bookable["Balloon"]) == ["Kings"]


def test_similar_in_language_and_currency_by_slug(bookable, api):
    CurrencyFactory(code="EGP")
    ExchangeRate.objects.create(base_id="USD", quote_id="EGP", rate=Decimal("50"), valid_from="2026-01-01")
    answer = api.get(
        f"{LIST}/{bookable['Kings'].slug}/similar", {"currency": "EGP", "size": 3}, HTTP_ACCEPT_LANGUAGE="ar"
    )
    prices = {item["title"]: item["price_from"] for item in answer.json()["items"]}
    assert prices == {"Balloon ar": "7499.50", "Felucca ar": "1000.00", "Dunes ar": "60000.00"}


def test_nothing_is_similar_to_what_nobody_sees(bookable, other_tenant, api):
    draft = TourFactory(status="DRAFT")
    with tenant_context(other_tenant.pk):
        foreign = OptionFactory().tour
        publish_facts(foreign.pk)
    for given in (draft.pk, foreign.pk, uuid4(), "no-such-slug", "a b"):
        assert api.get(f"{LIST}/{given}/similar").status_code == 404
    for size in ("0", "25", "x"):
        assert api.get(f"{LIST}/{draft.pk}/similar", {"size": size}).status_code == 400


def test_similar_is_one_statement_and_none_when_remembered(bookable, api):
    api.get("/api/v1/currencies")
    found = []
    for _time in range(2):
        with CaptureQueriesContext(connection) as captured:
            assert similar(api, bookable["Kings"])
        found.append(len(captured))
    assert found == [1, 0]
