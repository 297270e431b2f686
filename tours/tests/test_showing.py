"""What other sites are told: structured data, sitemap, and the feed of Google Things to do."""

import json
import re
from decimal import Decimal
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import AuditEntry, Tenant
from accounts.sites import check_tour_path, tour_address
from config.tenancy import tenant_context
from tours import sitemap, tasks, things_to_do
from tours.errors import FeedRefused
from tours.models import Feed, FeedPart, OptionPrice, Tour
from tours.published import rebuild_catalogue
from tours.services.feeds import publish_things_to_do
from tours.structured_data import prices_of
from tours.tests.admin_pages import signed_in
from tours.tests.factories import DepartureFactory, OptionFactory, TaxRateFactory

HERE = Path(__file__).parent
VOCABULARY = json.loads((HERE / "vocabulary.json").read_text())
FORM = json.loads((HERE / "things_to_do.schema.json").read_text())
KINDS = {
    "Text": lambda value: isinstance(value, str) and bool(value.strip()),
    "URL": lambda value: isinstance(value, str) and re.fullmatch(r"https?://\S+", value),
    "URL[]": lambda value: bool(value) and all(re.fullmatch(r"https?://\S+", one) for one in value),
    "Price": lambda value: isinstance(value, str) and Decimal(value) > 0,
    "Currency": lambda value: re.fullmatch("[A-Z]{3}", value),
    "Integer": lambda value: isinstance(value, int) and value > 0,
    "Number": lambda value: isinstance(value, int | float),
    "Availability": lambda value: value in ("https://schema.org/InStock", "https://schema.org/SoldOut"),
}


def faults(thing, where="", *, strict=True):
    """What is wrong with a piece of JSON-LD, by the pinned vocabulary."""
    kind = thing.get("@type")
    if kind not in VOCABULARY:
        yield f"{where}: {kind} is not known"
        return
    rules = VOCABULARY[kind]
    wanted = rules["required"] + (rules["recommended"] if strict else [])
    yield from (f"{where}{kind} lacks {name}" for name in wanted if name not in thing)
    if "one_of" in rules and not set(rules["one_of"]) & set(thing):
        yield f"{where}{kind} needs one of {rules['one_of']}"
    for name, value in thing.items():
        if name == "@type":
            continue
        rule = rules["properties"].get(name)
        if rule is None:
            yield f"{where}{kind} has no property {name}"
        elif isinstance(rule, str):
            if not KINDS[rule](value):
                yield f"{where}{kind}.{name} is no {rule}: {value}"
        else:
            for one in value if isinstance(value, list) else [value]:
                if one.get("@type") not in rule:
                    yield f"{where}{kind}.{name} is no {rule}"
                yield from faults(one, f"{where}{kind}.{name}: ", strict=strict)


@pytest.fixture
def site(tenant):
    Tenant.objects.filter(pk=tenant.pk).update(site_address="https://www.nile.example")
    tenant.refresh_from_db()
    return tenant


def read(api, tour, language="en"):
    cache.clear()
    answer = api.get(f"/api/v1/tours/{tour.slug}/structured-data", headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_structured_data_is_of_the_vocabulary(site, full_tour, rebuilt, api, language):
    DepartureFactory(option=full_tour.options.first())
    rebuilt()
    told = read(api, full_tour, language)
    assert told["json_ld"]["@context"] == "https://schema.org"
    trip, product = told["json_ld"]["@graph"]
    assert [fault for thing in (trip, product) for fault in faults(thing)] == []
    title = {"en": "Felucca at sunset", "ar": "فلوكة عند الغروب"}[language]
    assert (trip["@type"], trip["name"], product["name"]) == ("TouristTrip", title, title)
    assert product["aggregateRating"] == {
        "@type": "AggregateRating",
        "ratingValue": 4.65,
        "reviewCount": 12,
        "bestRating": 5,
        "worstRating": 1,
    }
    offers = product["offers"]
    assert (offers["lowPrice"], offers["highPrice"], offers["offerCount"]) == ("50.00", "250.00", 3)
    assert {offer["availability"] for offer in offers["offers"]} == {"https://schema.org/InStock"}
    assert [day["position"] for day in trip["itinerary"]["itemListElement"]] == [1, 2]
    assert product["image"][0].endswith("/media/tours/nile.jpg")
    assert told["canonical"] == f"https://www.nile.example/{language}/tours/felucca"
    assert told["hreflang"] == [
        {"language": "en", "url": "https://www.nile.example/en/tours/felucca"},
        {"language": "ar", "url": "https://www.nile.example/ar/tours/felucca"},
        {"language": "x-default", "url": "https://www.nile.example/en/tours/felucca"},
    ]


def test_no_rating_without_reviews_and_no_address_without_a_site(tenant, listed, api):
    tour = listed()
    told = read(api, tour)
    trip, product = told["json_ld"]["@graph"]
    assert "aggregateRating" not in product
    assert product["offers"]["availability"] == "https://schema.org/SoldOut"
    assert (told["canonical"], told["hreflang"]) == (None, [])
    assert [fault for thing in (trip, product) for fault in faults(thing, strict=False)] == []


def test_the_checker_sees_what_is_wrong():
    assert list(faults({"@type": "Product", "name": "x"}, strict=False)) == [
        "Product needs one of ['offers', 'aggregateRating', 'review']"
    ]
    assert list(faults({"@type": "Brand", "name": "", "colour": "red"})) == [
        "Brand.name is no Text: ",
        "Brand has no property colour",
    ]


def test_texts_cannot_leave_the_script_element(tenant, listed, api):
    tour = listed(title_en="Sail </script><script>alert(1)</script> & see")
    answer = api.get(f"/api/v1/tours/{tour.slug}/structured-data")
    assert b"<" not in answer.content
    assert answer.json()["json_ld"]["@graph"][0]["name"] == tour.title_en


def test_hidden_tours_tell_nothing(tenant, listed, api):
    tour = listed(status="INACTIVE")
    assert api.get(f"/api/v1/tours/{tour.pk}/structured-data").status_code == 404


# --- Sitemap ---


def urls(content):
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    return [
        (one.find(f"{space}loc").text, [link.get("hreflang") for link in one if link.tag.endswith("link")])
        for one in ElementTree.fromstring(content).iter(f"{space}url")
    ]


def test_the_sitemap_names_each_page_in_each_language(site, listed, api):
    tour = listed(slug="a&b")
    listed(status="DRAFT")
    answer = api.get("/api/v1/sitemap.xml", headers={"Accept": "text/html"})
    assert answer["Content-Type"] == "application/xml; charset=utf-8"
    assert urls(answer.content) == [
        (f"https://www.nile.example/{language}/tours/{tour.slug}", ["en", "ar", "x-default"])
        for language in ("en", "ar")
    ]


def test_a_long_sitemap_is_split(site, listed, api, monkeypatch):
    monkeypatch.setattr(sitemap, "MOST", 4)
    tours = [listed() for _ in range(5)]
    index = api.get("/api/v1/sitemap.xml").content.decode()
    files = re.findall(r"<loc>http://testserver(.*?)</loc>", index)
    assert files == [f"/api/v1/sitemap-{n}.xml" for n in (1, 2, 3)]
    found = [url for file in files for url, _links in urls(api.get(file).content)]
    assert len(found) == len(set(found)) == 2 * len(tours)
    assert api.get("/api/v1/sitemap-4.xml").status_code == 404


def test_without_a_site_there_is_no_sitemap(tenant, listed, api):
    listed()
    answer = api.get("/api/v1/sitemap.xml")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "site_not_set")


@pytest.mark.parametrize(
    "path", ["tours/{slug}", "/{slug} x", "/{language}", "/{slug}/{title}", "/{slug}?a=1", "/{slug.x}"]
)
def test_paths_that_lead_nowhere_are_refused(path):
    with pytest.raises(ValidationError):
        check_tour_path(path)


def test_a_path_of_ones_own(site):
    site.tour_path = "/{language}/trip-{id}"
    assert tour_address(site, slug="x", tour_id=7, language="ar") == "https://www.nile.example/ar/trip-7"


# --- Things to do ---


def feed_of(tenant):
    return [json.loads(part.body) for part in Feed.objects.get().parts.all()]


def test_the_feed_is_of_the_published_form(site, full_tour, rebuilt, api):
    rebuilt()
    publish_things_to_do()
    feed = api.get("/api/v1/feeds/things-to-do.json").json()
    jsonschema.Draft202012Validator(FORM).validate(feed)
    product = feed["products"][0]
    assert product["title"]["localized_texts"] == [
        {"language_code": "en", "text": "Felucca at sunset"},
        {"language_code": "ar", "text": "فلوكة عند الغروب"},
    ]
    assert product["rating"] == {"average_value": 4.65, "rating_count": 12}
    assert [option["landing_page"]["url"] for option in product["options"]] == [
        "https://www.nile.example/{lang}/tours/felucca?option=standard",
        "https://www.nile.example/{lang}/tours/felucca?option=private",
    ]
    adult = product["options"][0]["price_options"][0]
    assert (adult["title"], adult["price"]) == ("Adult", {"currency_code": "USD", "units": 100, "nanos": 0})
    assert product["options"][0]["cancellation_policy"]["refund_conditions"] == [
        {"min_duration_before_start_time_sec": 604800, "refund_percent": 100},
        {"min_duration_before_start_time_sec": 259200, "refund_percent": 50},
        {"min_duration_before_start_time_sec": 3600, "refund_percent": 13},
    ]


def test_a_price_is_what_a_guest_pays_in_the_end(site, listed):
    listed(prices={"adult": "99.99"}, tax=TaxRateFactory(code="added", is_inclusive=False, percent=Decimal("14")))
    publish_things_to_do()
    price = feed_of(site)[0]["products"][0]["options"][0]["price_options"][0]
    assert price["price"] == {"currency_code": "USD", "units": 113, "nanos": 990_000_000}
    assert price["fees_and_taxes"]["per_ticket_tax"] == {"currency_code": "USD", "units": 14, "nanos": 0}


def test_what_has_no_price_stays_out_and_is_named(site, listed):
    kept, bare = listed(), listed()
    OptionPrice.objects.filter(option__tour=bare).delete()
    rebuild_catalogue()
    feed = publish_things_to_do()
    assert (feed.products, [row["tour"] for row in feed.left_out]) == (1, [str(bare.pk)])
    assert [product["id"] for product in feed_of(site)[0]["products"]] == [str(kept.pk)]


def test_an_empty_feed_is_refused_and_the_last_good_one_stays(site, listed, api):
    tour = listed()
    publish_things_to_do()
    before = FeedPart.objects.get().body
    Tour.objects.filter(pk=tour.pk).update(status="INACTIVE")
    rebuild_catalogue()
    with pytest.raises(FeedRefused):
        publish_things_to_do()
    assert api.get("/api/v1/feeds/things-to-do.json").content.decode() == before
    feed = Feed.objects.get()
    assert "There is no tour that could be shown." in feed.refusal
    assert (feed.products, feed.made_at < feed.refused_at) == (1, True)


def test_without_a_site_nothing_is_published(tenant, listed, api):
    listed()
    with pytest.raises(FeedRefused):
        publish_things_to_do()
    assert api.get("/api/v1/feeds/things-to-do.json").json()["error_code"] == "feed_not_published"
    assert not AuditEntry.objects.filter(action="tours.feed.published").exists()


def test_a_large_feed_is_split_and_each_part_is_whole(site, listed, api, monkeypatch):
    for _ in range(3):
        listed()
    monkeypatch.setattr(things_to_do, "MOST_BYTES", 100)
    publish_things_to_do()
    parts = [api.get("/api/v1/feeds/things-to-do.json", {"part": n}).json() for n in range(3)]
    assert [part["feed_metadata"]["shard_id"] for part in parts] == [0, 1, 2]
    assert {(part["feed_metadata"]["nonce"], part["feed_metadata"]["total_shards_count"]) for part in parts} == {
        (parts[0]["feed_metadata"]["nonce"], 3)
    }
    for part in parts:
        jsonschema.Draft202012Validator(FORM).validate(part)
    assert api.get("/api/v1/feeds/things-to-do.json", {"part": 3}).status_code == 404
    assert api.get("/api/v1/feeds/things-to-do.json", {"part": "x"}).status_code == 400


def test_the_command_and_the_nightly_job(site, listed, tmp_path, other_tenant):
    listed()
    out = StringIO()
    call_command("export_things_to_do", to=str(tmp_path), stdout=out)
    assert "1 products, 0 left out" in out.getvalue()
    jsonschema.validate(json.loads((tmp_path / f"{site.slug}-things-to-do-0.json").read_text()), FORM)
    with tenant_context(None):
        tasks.publish_feeds()
    with pytest.raises(CommandError, match="no operator nobody"):
        call_command("export_things_to_do", tenant="nobody")
    with pytest.raises(CommandError, match="public site"):
        call_command("export_things_to_do", tenant=other_tenant.slug)


def test_no_operator_sees_anothers_feed(site, listed, api, other_tenant):
    listed()
    publish_things_to_do()
    headers = {"X-Tenant": other_tenant.slug}
    assert api.get("/api/v1/feeds/things-to-do.json", headers=headers).status_code == 404
    with tenant_context(other_tenant.pk):
        OptionFactory()
        assert not Feed.objects.exists()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_staff_publish_and_see_what_was_refused(site, listed, language):
    client = signed_in("ADMIN")
    client.cookies["rihla_language"] = language
    publish, page = reverse("admin:tours_feed_publish_now"), reverse("admin:tours_feed_changelist")
    tour = listed()
    assert client.get(publish).status_code == 302
    Tour.objects.filter(pk=tour.pk).update(status="INACTIVE")
    rebuild_catalogue()
    client.get(publish)
    told = {"en": "the last good one is still served", "ar": "ما زالت آخر نسخة سليمة متاحة"}[language]
    assert told in client.get(page).content.decode()
    assert client.get(reverse("admin:tours_feed_change", args=[Feed.objects.get().pk])).status_code == 200
    assert signed_in("EMPLOYEE").get(publish).status_code == 403


def test_where_a_group_pays_as_one_its_sizes_are_the_prices():
    tier = {"category": None, "from_guests": 1, "amount": "90.00"}
    option = {
        "basis": "PER_GROUP",
        "prices": [],
        "group_prices": [tier, {**tier, "from_guests": 5, "amount": "150.00"}],
    }
    assert prices_of(option, "en") == [
        ("group-1", "Group from 1 guest", "90.00"),
        ("group-5", "Group from 5 guests", "150.00"),
    ]
    assert prices_of(option, "ar")[0][1] == "مجموعة من ضيف واحد"
