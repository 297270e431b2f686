"""Reviews: read by everyone, written by those who travelled, looked at by staff."""

from typing import Any
from uuid import UUID

import django_filters
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import Needs
from bookings.access import actor_of, booking_for, opened_by_token
from bookings.errors import ReviewNotFound
from bookings.models import Booking, Review, ReviewStatus
from bookings.selectors import reviews as reads
from bookings.serializers import reviews as shapes
from bookings.services import reviews as services
from bookings.views.bookings import BOOKING_TOKEN
from config.i18n import language_now
from config.idempotency import once
from config.pagination import page_of
from tours.errors import TourNotFound
from tours.filters.public import checked_query
from tours.models import Tour
from tours.selectors.detail import as_slug, as_uuid

GONE = OpenApiResponse(description="It is gone.")
DONE = OpenApiResponse(description="Done, or done before.")


def checked(form: Any, request: Any, **how: Any) -> dict[str, Any]:
    sent = form(data=request.data, **how)
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)


class TourReviews(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        parameters=[shapes.ReviewQuery],
        responses={200: shapes.ReviewPageSerializer},
        operation_id="tours_reviews",
        tags=["catalogue"],
    )
    def get(self, request: Any, given: str) -> Response:
        """What those who travelled say of a tour, and how the stars are spread."""
        asked = checked_query(shapes.ReviewQuery, request.META.get("QUERY_STRING", ""))
        tour_id = as_uuid(given)
        tours = Tour.objects.public().filter(**({"pk": tour_id} if tour_id else {"slug": as_slug(given)}))
        tour_id = tours.values_list("pk", flat=True).first()
        if tour_id is None:
            raise TourNotFound
        found = reads.shown_reviews(
            tour_id,
            sort=asked["sort"],
            stars=asked.get("stars", ()),
            language=asked.get("language", ""),
            with_photos=asked["with_photos"],
        )
        start = (asked["page"] - 1) * asked["size"]
        items = shapes.ReviewAnswer(found[start : start + asked["size"]], many=True).data
        page = page_of(items, total=found.count(), page=asked["page"], size=asked["size"])
        return Response(page | reads.rating_of(tour_id))


# --- The author's ---


def own_booking(request: Any, booking_id: UUID) -> Booking:
    """A booking whose customer asks, or whoever holds its link: staff and agents do not review for others."""
    booking = booking_for(request, booking_id)
    is_customer = request.user.is_authenticated and request.user.pk == booking.customer_id
    if not is_customer and not opened_by_token(request, booking_id):
        raise PermissionDenied
    return booking


def own_review(request: Any, booking_id: UUID) -> Review:
    booking = own_booking(request, booking_id)
    review = Review.objects.prefetch_related("photos").filter(booking=booking).first()
    if review is None:
        raise ReviewNotFound
    return review


def shown(review_id: UUID) -> dict[str, Any]:
    return dict(shapes.OwnReviewAnswer(Review.objects.prefetch_related("photos").get(pk=review_id)).data)


class BookingReview(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        responses={200: shapes.OwnReviewAnswer}, parameters=BOOKING_TOKEN, operation_id="bookings_review_retrieve"
    )
    def get(self, request: Any, booking_id: UUID) -> Response:
        """My review of this trip, and whether it is shown."""
        return Response(shapes.OwnReviewAnswer(own_review(request, booking_id)).data)

    @extend_schema(
        request=shapes.WriteReview,
        responses={201: shapes.OwnReviewAnswer},
        parameters=BOOKING_TOKEN,
        operation_id="bookings_review_create",
    )
    @once("reviews")
    def post(self, request: Any, booking_id: UUID) -> Response:
        """Review the trip once it is over: one review a booking. Photos are added afterwards."""
        booking = own_booking(request, booking_id)
        said = {"language": language_now()} | checked(shapes.WriteReview, request)
        review = services.write_review(booking_id=booking.pk, actor=actor_of(request), **said)
        return Response(shown(review.pk), status=201)

    @extend_schema(
        request=shapes.EditReview,
        responses={200: shapes.OwnReviewAnswer},
        parameters=BOOKING_TOKEN,
        operation_id="bookings_review_partial_update",
    )
    def patch(self, request: Any, booking_id: UUID) -> Response:
        """Change my review. It is not shown until staff have looked at it again."""
        review = own_review(request, booking_id)
        services.edit_review(review_id=review.pk, changes=checked(shapes.EditReview, request), actor=actor_of(request))
        return Response(shown(review.pk))

    @extend_schema(responses={204: GONE}, parameters=BOOKING_TOKEN, operation_id="bookings_review_destroy")
    def delete(self, request: Any, booking_id: UUID) -> Response:
        """Take my review away, with its photos."""
        services.delete_review(review_id=own_review(request, booking_id).pk, actor=actor_of(request))
        return Response(status=204)


class ReviewPhotos(APIView):
    permission_classes = [AllowAny]
    parser_classes = [MultiPartParser]

    @extend_schema(
        request={"multipart/form-data": shapes.PhotoUpload},
        responses={201: shapes.OwnReviewAnswer},
        parameters=BOOKING_TOKEN,
        operation_id="bookings_review_photos_create",
    )
    def post(self, request: Any, booking_id: UUID) -> Response:
        """Add a photo to my review: eight at most. What it says of place and camera is taken off."""
        review = own_review(request, booking_id)
        upload = checked(shapes.PhotoUpload, request)["file"]
        services.add_photo(review_id=review.pk, upload=upload, actor=actor_of(request))
        return Response(shown(review.pk), status=201)


class ReviewPhotoView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(responses={204: GONE}, parameters=BOOKING_TOKEN, operation_id="bookings_review_photos_destroy")
    def delete(self, request: Any, booking_id: UUID, photo_id: UUID) -> Response:
        """Take a photo of my review away."""
        review = own_review(request, booking_id)
        services.delete_photo(review_id=review.pk, photo_id=photo_id, actor=actor_of(request))
        return Response(status=204)


# --- The readers' ---


class ReportView(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(request=shapes.Report, responses={202: DONE}, operation_id="reviews_report", tags=["reviews"])
    def post(self, request: Any, review_id: UUID) -> Response:
        """Ask staff to look at a review. Once: a repeat changes nothing."""
        services.report_review(review_id=review_id, actor=request.user, **checked(shapes.Report, request))
        return Response(status=202)


class HelpfulView(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        request=None, responses={200: shapes.CountsAnswer}, operation_id="reviews_helpful_create", tags=["reviews"]
    )
    def post(self, request: Any, review_id: UUID) -> Response:
        """I found this helpful. Once: a repeat changes nothing."""
        return Response({"helpful_count": services.find_helpful(review_id=review_id, actor=request.user).helpful_count})

    @extend_schema(responses={200: shapes.CountsAnswer}, operation_id="reviews_helpful_destroy", tags=["reviews"])
    def delete(self, request: Any, review_id: UUID) -> Response:
        """Not any more."""
        review = services.find_helpful_no_more(review_id=review_id, actor=request.user)
        return Response({"helpful_count": review.helpful_count})


# --- Staff's ---


class StaffReviewFilter(django_filters.FilterSet):
    status = django_filters.MultipleChoiceFilter(choices=ReviewStatus.choices)
    tour = django_filters.UUIDFilter(field_name="tour_id")
    rating = django_filters.NumberFilter(min_value=1, max_value=5)
    to_look_at = django_filters.BooleanFilter(method="waiting", help_text="New ones, and shown ones with open reports.")

    class Meta:
        model = Review
        fields: list[str] = []

    def waiting(self, reviews: Any, name: str, value: bool) -> Any:
        return reviews.to_look_at() if value else reviews


@extend_schema_view(get=extend_schema(tags=["back-office"], operation_id="admin_reviews_list"))
class StaffReviews(ListAPIView):
    """All reviews, the newest first."""

    permission_classes = [Needs("bookings.view_review")]
    serializer_class = shapes.StaffReviewAnswer
    filterset_class = StaffReviewFilter

    def get_queryset(self) -> Any:
        return Review.objects.select_related("tour", "booking").prefetch_related("photos").order_by("-created_at", "pk")


def for_staff(review: Review) -> Response:
    full = Review.objects.select_related("tour", "booking").prefetch_related("photos").get(pk=review.pk)
    return Response(shapes.StaffReviewAnswer(full).data)


class StaffReview(APIView):
    permission_classes = [Needs("bookings.delete_review")]

    @extend_schema(responses={204: GONE}, tags=["back-office"], operation_id="admin_reviews_destroy")
    def delete(self, request: Any, review_id: UUID) -> Response:
        """Delete a review for good, with its photos."""
        services.delete_review(review_id=review_id, actor=request.user)
        return Response(status=204)


class ApproveView(APIView):
    permission_classes = [Needs("bookings.change_review")]

    @extend_schema(
        request=None,
        responses={200: shapes.StaffReviewAnswer},
        tags=["back-office"],
        operation_id="admin_reviews_approve",
    )
    def post(self, request: Any, review_id: UUID) -> Response:
        """Show it, and settle what was reported of it."""
        return for_staff(services.approve_review(review_id=review_id, actor=request.user))


class RejectView(APIView):
    permission_classes = [Needs("bookings.change_review")]

    @extend_schema(
        request=shapes.Rejection,
        responses={200: shapes.StaffReviewAnswer},
        tags=["back-office"],
        operation_id="admin_reviews_reject",
    )
    def post(self, request: Any, review_id: UUID) -> Response:
        """Do not show it, and say why."""
        said = checked(shapes.Rejection, request)
        return for_staff(services.reject_review(review_id=review_id, actor=request.user, **said))


class ReplyView(APIView):
    permission_classes = [Needs("bookings.change_review")]

    @extend_schema(
        request=shapes.Reply,
        responses={200: shapes.StaffReviewAnswer},
        tags=["back-office"],
        operation_id="admin_reviews_reply",
    )
    def put(self, request: Any, review_id: UUID) -> Response:
        """Answer below the review, for everyone to read; its author gets a mail."""
        said = checked(shapes.Reply, request)
        return for_staff(services.reply_to_review(review_id=review_id, actor=request.user, **said))
