"""Asking for a review by mail, once for each booking, some days after the trip."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower
from django.utils.timezone import now

from bookings.models import Booking, BookingStatus, Review, ReviewOptOut, ReviewRequest
from config.tenancy import tenant_at_hand
from notifications.outbox import announce

# Who travelled longer ago than this is not asked any more: after an outage, or where asking was just switched on.
ASKED_FOR_DAYS = 21
BATCH = 500


def ask_for_reviews() -> int:
    """Ask the contacts of trips that ended as many days ago as the operator wants; returns how many were asked."""
    days = tenant_at_hand().reviews_ask_after_days
    if not days:
        return 0
    latest = now() - timedelta(days=days)
    travelled = Booking.objects.filter(
        status=BookingStatus.COMPLETED, ends_at__lte=latest, ends_at__gt=latest - timedelta(days=ASKED_FOR_DAYS)
    )
    unasked = travelled.annotate(contact=Lower("contact_email")).exclude(
        Exists(ReviewRequest.objects.filter(booking=OuterRef("pk")))
        | Exists(Review.objects.filter(booking=OuterRef("pk")))
        | Exists(ReviewOptOut.objects.filter(email=OuterRef("contact")))
    )
    return sum(_ask(pk) for pk in unasked.order_by("ends_at").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _ask(booking_id: UUID) -> bool:
    """The row is unique: two jobs at once ask once."""
    request = ReviewRequest(booking_id=booking_id)
    ReviewRequest.objects.bulk_create([request], ignore_conflicts=True)
    if not ReviewRequest.objects.filter(pk=request.pk).exists():
        return False
    announce("booking.review_wanted", Booking.objects.get(pk=booking_id))
    return True


def ask_no_more(booking: Booking) -> None:
    """The booking's contact is not asked for reviews any more, whatever they book. Safe to repeat."""
    ReviewOptOut.objects.bulk_create([ReviewOptOut(email=booking.contact_email.lower())], ignore_conflicts=True)


def ask_again(booking: Booking) -> None:
    """The contact may be asked again. Safe to repeat."""
    ReviewOptOut.objects.filter(email=booking.contact_email.lower()).delete()


def is_opted_out(booking: Any) -> bool:
    return ReviewOptOut.objects.filter(email=booking.contact_email.lower()).exists()
