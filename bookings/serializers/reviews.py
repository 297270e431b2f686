"""Reviews as they are sent and answered."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Language
from bookings.models import ReportReason, Review, ReviewPhoto
from bookings.models.reviews import LONGEST, SHORTEST
from bookings.selectors.reviews import ORDERS
from bookings.serializers.requests import WholeNumber
from config.i18n import in_language
from config.pictures import shown
from tours.filters.public import CommaSeparated, PageQuery
from tours.serializers.reading import PageSerializer, PictureShownSerializer


class ReviewQuery(PageQuery):
    sort = serializers.ChoiceField(required=False, choices=list(ORDERS), default="newest")
    stars = CommaSeparated(required=False, choices=["1", "2", "3", "4", "5"], help_text="`5,4`: only these.")
    language = serializers.ChoiceField(required=False, choices=Language.choices, help_text="Of the text.")
    with_photos = serializers.BooleanField(required=False, default=False)


class WriteReview(serializers.Serializer):
    rating = WholeNumber(min_value=1, max_value=5)
    title = serializers.CharField(required=False, allow_blank=True, max_length=120, default="")
    text = serializers.CharField(min_length=SHORTEST, max_length=LONGEST)
    language = serializers.ChoiceField(
        choices=Language.choices, required=False, help_text="By default that of the request."
    )


class EditReview(serializers.Serializer):
    rating = WholeNumber(min_value=1, max_value=5, required=False)
    title = serializers.CharField(required=False, allow_blank=True, max_length=120)
    text = serializers.CharField(required=False, min_length=SHORTEST, max_length=LONGEST)
    language = serializers.ChoiceField(choices=Language.choices, required=False)


class PhotoUpload(serializers.Serializer):
    """Sent as `multipart/form-data`."""

    file = serializers.FileField(help_text="JPEG, PNG, WebP or GIF; checked by its content.")


class Report(serializers.Serializer):
    reason = serializers.ChoiceField(choices=ReportReason.choices)
    note = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")


class Rejection(serializers.Serializer):
    reason = serializers.CharField(max_length=500, help_text="The author reads it.")


class Reply(serializers.Serializer):
    text = serializers.CharField(allow_blank=True, max_length=2000, help_text="Empty takes the reply away.")


class ReplyAnswer(serializers.Serializer):
    text = serializers.CharField()
    at = serializers.DateTimeField()


class ReviewAnswer(serializers.ModelSerializer):
    """A review as everyone may read it."""

    author = serializers.CharField(source="author_name")
    photos = serializers.SerializerMethodField()
    reply = serializers.SerializerMethodField()

    class Meta:
        model = Review
        fields: list[str] = [
            *("id", "author", "travelled_on", "rating", "title", "text", "language", "photos", "reply"),
            *("helpful_count", "created_at", "edited_at"),
        ]

    @extend_schema_field(PictureShownSerializer(many=True))
    def get_photos(self, review: Review) -> list[dict[str, Any]]:
        return [photo_shown(photo) for photo in review.photos.all()]

    @extend_schema_field(ReplyAnswer(allow_null=True))
    def get_reply(self, review: Review) -> dict[str, Any] | None:
        return {"text": review.reply, "at": review.replied_at} if review.reply else None


class ReviewedTour(serializers.Serializer):
    id = serializers.UUIDField()
    title = serializers.CharField()


class OwnReviewAnswer(ReviewAnswer):
    """A review as its author sees it."""

    class Meta(ReviewAnswer.Meta):
        fields = [*ReviewAnswer.Meta.fields, "status", "reason"]


class StaffReviewAnswer(OwnReviewAnswer):
    tour = serializers.SerializerMethodField()
    booking = serializers.CharField(source="booking.reference")

    class Meta(ReviewAnswer.Meta):
        fields = [*OwnReviewAnswer.Meta.fields, "tour", "booking", "open_reports", "moderated_at"]

    @extend_schema_field(ReviewedTour)
    def get_tour(self, review: Review) -> dict[str, str]:
        return {"id": str(review.tour_id), "title": in_language(review.tour, "title")}


class DistributionSerializer(serializers.Serializer):
    def get_fields(self) -> dict[str, Any]:
        return {str(star): serializers.IntegerField() for star in range(5, 0, -1)}


class ReviewPageSerializer(PageSerializer):
    items = ReviewAnswer(many=True)
    rating_average = serializers.FloatField(help_text="Of all shown reviews of the tour, whatever was filtered.")
    rating_count = serializers.IntegerField()
    distribution = DistributionSerializer()


class CountsAnswer(serializers.Serializer):
    helpful_count = serializers.IntegerField()


def photo_shown(photo: ReviewPhoto) -> dict[str, Any]:
    return shown(photo, str(_("Photo of a guest")))
