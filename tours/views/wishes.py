"""Wish lists: the caller's own, and those that others share."""

from typing import Any

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from config.i18n import language_now
from config.pagination import page_of
from tours.answers import NEVER_KEPT, answer
from tours.filters import public as filters
from tours.selectors import detail, wishes
from tours.serializers import wishes as shapes
from tours.services import wishes as services
from tours.views.writing import checked

GONE = OpenApiResponse(description="It is gone.")


def list_body(customer_id: Any, asked: dict[str, Any], **more: Any) -> bytes:
    """A page of somebody's list."""
    page, size = asked["page"], asked["size"]
    total, items = wishes.saved_tours(
        customer_id, language=language_now(), page=page, size=size, newest_first=asked.get("sort_order") == "desc"
    )
    numbers = page_of(None, total=total, page=page, size=size)
    numbers.pop("items")
    return b'{"items":[' + items.encode() + b"]," + orjson.dumps(numbers | more)[1:]


def asked_page(request: Any) -> dict[str, Any]:
    return filters.checked_query(filters.WishListQuery, request.META.get("QUERY_STRING", ""))


class WishList(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="wishlist",
        parameters=[filters.WishListQuery],
        responses=shapes.WishListSerializer,
        tags=["wish list"],
    )
    def get(self, request: Any) -> HttpResponse:
        """What the caller saved, in the order saved. What is off sale is left out until it is back."""
        return answer(request, list_body(request.user.pk, asked_page(request)), kept=NEVER_KEPT)


class Wish(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="wishlist_save",
        request=None,
        responses={200: shapes.SavedSerializer, 201: shapes.SavedSerializer},
        tags=["wish list"],
    )
    def put(self, request: Any, given: str) -> Response:
        """Save a tour (id or slug) for later: 201, or 200 when it is on the list already."""
        tour_id = detail.as_uuid(given) or detail.public_tour_id(given)
        saved, is_new = services.save_tour(tour_id=tour_id, customer_id=request.user.pk, actor=request.user)
        return Response(shapes.SavedSerializer(saved).data, status=201 if is_new else 200)

    @extend_schema(operation_id="wishlist_forget", responses={204: GONE}, tags=["wish list"])
    def delete(self, request: Any, given: str) -> Response:
        """Take a tour off the list, whether it was there or not."""
        tour_id = detail.as_uuid(given) or detail.any_tour_id(given)
        services.forget_tour(tour_id=tour_id, customer_id=request.user.pk, actor=request.user)
        return Response(status=204)


class MergeWishes(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="wishlist_merge",
        request=shapes.MergeSerializer,
        responses=shapes.MergedSerializer,
        tags=["wish list"],
    )
    def post(self, request: Any) -> Response:
        """After signing in: take over what the guest's device had saved, in its order. Safe to repeat."""
        tours = checked(shapes.MergeSerializer, request)["tours"]
        merged = services.merge_list(tour_ids=tours, customer_id=request.user.pk, actor=request.user)
        return Response(shapes.MergedSerializer(merged).data)


class ShareWishes(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(operation_id="wishlist_share", request=None, responses=shapes.ShareSerializer, tags=["wish list"])
    def post(self, request: Any) -> Response:
        """The link that shows the list, as it is when opened, to whoever has it; always the same until it is ended."""
        shared = services.share_list(customer_id=request.user.pk, actor=request.user)
        return Response({"token": wishes.link_token(shared), "url": wishes.list_link(shared)})

    @extend_schema(operation_id="wishlist_unshare", responses={204: GONE}, tags=["wish list"])
    def delete(self, request: Any) -> Response:
        """End the link."""
        services.stop_sharing(customer_id=request.user.pk, actor=request.user)
        return Response(status=204)


class SharedWishes(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="wishlist_shared",
        parameters=[filters.WishListQuery],
        responses=shapes.SharedListSerializer,
        tags=["wish list"],
    )
    def get(self, request: Any, token: str) -> HttpResponse:
        """Somebody's list, for whoever has the link. It says their first name and nothing else of them."""
        asked, shared = asked_page(request), wishes.shared_list(token)
        body = list_body(shared.customer_id, asked, name=shared.customer.first_name)
        return answer(request, body, kept=NEVER_KEPT)
