"""What search engines are told of a tour: schema.org as JSON-LD, and where its page stands in which language.

Made from the published page, so it says nothing that customers do not see. Amounts, images and addresses are absolute.
"""

from decimal import Decimal
from typing import Any

from django.utils import translation
from django.utils.translation import ngettext

from accounts.sites import tour_address
from config.i18n import LANGUAGES, in_language
from notifications.mail import site_url

SCHEMA = "https://schema.org"
PER_GROUP = "PER_GROUP"


def structured_data(tenant: Any, page: dict[str, Any], language: str) -> dict[str, Any]:
    """JSON-LD for the page of a tour (`page` is its published document with `next_departure`), and its alternates."""
    url = tour_address(tenant, slug=page["slug"], tour_id=page["id"], language=language)
    about = {"name": page["title"], "description": page["summary"], "image": _images(tenant, page)}
    if url:
        about["url"] = url
    offers = _offers(page, url, language)
    trip = {"@type": "TouristTrip", **about, "touristType": page["category"]["name"], "itinerary": _itinerary(page)}
    trip["provider"] = _operator(tenant, language)
    product = {
        "@type": "Product",
        **about,
        "sku": page["id"],
        "category": page["category"]["name"],
        "brand": {"@type": "Brand", "name": in_language(tenant, "name", language)},
    }
    for thing, known in ((trip, offers), (product, offers)):
        if known:
            thing["offers"] = known
    if page["rating_count"]:
        product["aggregateRating"] = {
            "@type": "AggregateRating",
            "ratingValue": page["rating"],
            "reviewCount": page["rating_count"],
            "bestRating": 5,
            "worstRating": 1,
        }
    # A product without a price and without a rating is none to a search engine.
    things = [trip, product] if offers or page["rating_count"] else [trip]
    return {
        "language": language,
        "canonical": url or None,
        "hreflang": alternates(tenant, slug=page["slug"], tour_id=page["id"]),
        "json_ld": {"@context": SCHEMA, "@graph": [_filled(thing) for thing in things]},
    }


def alternates(tenant: Any, *, slug: str, tour_id: Any) -> list[dict[str, str]]:
    """The same page in each language, and the one for everybody else; none where the operator has named no site."""
    if not tenant.site_address:
        return []
    pages = {code: tour_address(tenant, slug=slug, tour_id=tour_id, language=code) for code in LANGUAGES}
    return [{"language": code, "url": url} for code, url in {**pages, "x-default": pages["en"]}.items()]


def absolute(tenant: Any, url: str) -> str:
    """The address of a file as others must write it."""
    return f"{site_url(tenant)}{url}" if url.startswith("/") else url


def _images(tenant: Any, page: dict[str, Any]) -> list[str]:
    """Of each picture the part for sharing, if it is made, and the whole."""
    found: list[str] = []
    for picture in page["images"][:6]:
        crops = picture.get("crops", {})
        found += [crop["url"] for crop in (crops.get("social"), crops.get("card")) if crop]
        found.append(picture["url"])
    return [absolute(tenant, url) for url in dict.fromkeys(found)]


def _itinerary(page: dict[str, Any]) -> dict[str, Any]:
    place = page["destination"]
    where = {
        "@type": "Place",
        "name": place["city"],
        "address": {
            "@type": "PostalAddress",
            "addressLocality": place["city"],
            "addressRegion": place["region"],
            "addressCountry": place["country"],
        },
        "geo": {"@type": "GeoCoordinates", "latitude": place["latitude"], "longitude": place["longitude"]},
    }
    if not page["itinerary"]:
        return _filled(where)
    days = [
        {
            "@type": "ListItem",
            "position": day["day"],
            "item": _filled({"@type": "Place", "name": day["title"], "description": day["description"]}),
        }
        for day in page["itinerary"]
    ]
    return {"@type": "ItemList", "numberOfItems": len(days), "itemListElement": days}


def _operator(tenant: Any, language: str) -> dict[str, Any]:
    return _filled(
        {
            "@type": "TravelAgency",
            "name": in_language(tenant, "name", language),
            "url": tenant.site_address,
            "telephone": str(tenant.phone),
            "email": tenant.email,
            "address": in_language(tenant, "address", language),
        }
    )


def _offers(page: dict[str, Any], url: str, language: str) -> dict[str, Any] | None:
    """What can be bought, by option and price category; guests that cost nothing are no offer."""
    state = "InStock" if page.get("next_departure") else "SoldOut"
    offers = [
        {
            "@type": "Offer",
            "name": f"{option['name']} · {name}",
            "price": amount,
            "priceCurrency": page["currency"],
            "availability": f"{SCHEMA}/{state}",
            **({"url": url} if url else {}),
        }
        for option in page["options"]
        for _code, name, amount in prices_of(option, language)
        if Decimal(amount) > 0
    ]
    if not offers:
        return None
    amounts = [Decimal(offer["price"]) for offer in offers]
    return {
        "@type": "AggregateOffer",
        "lowPrice": str(min(amounts)),
        "highPrice": str(max(amounts)),
        "priceCurrency": page["currency"],
        "offerCount": len(offers),
        "availability": f"{SCHEMA}/{state}",
        "offers": offers,
    }


def prices_of(option: dict[str, Any], language: str) -> list[tuple[str, str, str]]:
    """Code, name and amount of each price of a published option: by category, or by size where a group pays as one."""
    if option.get("basis") != PER_GROUP:
        return [(price["category"], price["name"], price["amount"]) for price in option["prices"]]
    with translation.override(language):
        return [
            (
                f"group-{tier['from_guests']}",
                ngettext("Group from {n} guest", "Group from {n} guests", tier["from_guests"]).format(
                    n=tier["from_guests"]
                ),
                tier["amount"],
            )
            for tier in option["group_prices"]
            if tier["category"] is None
        ]


def _filled(thing: dict[str, Any]) -> dict[str, Any]:
    """Without what we do not know: an empty text says something wrong."""
    return {name: value for name, value in thing.items() if value not in ("", None, [])}
