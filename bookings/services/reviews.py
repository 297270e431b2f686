"""Reviews: written by those who travelled, looked at by staff, counted onto the tour.

Whatever changes which reviews are shown, or their stars, ends with `_count`, in the same transaction. Locks are taken in the
order booking, review, tour.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils.timezone import now

from accounts.audit import differences, record, snapshot
from bookings.errors import (
    AlreadyReviewed,
    NotTravelledYet,
    OwnReview,
    PhotoNotFound,
    ReasonRequired,
    ReviewNotFound,
    TooManyPhotos,
)
from bookings.models import Booking, BookingStatus, HelpfulVote, Review, ReviewPhoto, ReviewReport, ReviewStatus
from config.ids import uuid7
from config.images import checked_image
from config.pictures import due_pictures, make_sizes
from config.tenancy import tenant_at_hand
from notifications.outbox import announce, send_task
from tours.services.images import drop_files
from tours.services.ratings import rate_tour

MOST_PHOTOS = 8
WORDS = ("rating", "title", "text", "language")


@transaction.atomic
def write_review(*, booking_id: UUID, rating: int, text: str, language: str, title: str = "", actor: Any) -> Review:
    """A review of the tour of a booking, once the trip is over.

    It waits to be looked at, unless the operator shows so many stars at once. Raises `BookingNotFound`, `NotTravelledYet`,
    `AlreadyReviewed`.
    """
    booking = _travelled(booking_id)
    if Review.objects.filter(booking=booking).exists():
        raise AlreadyReviewed
    trip = booking.trip
    review = Review(
        booking=booking,
        tour_id=trip.tour_id,
        author_id=booking.customer_id,
        author_name=name_shown(booking.contact_name),
        travelled_on=trip.local_date,
        rating=rating,
        title=title.strip(),
        text=text.strip(),
        language=language,
    )
    shown_from = tenant_at_hand().reviews_approve_from
    if shown_from is not None and rating >= shown_from:
        review.status, review.moderated_at = ReviewStatus.APPROVED, now()
    review.save(force_insert=True)
    record("bookings.review.written", review, actor=actor, after=_facts(review))
    announce("review.written", review)
    if review.status == ReviewStatus.APPROVED:
        _count(review)
    return review


@transaction.atomic
def edit_review(*, review_id: UUID, changes: dict[str, Any], actor: Any) -> Review:
    """Its author changes stars, title, text or language: it is not shown until staff have looked at it again."""
    review = lock_review(review_id)
    before = _facts(review)
    for name in WORDS:
        if name in changes:
            value = changes[name]
            setattr(review, name, value.strip() if isinstance(value, str) else value)
    old, new = differences(before, _facts(review))
    if new:
        review.edited_at = now()
        review.save(update_fields=[*new, "edited_at"])
        _wait_again(review)
        record("bookings.review.edited", review, actor=actor, before=old, after=new)
    return review


@transaction.atomic
def delete_review(*, review_id: UUID, actor: Any, reason: str = "") -> None:
    """Gone for good, with its photos; its booking may be reviewed anew. Raises `ReviewNotFound`."""
    review = lock_review(review_id)
    record("bookings.review.deleted", review, actor=actor, before=_facts(review), reason=reason)
    drop_files(review, [name for photo in review.photos.all() for name in photo.files()])
    tour_id = review.tour_id
    review.delete()
    rate_tour(tour_id=tour_id, ratings=Review.objects.shown())


# --- Staff ---


@transaction.atomic
def approve_review(*, review_id: UUID, actor: Any) -> Review:
    """Show it, and settle what was reported of it. Safe to repeat. Raises `ReviewNotFound`."""
    review = lock_review(review_id)
    _settle_reports(review)
    if review.status == ReviewStatus.APPROVED:
        return review
    _decide(review, ReviewStatus.APPROVED, actor, "")
    record("bookings.review.approved", review, actor=actor)
    announce("review.approved", review)
    return review


@transaction.atomic
def reject_review(*, review_id: UUID, actor: Any, reason: str) -> Review:
    """Do not show it; its author reads why. Safe to repeat. Raises `ReviewNotFound`, `ReasonRequired`."""
    reason = reason.strip()[:500]
    if not reason:
        raise ReasonRequired(details={"reason": [str(ReasonRequired.message)]})
    review = lock_review(review_id)
    _settle_reports(review)
    if (review.status, review.reason) == (ReviewStatus.REJECTED, reason):
        return review
    _decide(review, ReviewStatus.REJECTED, actor, reason)
    record("bookings.review.rejected", review, actor=actor, reason=reason)
    return review


@transaction.atomic
def reply_to_review(*, review_id: UUID, text: str, actor: Any) -> Review:
    """Answer below the review for everyone to read; its author gets a mail. An empty text takes the answer away."""
    review, text = lock_review(review_id), text.strip()
    if review.reply == text:
        return review
    before, review.reply = review.reply, text
    review.replied_by_id, review.replied_at = (actor.pk, now()) if text else (None, None)
    review.save(update_fields=["reply", "replied_by", "replied_at"])
    record("bookings.review.replied", review, actor=actor, before={"reply": before}, after={"reply": text})
    if text:
        announce("review.replied", review)
    return review


# --- Readers ---


@transaction.atomic
def report_review(*, review_id: UUID, reason: str, note: str = "", actor: Any) -> Review:
    """Ask staff to look at a shown review. Each person once: a repeat changes nothing. Raises `ReviewNotFound`, `OwnReview`."""
    review = _shown_to_others(review_id, actor)
    if _added(ReviewReport(review=review, user_id=actor.pk, reason=reason, note=note.strip())):
        _count_reports(review)
        announce("review.reported", review)
    return review


@transaction.atomic
def find_helpful(*, review_id: UUID, actor: Any) -> Review:
    """Each person once: a repeat changes nothing. Raises `ReviewNotFound`, `OwnReview`."""
    review = _shown_to_others(review_id, actor)
    if _added(HelpfulVote(review=review, user_id=actor.pk)):
        _count_votes(review)
    return review


@transaction.atomic
def find_helpful_no_more(*, review_id: UUID, actor: Any) -> Review:
    """Safe to repeat."""
    review = lock_review(review_id)
    if HelpfulVote.objects.filter(review=review, user_id=actor.pk).delete()[0]:
        _count_votes(review)
    return review


# --- Photos ---


def add_photo(*, review_id: UUID, upload: Any, actor: Any) -> ReviewPhoto:
    """A photo, checked by its content and stripped; the review waits to be looked at again.

    Raises `InvalidInput`, `ReviewNotFound`, `TooManyPhotos`.
    """
    return _keep_photo(review_id, checked_image(upload, "file"), actor)


@transaction.atomic
def _keep_photo(review_id: UUID, picture: Any, actor: Any) -> ReviewPhoto:
    review = lock_review(review_id)
    if review.photos.count() >= MOST_PHOTOS:
        raise TooManyPhotos(most=MOST_PHOTOS)
    photo = ReviewPhoto(review=review)
    ending = str(picture.name).rpartition(".")[2]
    photo.file.save(f"{uuid7().hex[-16:]}.{ending}", picture, save=False)
    photo.save(force_insert=True)
    transaction.on_commit(partial(send_task, "bookings.tasks.make_photo_sizes", str(photo.pk)))
    record("bookings.review.photo_added", review, actor=actor, after={"photo": photo.file.name})
    _wait_again(review)
    return photo


@transaction.atomic
def delete_photo(*, review_id: UUID, photo_id: UUID, actor: Any) -> None:
    """What is left stays shown. Raises `ReviewNotFound`, `PhotoNotFound`."""
    review = lock_review(review_id)
    photo = ReviewPhoto.objects.filter(pk=photo_id, review=review).first()
    if photo is None:
        raise PhotoNotFound
    drop_files(review, photo.files())
    record("bookings.review.photo_deleted", review, actor=actor, before={"photo": photo.file.name})
    photo.delete()


def make_photo_sizes(photo_id: UUID) -> bool:
    """The sizes of a photo. False where there is nothing to do."""
    return make_sizes(ReviewPhoto, photo_id, told=_drop_unused)


def sweep_photos() -> int:
    """The sizes that a crash or a lost message left; returns how many photos got theirs."""
    return sum(make_photo_sizes(photo_id) for photo_id in due_pictures(ReviewPhoto))


def _drop_unused(photo: ReviewPhoto, unused: Sequence[str]) -> None:
    drop_files(photo.review, unused)


# --- What they share ---


def lock_review(review_id: UUID) -> Review:
    """The review, locked. Raises `ReviewNotFound`."""
    review = Review.objects.select_for_update(of=("self",)).select_related("tour").filter(pk=review_id).first()
    if review is None:
        raise ReviewNotFound
    return review


def name_shown(full: str) -> str:
    """The first name and the first letter of the last: “Mona S.”"""
    parts = re.sub(r"[<>@\d]", " ", full).split()
    if not parts:
        return "–"
    return parts[0][:40] + (f" {parts[-1][0]}." if len(parts) > 1 else "")


def _travelled(booking_id: UUID) -> Booking:
    booking: Booking | None = Booking.objects.select_for_update(of=("self",), no_key=True).filter(pk=booking_id).first()
    if booking is None or booking.status != BookingStatus.COMPLETED:
        raise NotTravelledYet
    return booking


def _shown_to_others(review_id: UUID, actor: Any) -> Review:
    review = lock_review(review_id)
    if review.status != ReviewStatus.APPROVED:
        raise ReviewNotFound
    if review.author_id == actor.pk:
        raise OwnReview
    return review


def _added(row: Model) -> bool:
    """Whether the row is new: each person has one for each review."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as fault:
        if "_once" not in str(fault):
            raise
        return False
    return True


def _wait_again(review: Review) -> None:
    """Its author changed it: staff look at it again."""
    if review.status != ReviewStatus.PENDING:
        _decide(review, ReviewStatus.PENDING, None, "")


def _decide(review: Review, status: ReviewStatus, actor: Any, reason: str) -> None:
    """The only line that changes whether a review is shown."""
    review.status, review.reason = status, reason
    is_decided = status != ReviewStatus.PENDING
    review.moderated_by_id = actor.pk if actor and is_decided else None
    review.moderated_at = now() if is_decided else None
    review.save(update_fields=["status", "reason", "moderated_by", "moderated_at"])
    _count(review)


def _count(review: Review) -> None:
    rate_tour(tour_id=review.tour_id, ratings=Review.objects.shown())


def _settle_reports(review: Review) -> None:
    review.reports.filter(settled_at=None).update(settled_at=now())
    _count_reports(review)


def _count_reports(review: Review) -> None:
    review.open_reports = review.reports.filter(settled_at=None).count()
    review.save(update_fields=["open_reports"])


def _count_votes(review: Review) -> None:
    review.helpful_count = review.votes.count()
    review.save(update_fields=["helpful_count"])


def _facts(review: Review) -> dict[str, Any]:
    """What its author says; the rest is counted or decided elsewhere."""
    return {name: value for name, value in snapshot(review).items() if name in (*WORDS, "status")}
