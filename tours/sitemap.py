"""The sitemap of an operator's public site: each tour's page in each language, with its alternates."""

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tours.models import Tour
from tours.structured_data import alternates

MOST = 50_000  # addresses in one file
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMES = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def parts(languages: int = 2) -> int:
    """How many files the sitemap has: more than one only where one would be too long."""
    return max(1, -(-Tour.objects.public().count() * languages // MOST))


def index(addresses: list[str]) -> str:
    """The file that names the others."""
    rows = "".join(f"<sitemap><loc>{escape(address)}</loc></sitemap>\n" for address in addresses)
    return f"{HEAD}<sitemapindex {NAMES}>\n{rows}</sitemapindex>\n"


def part(tenant: Any, number: int, languages: int = 2) -> str:
    """One file, counted from 1."""
    most = MOST // languages
    tours = Tour.objects.public().order_by("pk").values_list("pk", "slug", "updated_at")
    rows = "".join(_urls(tenant, tours[(number - 1) * most : number * most]))
    return f'{HEAD}<urlset {NAMES} xmlns:xhtml="http://www.w3.org/1999/xhtml">\n{rows}</urlset>\n'


def _urls(tenant: Any, tours: Any) -> Iterator[str]:
    for pk, slug, updated_at in tours:
        pages = alternates(tenant, slug=slug, tour_id=pk)
        links = "".join(
            f'<xhtml:link rel="alternate" hreflang={quoteattr(page["language"])} href={quoteattr(page["url"])}/>'
            for page in pages
        )
        for page in pages:
            if page["language"] != "x-default":
                yield f"<url><loc>{escape(page['url'])}</loc><lastmod>{updated_at:%Y-%m-%d}</lastmod>{links}</url>\n"
