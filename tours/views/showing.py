"""What other sites are told of the catalogue: structured data, the sitemap, feeds."""

from typing import Any

import orjson
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from config.errors import InvalidInput
from config.i18n import language_now
from config.renderers import JSONRenderer
from tours import sitemap
from tours.answers import answer
from tours.caching import AVAILABLE_FOR, Made, Place, catalogue_version, key_of, remembered, seats_version
from tours.errors import FeedNotPublished, SiteNotSet
from tours.models import FeedKind, FeedPart
from tours.selectors import detail
from tours.structured_data import structured_data
from tours.views.reading import PublicRead, read_schema, tour_id_of

KEPT = "public, max-age=3600"
# JSON that pages write into a script element: nothing in it may end that element.
HARMLESS = [(b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026")]


class AlternateSerializer(serializers.Serializer):
    language = serializers.CharField(help_text="`en`, `ar` or `x-default`.")
    url = serializers.CharField()


class StructuredDataSerializer(serializers.Serializer):
    language = serializers.CharField()
    canonical = serializers.CharField(allow_null=True, help_text="Null where the operator has named no public site.")
    hreflang = AlternateSerializer(many=True)
    json_ld = serializers.DictField(help_text="For a script element of type `application/ld+json`, as it is.")


class StructuredData(PublicRead):
    @read_schema(StructuredDataSerializer, operation_id="tours_structured_data")
    def get(self, request: Any, given: str) -> HttpResponse:
        """What search engines are told of a tour: schema.org as JSON-LD, and its page in each language."""
        language, tour_id = language_now(), tour_id_of(given)

        def make() -> Made:
            page = orjson.loads(detail.tour_document(tour_id, language=language))
            body = orjson.dumps(structured_data(request._request.tenant, page, language))
            for sign, written in HARMLESS:
                body = body.replace(sign, written)
            return body, AVAILABLE_FOR

        place = Place(key_of("structured", tour_id, language), [catalogue_version(), seats_version(tour_id)])
        return answer(request, remembered(place, make))


class FileRead(PublicRead):
    """Asked for as anything, but its refusals are JSON."""

    def perform_content_negotiation(self, request: Any, force: bool = False) -> tuple[Any, str]:
        return JSONRenderer(), JSONRenderer.media_type


class Sitemap(FileRead):
    @extend_schema(responses={(200, "application/xml"): OpenApiTypes.STR}, operation_id="sitemap", tags=["catalogue"])
    def get(self, request: Any) -> HttpResponse:
        """The tours' pages on the operator's public site; an index of several files where one would be too long."""
        tenant = with_site(request)
        count = sitemap.parts()
        if count == 1:
            return as_xml(sitemap.part(tenant, 1))
        return as_xml(sitemap.index([request.build_absolute_uri(f"sitemap-{n}.xml") for n in range(1, count + 1)]))


class SitemapPart(FileRead):
    @extend_schema(
        responses={(200, "application/xml"): OpenApiTypes.STR}, operation_id="sitemap_part", tags=["catalogue"]
    )
    def get(self, request: Any, number: int) -> HttpResponse:
        """One file of a long sitemap, counted from 1. Past the last one: 404."""
        tenant = with_site(request)
        if not 1 <= number <= sitemap.parts():
            raise SiteNotSet
        return as_xml(sitemap.part(tenant, number))


class ThingsToDo(FileRead):
    @extend_schema(
        parameters=[OpenApiParameter("part", int, description="From 0; `feed_metadata` says how many there are.")],
        responses={(200, "application/json"): OpenApiTypes.OBJECT},
        operation_id="feeds_things_to_do",
        tags=["catalogue"],
    )
    def get(self, request: Any) -> HttpResponse:
        """The Google Things to do feed as it was published last: once a night, or by staff."""
        number = request.query_params.get("part") or "0"
        if not number.isascii() or not number.isdigit() or len(number) > 4:
            raise InvalidInput(details={"part": ["0, 1, 2, …"]})
        parts = FeedPart.objects.filter(feed__kind=FeedKind.THINGS_TO_DO, number=int(number))
        body = parts.values_list("body", flat=True).first()
        if body is None:
            raise FeedNotPublished
        return HttpResponse(body, content_type="application/json", headers={"Cache-Control": KEPT})


def with_site(request: Any) -> Any:
    """The operator, if it has named its public site. Raises `SiteNotSet`."""
    tenant = request._request.tenant
    if not tenant.site_address:
        raise SiteNotSet
    return tenant


def as_xml(body: str) -> HttpResponse:
    return HttpResponse(body, content_type="application/xml; charset=utf-8", headers={"Cache-Control": KEPT})
