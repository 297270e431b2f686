"""Quotes and holds."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from bookings import pricing, services
from bookings.access import actor_of
from bookings.errors import GuestsMayNotBook
from bookings.serializers import swift
from bookings.serializers.answers import HoldAnswer, QuoteAnswer, hold_answer
from bookings.serializers.requests import NewHold, NewQuote
from config.errors import DomainError
from config.idempotency import body_hash, caller_of, key_of, once, replay
from config.schema import IDEMPOTENCY_KEY
from tours.prices import load_terms
from tours.selectors.choices import left_of

HOLD_TOKEN = OpenApiParameter(
    "X-Hold-Token", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The secret that a guest got with the hold."
)


def may_not_book(request: Any) -> bool:
    """Strangers may hold and book where the operator allows it."""
    return not request.user.is_authenticated and not request.tenant.guests_may_book


def refuse_guests_where_not_wanted(request: Any) -> None:
    """Raises `GuestsMayNotBook`."""
    if may_not_book(request):
        raise GuestsMayNotBook


def client_key(request: Any, route: str, answer: Callable[[Any], Any]) -> services.ClientKey | None:
    """The Idempotency-Key that came with the request, to be written with what it asks for and a 201."""
    value = key_of(request)
    if value is None:
        return None
    return services.ClientKey(caller_of(request), route, value, body_hash(request), 201, answer)


def validated(form: type[Serializer], data: Any) -> dict[str, Any]:
    """What the serializer makes of the body. Raises its `ValidationError`."""
    asked = form(data=data)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


class QuoteView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(request=NewQuote, responses={200: QuoteAnswer}, operation_id="quotes_create")
    def post(self, request: Any) -> Response:
        """The price of a party on a departure, line by line. It keeps no seats."""
        asked = validated(NewQuote, request.data)
        terms = load_terms(asked["departure_id"])
        quote = pricing.quote(**asked, customer=actor_of(request), terms=terms)
        return Response(pricing.in_words(quote.as_json()) | {"extras_left": left_of(terms)})


class HoldsView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        request=NewHold, responses={201: HoldAnswer}, parameters=[IDEMPOTENCY_KEY], operation_id="holds_create"
    )
    def post(self, request: Any) -> Response:
        """Keep the party's seats for a while at today's price."""
        refuse_guests_where_not_wanted(request)
        key = client_key(request, "holds", hold_answer)
        asked = swift.wanted_hold(request) or validated(NewHold, request.data)
        try:
            hold = services.hold_seats_swiftly(**asked, actor=actor_of(request), key=key)
        except DomainError:
            # The repeat that took the last seats must get its first answer, not a refusal.
            first = replay(key.caller, key.route, key.value, key.body_hash) if key else None
            if first is None:
                raise
            return first
        return Response(hold_answer(hold), status=201)


class HoldView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(responses={200: HoldAnswer}, parameters=[HOLD_TOKEN], operation_id="holds_retrieve")
    def get(self, request: Any, hold_id: UUID) -> Response:
        """One's own hold."""
        hold = services.find_hold(hold_id=hold_id, actor=actor_of(request), token=given_hold_token(request))
        return Response(hold_answer(hold))

    @extend_schema(responses={204: None}, parameters=[HOLD_TOKEN], operation_id="holds_destroy")
    def delete(self, request: Any, hold_id: UUID) -> Response:
        """Give the seats back."""
        services.release_hold(hold_id=hold_id, actor=actor_of(request), token=given_hold_token(request))
        return Response(status=204)


class HoldExtensionView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        request=None,
        responses={200: HoldAnswer},
        parameters=[HOLD_TOKEN, IDEMPOTENCY_KEY],
        operation_id="holds_extend_create",
    )
    @once("holds.extend")
    def post(self, request: Any, hold_id: UUID) -> Response:
        """Start the hold's time anew, as often as the operator allows."""
        hold = services.extend_hold(hold_id=hold_id, actor=actor_of(request), token=given_hold_token(request))
        return Response(hold_answer(hold))


def given_hold_token(request: Any) -> str:
    return str(request.headers.get("X-Hold-Token", ""))
