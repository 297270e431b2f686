"""What everyone may read. Each answer is a remembered body; a hit costs no SQL."""

import contextlib
from typing import Any

import orjson
from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.http import HttpResponse
from django.utils.timezone import localdate
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from config.i18n import language_now
from config.pagination import page_of
from config.trips import brought
from tours.answers import NEVER_KEPT, answer
from tours.caching import (
    AVAILABLE_FOR,
    LISTED_FOR,
    NOT_REMEMBERED,
    Made,
    Place,
    catalogue_version,
    key_of,
    remembered,
    seats_version,
)
from tours.counting import count_view
from tours.errors import TourNotFound
from tours.filters import public as filters
from tours.search import fold
from tours.selectors import availability, currencies, detail, finding, listing, places, similar, staff
from tours.selectors.price_calendar import price_calendar
from tours.serializers import reading as shapes

SELECT = OpenApiParameter("fields", str, description="Only these fields, separated by commas.")
KNOWN = OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The ETag of what you have.")
UNCHANGED = OpenApiResponse(description="What you have is still right.")


def read_schema(shape: Any, query: Any = None, **named: Any) -> Any:
    """How a public read is described."""
    parameters = [*([query] if query else []), SELECT, KNOWN]
    return extend_schema(parameters=parameters, responses={200: shape, 304: UNCHANGED}, tags=["catalogue"], **named)


class PublicRead(APIView):
    """A read that everyone may make. With `place` its remembered answer comes with the trip to Redis that counts the call."""

    permission_classes = [AllowAny]

    def place(self) -> Place | None:
        """Where the answer to this request is remembered, if that can be said before anything is looked up."""
        return None

    def remembered_keys(self, request: Any) -> list[str]:
        """What the trip to Redis shall bring along."""
        with contextlib.suppress(ValidationError, TourNotFound):  # the answer will say so
            place = self.place() if request.method == "GET" and settings.REMEMBER_READS else None
            return [place.key, *place.versions] if place else []
        return []

    def asked(self, form: Any) -> dict[str, Any]:
        """What the caller wants, checked. Do not change it: others who ask the same share it."""
        return filters.checked_query(form, self.request.META.get("QUERY_STRING", ""))


def place_of_list(wanted: dict[str, Any]) -> Place:
    """Where a page of the list is remembered."""
    question = {**wanted, "q": fold(wanted["q"])} if "q" in wanted else wanted
    versions = [catalogue_version(), seats_version()] if is_dated(wanted) else [catalogue_version()]
    return Place(key_of("list", language_now(), sorted(question.items())), versions)


def is_dated(wanted: dict[str, Any]) -> bool:
    """Whether places left decide what the list shows."""
    return any(wanted.get(name) is not None for name in finding.WHEN)


def listed(request: Any, asked: dict[str, Any], **always: Any) -> HttpResponse:
    """A page of the public list; `always` are the filters that the address stands for."""
    wanted = asked | always
    language = language_now()

    def make() -> Made:
        total, cards, counted = listing.tour_page(
            wanted, language=language, home_currency=request._request.tenant.currency
        )
        numbers = page_of(None, total=total, page=wanted["page"], size=wanted["size"])
        numbers.pop("items")
        body = b'{"items":[' + cards.encode() + b"]," + orjson.dumps(numbers)[1:]
        if "currency" in wanted:
            body = currencies.in_currency(body, wanted["currency"])
        if counted:
            body = body[:-1] + b',"facets":' + counted + b"}"
        # What finds nothing may be anything: it must not fill the memory.
        return body, (AVAILABLE_FOR if is_dated(wanted) else LISTED_FOR) if cards else NOT_REMEMBERED

    return answer(request, remembered(place_of_list(wanted), make, brought(request)))


class FeaturedTours(PublicRead):
    @read_schema(shapes.TourPageSerializer, filters.ListQuery, operation_id="tours_featured")
    def get(self, request: Any) -> HttpResponse:
        """Those that staff put in front."""
        return listed(request, self.asked(filters.ListQuery), featured=True)


class Deals(PublicRead):
    @read_schema(shapes.TourPageSerializer, filters.ListQuery, operation_id="tours_deals")
    def get(self, request: Any) -> HttpResponse:
        """Those whose price is below what it was."""
        return listed(request, self.asked(filters.ListQuery), deals=True)


class PopularTours(PublicRead):
    @read_schema(shapes.TourPageSerializer, filters.ListQuery, operation_id="tours_popular")
    def get(self, request: Any) -> HttpResponse:
        """The most booked first."""
        return listed(request, self.asked(filters.ListQuery), sort_by="popularity", sort_order="desc")


class Autocomplete(PublicRead):
    @read_schema(shapes.SuggestionsSerializer, filters.AutocompleteQuery, operation_id="tours_autocomplete")
    def get(self, request: Any) -> HttpResponse:
        """Tours and destinations that match what has been typed so far, at most ten of each."""
        text, language = self.asked(filters.AutocompleteQuery)["q"], language_now()

        def make() -> Made:
            body = places.suggestions(text, language=language)
            return body, LISTED_FOR if b'"id"' in body else NOT_REMEMBERED

        return answer(request, remembered(Place(key_of("typed", language, fold(text)), [catalogue_version()]), make))


class Categories(PublicRead):
    @read_schema(shapes.CategoryPageSerializer, filters.PageQuery, operation_id="categories_list")
    def get(self, request: Any) -> HttpResponse:
        """All categories, with the number of tours in each."""
        return _whole_list(request, "categories", places.categories, self.asked(filters.PageQuery))


class Destinations(PublicRead):
    @read_schema(shapes.DestinationPageSerializer, filters.PageQuery, operation_id="destinations_list")
    def get(self, request: Any) -> HttpResponse:
        """All destinations, with the number of tours in each."""
        return _whole_list(request, "destinations", places.destinations, self.asked(filters.PageQuery))


def _whole_list(request: Any, name: str, rows: Any, asked: dict[str, Any]) -> HttpResponse:
    page, size = asked["page"], asked["size"]

    def make() -> Made:
        every = rows()
        shown = every[(page - 1) * size : page * size]
        body = orjson.dumps(page_of(shown, total=len(every), page=page, size=size))
        return body, LISTED_FOR if shown else NOT_REMEMBERED

    return answer(request, remembered(Place(key_of(name, language_now(), page, size), [catalogue_version()]), make))


def place_of_detail(tour_id: Any, asked: dict[str, Any]) -> Place:
    """Where the page of a tour is remembered."""
    key = key_of("detail", tour_id, language_now(), asked.get("currency"), asked["translations"])
    return Place(key, [catalogue_version(), seats_version(tour_id)])


def detailed(request: Any, given: str, asked: dict[str, Any]) -> HttpResponse:
    """The page of a public tour; for staff that of any other as well, never remembered."""
    language, currency = language_now(), asked.get("currency")
    try:
        tour_id = tour_id_of(given)

        def make() -> Made:
            body = detail.tour_document(tour_id, language=language)
            if asked["translations"]:
                body = orjson.dumps(orjson.loads(body) | {"translations": detail.translations(tour_id)})
            return (currencies.in_currency(body, currency) if currency else body), AVAILABLE_FOR

        shown = answer(request, remembered(place_of_detail(tour_id, asked), make, brought(request)))
        count_view(request, tour_id)
        return shown
    except TourNotFound:
        if not request.user.has_perm("tours.view_tour"):
            raise
        return answer(request, staff.preview(given, language), kept=NEVER_KEPT)


def tour_id_of(given: str) -> Any:
    """The id behind an id or slug. Which slug is whose is remembered like everything else."""
    tour_id = detail.as_uuid(given)
    if tour_id is None:
        stored = remembered(
            Place(key_of("slug", given), [catalogue_version()]),
            lambda: (str(detail.public_tour_id(given)).encode(), LISTED_FOR),  # unknown ones raise: not remembered
        )
        tour_id = detail.as_uuid(stored.decode())
    return tour_id


class SimilarTours(PublicRead):
    @read_schema(shapes.SimilarSerializer, filters.SimilarQuery, operation_id="tours_similar")
    def get(self, request: Any, given: str) -> HttpResponse:
        """Others that can be booked and are like it, the most alike first."""
        asked, language, tour_id = self.asked(filters.SimilarQuery), language_now(), tour_id_of(given)
        currency = asked.get("currency")

        def make() -> Made:
            body = similar.similar_tours(tour_id, asked["size"], language=language)
            return (currencies.in_currency(body, currency) if currency else body), AVAILABLE_FOR

        key = key_of("similar", tour_id, asked["size"], language, currency)
        return answer(request, remembered(Place(key, [catalogue_version()]), make))


class Calendar(PublicRead):
    @read_schema(shapes.CalendarSerializer, filters.CalendarQuery, operation_id="tours_calendar")
    def get(self, request: Any, given: str) -> HttpResponse:
        """One entry for each day of a month."""
        asked, language, tour_id = self.asked(filters.CalendarQuery), language_now(), tour_id_of(given)
        month = asked.get("month") or f"{localdate():%Y-%m}"
        guests, currency = asked.get("guests"), asked.get("currency")

        def make() -> Made:
            body = availability.calendar(tour_id, month, guests, language=language)
            return (currencies.in_currency(body, currency) if currency else body), AVAILABLE_FOR

        key = key_of("calendar", tour_id, month, guests, language, currency)
        return answer(request, remembered(Place(key, [catalogue_version(), seats_version(tour_id)]), make))


class PriceCalendar(PublicRead):
    @read_schema(shapes.PriceCalendarSerializer, filters.PriceCalendarQuery, operation_id="tours_prices")
    def get(self, request: Any, given: str) -> HttpResponse:
        """From how much a party can go, for each day of some months on which it can book."""
        asked, tour_id = self.asked(filters.PriceCalendarQuery), tour_id_of(given)
        month, months = asked.get("from") or f"{localdate():%Y-%m}", asked["months"]
        guests, currency = asked["guests"], asked.get("currency")

        def make() -> Made:
            first = filters.month_days(month)[0]
            last = filters.month_days(f"{first + relativedelta(months=months - 1):%Y-%m}")[1]
            return price_calendar(tour_id, first, last, filters.as_party(guests), currency), AVAILABLE_FOR

        key = key_of("prices", tour_id, month, months, guests, currency)
        return answer(request, remembered(Place(key, [catalogue_version(), seats_version(tour_id)]), make))


def place_of_availability(tour_id: Any, asked: dict[str, Any]) -> Place:
    """Where the departures of some days are remembered."""
    key = key_of("availability", tour_id, language_now(), sorted(asked.items()))
    return Place(key, [catalogue_version(), seats_version(tour_id)])


def available(request: Any, given: str, asked: dict[str, Any]) -> HttpResponse:
    """The departures of a public tour; for staff those of any other as well, never remembered."""
    language, currency = language_now(), asked.get("currency")
    try:
        tour_id = tour_id_of(given)

        def make() -> Made:
            body = availability.availability(tour_id, asked, language=language)
            return (currencies.in_currency(body, currency) if currency else body), AVAILABLE_FOR

        return answer(request, remembered(place_of_availability(tour_id, asked), make, brought(request)))
    except TourNotFound:
        if not request.user.has_perm("tours.view_departure"):
            raise
        body = availability.availability(detail.any_tour(given).pk, asked, language=language, for_staff=True)
        return answer(request, body, kept=NEVER_KEPT)
