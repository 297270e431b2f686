"""The product feed of Google Things to do, made from the published pages in both languages.

The form is that of the published specification (product feed, JSON): `tours/tests/things_to_do.schema.json` holds its rules as
we read them. Money is units and nanos; a price is what a guest pays in the end, with any tax that the tour adds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import orjson

from accounts.sites import tour_address
from config.i18n import LANGUAGES, in_language
from config.tenancy import tenant_id_or_raise
from ledger.money import round_money
from tours.models import PublishedTour
from tours.structured_data import absolute, prices_of

MOST_BYTES = 40 * 1024 * 1024  # of a part; 50 MB are allowed
NANOS = Decimal(1_000_000_000)
FEATURES = {
    "highlights": "TEXT_FEATURE_HIGHLIGHT",
    "inclusions": "TEXT_FEATURE_INCLUSION",
    "exclusions": "TEXT_FEATURE_EXCLUSION",
}

Pages = dict[str, dict[str, Any]]  # the page of a tour by language


@dataclass
class Made:
    """The products as JSON, and what had to stay out."""

    products: list[bytes] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)


def products(tenant: Any) -> Made:
    """Every tour on sale that can be shown there."""
    made = Made()
    rows = PublishedTour.objects.filter(tenant_id=tenant_id_or_raise()).order_by("display_order", "tour_id")
    for row in rows.values_list("document_en", "document_ar").iterator(chunk_size=200):
        pages = dict(zip(LANGUAGES, map(orjson.loads, row), strict=True))
        product = _product(tenant, pages)
        if product["options"]:
            made.products.append(orjson.dumps(product))
        else:
            one = pages["en"]
            made.left_out.append({"tour": one["id"], "title": one["title"], "reason": "no_price"})
    return made


def parts(found: list[bytes], nonce: int) -> Iterator[str]:
    """The files: as few as their size allows, each whole by itself."""
    shards: list[list[bytes]] = [[]]
    size = 0
    for product in found:
        if shards[-1] and size + len(product) > MOST_BYTES:
            shards.append([])
            size = 0
        shards[-1].append(product)
        size += len(product) + 1
    for number, shard in enumerate(shards):
        metadata = {
            "shard_id": number,
            "total_shards_count": len(shards),
            "processing_instruction": "PROCESS_AS_SNAPSHOT",
            "nonce": nonce,
        }
        yield f'{{"feed_metadata":{orjson.dumps(metadata).decode()},"products":[{b",".join(shard).decode()}]}}'


def _product(tenant: Any, pages: Pages) -> dict[str, Any]:
    page = pages["en"]
    product: dict[str, Any] = {
        "id": page["id"],
        "title": _texts({code: one["title"] for code, one in pages.items()}),
        "description": _texts({code: one["description"] for code, one in pages.items()}),
        "product_features": list(_features(pages)),
        "options": [option for place in range(len(page["options"])) if (option := _option(tenant, pages, place))],
        "related_media": [
            {"url": absolute(tenant, picture["url"]), "type": "MEDIA_TYPE_PHOTO"} for picture in page["images"]
        ],
        "operator": _operator(tenant),
        "inventory_type": "INVENTORY_TYPE_OPERATOR_DIRECT",
        "confirmation_type": "CONFIRMATION_TYPE_INSTANT",
        "fulfillment_type": {"mobile": True, "print_at_home": True, "pickup": False},
    }
    if page["rating_count"]:
        product["rating"] = {"average_value": page["rating"], "rating_count": page["rating_count"]}
    return {name: value for name, value in product.items() if value != [] or name == "options"}


def _features(pages: Pages) -> Iterator[dict[str, Any]]:
    """Lines of both languages belong together by their place; the longer list goes on in its own."""
    for name, kind in FEATURES.items():
        for place in range(max(len(page[name]) for page in pages.values())):
            lines = {code: page[name][place] for code, page in pages.items() if place < len(page[name])}
            yield {"feature_type": kind, "value": _texts(lines)}


def _option(tenant: Any, pages: Pages, place: int) -> dict[str, Any] | None:
    page, option = pages["en"], pages["en"]["options"][place]
    known = prices_of(option, "en")
    prices = [{"id": f"{option['id']}-{code}", "title": name, **_price(page, amount)} for code, name, amount in known]
    if not any(Decimal(amount) > 0 for _code, _name, amount in known):
        return None
    landing = tour_address(tenant, slug=page["slug"], tour_id=page["id"], language="{lang}")
    return {
        "id": option["id"],
        "title": _texts({code: one["options"][place]["name"] for code, one in pages.items()}),
        "landing_page": {"url": f"{landing}?option={option['code']}"},
        "duration_sec": option["duration_minutes"] * 60,
        "cancellation_policy": {
            "refund_conditions": [
                {
                    "min_duration_before_start_time_sec": tier["hours_before"] * 3600,
                    "refund_percent": int(Decimal(tier["refund_percent"]).quantize(Decimal(1), ROUND_HALF_UP)),
                }
                for tier in page["cancellation_policy"]["tiers"]
            ]
        },
        "option_categories": [{"label": page["category"]["code"]}],
        "related_locations": [
            {"location": {"location": _place(page)}, "relation_type": "RELATION_TYPE_RELATED_NO_ADMISSION"}
        ],
        "meeting_point": {
            "location": _place(page),
            "description": _texts({code: one["meeting_point"] for code, one in pages.items()}),
        },
        "price_options": prices,
    }


def _place(page: dict[str, Any]) -> dict[str, Any]:
    place = page["destination"]
    return {
        "place_info": {
            "name": place["city"],
            "coordinates": {"latitude": place["latitude"], "longitude": place["longitude"]},
        }
    }


def _price(page: dict[str, Any], amount: str) -> dict[str, Any]:
    currency = page["currency"]
    taxes = [tax for tax in (page["tax"], *page.get("more_taxes", ())) if tax and not tax["inclusive"]]
    if not taxes:
        return {"price": _money(Decimal(amount), currency)}
    shares = [round_money(Decimal(amount) * Decimal(tax["percent"]) / 100, currency) for tax in taxes]
    added = sum(shares, Decimal(0))
    return {
        "price": _money(Decimal(amount) + added, currency),
        "fees_and_taxes": {"per_ticket_tax": _money(added, currency)},
    }


def _money(amount: Decimal, currency: str) -> dict[str, Any]:
    units = int(amount)
    return {"currency_code": currency, "units": units, "nanos": int((amount - units) * NANOS)}


def _operator(tenant: Any) -> dict[str, Any]:
    names = {code: in_language(tenant, "name", code) for code in LANGUAGES}
    known = {
        "name": names["en"],
        "phone_number": str(tenant.phone),
        "website_url": tenant.site_address,
        "unstructured_address": in_language(tenant, "address", "en"),
    }
    info = {name: value for name, value in known.items() if value}
    return {"google_business_profile_name": _texts(names), "locations": [{"location": {"place_info": info}}]}


def _texts(texts: dict[str, str]) -> dict[str, Any]:
    return {"localized_texts": [{"language_code": code, "text": text} for code, text in texts.items() if text]}
