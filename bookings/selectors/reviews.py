"""Reads of reviews: what a tour's page shows, and how the stars are spread."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from bookings.models import Review, ReviewStatus
from tours.models import Tour

ORDERS = {
    "newest": ("-created_at", "pk"),
    "oldest": ("created_at", "pk"),
    "highest": ("-rating", "-created_at", "pk"),
    "lowest": ("rating", "-created_at", "pk"),
    "helpful": ("-helpful_count", "-created_at", "pk"),
}


def shown_reviews(
    tour_id: UUID, *, sort: str = "newest", stars: tuple[str, ...] = (), language: str = "", with_photos: bool = False
) -> Any:
    """The reviews that everyone may read, with their photos."""
    reviews = Review.objects.shown().filter(tour_id=tour_id).prefetch_related("photos")
    if stars:
        reviews = reviews.filter(rating__in=[int(star) for star in stars])
    if language:
        reviews = reviews.filter(language=language)
    if with_photos:
        reviews = reviews.filter(photos__isnull=False).distinct()
    return reviews.order_by(*ORDERS[sort])


def rating_of(tour_id: UUID) -> dict[str, Any]:
    """Average, number, and how many gave how many stars. One query."""
    counts = {
        f"stars_{star}": Count("reviews", filter=Q(reviews__rating=star, reviews__status=ReviewStatus.APPROVED))
        for star in range(1, 6)
    }
    row: Any = (
        Tour.objects.filter(pk=tour_id).annotate(**counts).values("rating_average", "rating_count", *counts).get()
    )
    return {
        "rating_average": float(row["rating_average"]),
        "rating_count": row["rating_count"],
        "distribution": {str(star): row[f"stars_{star}"] for star in range(5, 0, -1)},
    }
