"""Reviews: who may write one, what is shown, and a rating that is always exact."""

import threading
from datetime import timedelta
from decimal import Decimal
from functools import partial
from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils.timezone import now
from PIL import Image

from accounts.models import AuditEntry, Tenant
from bookings.errors import (
    AlreadyReviewed,
    NotTravelledYet,
    OwnReview,
    PhotoNotFound,
    ReasonRequired,
    ReviewNotFound,
    TooManyPhotos,
)
from bookings.models import BookingStatus, Review, ReviewOptOut, ReviewPhoto, ReviewReport, ReviewRequest, ReviewStatus
from bookings.services import review_requests
from bookings.services import reviews as services
from bookings.tests.factories import CONTACT, BookingFactory, ClerkFactory, CustomerFactory
from config.celery import app
from config.errors import InvalidInput
from config.invariants import check_all
from config.tenancy import tenant_context
from config.testing import run_together
from notifications.models import Event, Message
from tours.models import PublishedTour, Tour
from tours.published import publish_facts
from tours.services import ratings
from tours.tests.factories import DepartureFactory, OptionFactory

WORDS = "The felucca was quiet, and the sun went down behind the dunes."


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def tour(tenant):
    return OptionFactory().tour


def travelled(tour, **asked):
    """A booking of a trip that is over."""
    return BookingFactory(
        departure=DepartureFactory(option=tour.options.get()), status=BookingStatus.COMPLETED, **asked
    )


def review_of(tour, rating=5, approved=True, **asked):
    booking = travelled(tour, **asked)
    review = services.write_review(
        booking_id=booking.pk, rating=rating, text=WORDS, language="en", actor=booking.customer
    )
    return services.approve_review(review_id=review.pk, actor=None) if approved else review


def rating(tour):
    tour.refresh_from_db()
    return tour.rating_average, tour.rating_count


def photo(size=(900, 600)):
    content = BytesIO()
    Image.new("RGB", size, "teal").save(content, "JPEG")
    return ContentFile(content.getvalue(), name="x.jpg")


def test_a_review_waits_and_counts_once_it_is_shown(tour):
    booking = travelled(tour)
    review = services.write_review(
        booking_id=booking.pk, rating=4, title=" Quiet ", text=f" {WORDS} ", language="en", actor=booking.customer
    )
    assert (review.status, review.title, review.text, review.author_name) == ("PENDING", "Quiet", WORDS, "Mona S.")
    assert (review.tour_id, review.author_id) == (tour.pk, booking.customer_id)
    assert rating(tour) == (0, 0)
    clerk = ClerkFactory(permissions=["bookings.change_review"])
    services.approve_review(review_id=review.pk, actor=clerk)
    services.approve_review(review_id=review.pk, actor=clerk)  # safe to repeat
    assert rating(tour) == (Decimal("4.00"), 1)
    review.refresh_from_db()
    assert (review.status, review.moderated_by_id) == ("APPROVED", clerk.pk)
    assert AuditEntry.objects.filter(action="bookings.review.approved", actor_id=clerk.pk).count() == 1


@pytest.mark.parametrize("status", [S for S in BookingStatus if S not in ("COMPLETED", "DRAFT", "REFUNDED")])
def test_only_those_who_travelled_review(tour, status):
    booking = BookingFactory(departure=DepartureFactory(option=tour.options.get()), status=status)
    with pytest.raises(NotTravelledYet):
        services.write_review(booking_id=booking.pk, rating=5, text=WORDS, language="en", actor=None)
    assert not Review.objects.exists()


def test_one_review_a_booking(tour):
    review = review_of(tour)
    with pytest.raises(AlreadyReviewed):
        services.write_review(booking_id=review.booking_id, rating=1, text=WORDS, language="en", actor=None)
    assert Review.objects.get().rating == 5
    services.delete_review(review_id=review.pk, actor=None)
    services.write_review(booking_id=review.booking_id, rating=1, text=WORDS, language="en", actor=None)


def test_the_average_follows_every_change(tour):
    first, second, third = (review_of(tour, rating=stars) for stars in (5, 4, 4))
    assert rating(tour) == (Decimal("4.33"), 3)
    services.reject_review(review_id=first.pk, actor=None, reason="It names others.")
    assert rating(tour) == (Decimal("4.00"), 2)
    services.approve_review(review_id=first.pk, actor=None)
    services.edit_review(review_id=second.pk, changes={"rating": 1}, actor=None)
    assert rating(tour) == (Decimal("4.50"), 2)  # it waits to be looked at again
    services.approve_review(review_id=second.pk, actor=None)
    assert rating(tour) == (Decimal("3.33"), 3)
    for review in (first, second, third):
        services.delete_review(review_id=review.pk, actor=None)
    assert rating(tour) == (Decimal(0), 0)
    assert check_all("bookings: a tour's rating").clean


def test_other_tours_and_operators_do_not_count(tour, other_tenant):
    review_of(tour, rating=5)
    review_of(OptionFactory().tour, rating=1)
    with tenant_context(other_tenant.pk):
        review_of(OptionFactory().tour, rating=1)
    assert rating(tour) == (Decimal("5.00"), 1)


def test_the_public_list_follows(tour, django_capture_on_commit_callbacks):
    publish_facts(tour.pk)
    app.conf.task_always_eager = True
    with django_capture_on_commit_callbacks(execute=True):
        review_of(tour, rating=4)
    assert PublishedTour.objects.get(pk=tour.pk).rating == 400
    assert '"rating":4.0,"rating_count":1' in PublishedTour.objects.get(pk=tour.pk).card_en


def test_enough_stars_are_shown_at_once_where_the_operator_wants_it(tour, tenant):
    Tenant.objects.filter(pk=tenant.pk).update(reviews_approve_from=4)
    assert review_of(tour, rating=4, approved=False).status == ReviewStatus.APPROVED
    assert review_of(tour, rating=3, approved=False).status == ReviewStatus.PENDING
    assert rating(tour) == (Decimal("4.00"), 1)
    edited = services.edit_review(
        review_id=Review.objects.get(rating=4).pk, changes={"text": "Quite other words."}, actor=None
    )
    assert edited.status == ReviewStatus.PENDING
    assert rating(tour) == (0, 0)


def test_an_edit_that_changes_nothing_changes_nothing(tour):
    review = review_of(tour)
    same = services.edit_review(review_id=review.pk, changes={"text": WORDS, "rating": 5}, actor=None)
    assert (same.status, same.edited_at) == (ReviewStatus.APPROVED, None)


def test_a_rejection_says_why(tour):
    review = review_of(tour, approved=False)
    with pytest.raises(ReasonRequired):
        services.reject_review(review_id=review.pk, actor=None, reason="  ")
    assert services.reject_review(review_id=review.pk, actor=None, reason="Spam.").reason == "Spam."


def test_a_reply_is_mailed_once_in_the_guests_language(tour, django_capture_on_commit_callbacks):
    review = review_of(tour, language="ar")
    clerk = ClerkFactory()
    app.conf.task_always_eager = True
    with django_capture_on_commit_callbacks(execute=True):
        services.reply_to_review(review_id=review.pk, text="شكرًا لك يا منى", actor=clerk)
    with django_capture_on_commit_callbacks(execute=True):
        services.reply_to_review(review_id=review.pk, text="شكرًا جزيلًا يا منى", actor=clerk)
    mail = Message.objects.get(template="review_replied")
    assert (mail.recipient, mail.language) == (CONTACT["email"], "ar")
    assert "شكرًا لك يا منى" in mail.text
    assert "/b/" in mail.text
    emptied = services.reply_to_review(review_id=review.pk, text="", actor=clerk)
    assert (emptied.reply, emptied.replied_by, emptied.replied_at) == ("", None, None)


def test_reports_and_votes_count_each_person_once(tour):
    review = review_of(tour)
    mona, karim = CustomerFactory(), CustomerFactory()
    for actor in (mona, mona, karim):
        services.report_review(review_id=review.pk, reason="SPAM", actor=actor)
        services.find_helpful(review_id=review.pk, actor=actor)
    review.refresh_from_db()
    assert (review.open_reports, review.helpful_count) == (2, 2)
    assert list(Review.objects.to_look_at()) == [review]
    services.approve_review(review_id=review.pk, actor=None)
    review.refresh_from_db()
    assert (review.open_reports, review.status) == (0, ReviewStatus.APPROVED)
    assert not Review.objects.to_look_at().exists()
    services.report_review(review_id=review.pk, reason="SPAM", actor=mona)  # has been decided on
    assert not Review.objects.to_look_at().exists()
    services.find_helpful_no_more(review_id=review.pk, actor=mona)
    services.find_helpful_no_more(review_id=review.pk, actor=mona)
    review.refresh_from_db()
    assert review.helpful_count == 1
    assert check_all("bookings: reviews").clean


def test_nobody_reports_or_praises_what_is_their_own_or_not_shown(tour):
    review = review_of(tour)
    for act in (partial(services.report_review, reason="SPAM"), services.find_helpful):
        with pytest.raises(OwnReview):
            act(review_id=review.pk, actor=review.author)
        hidden = review_of(tour, approved=False)
        with pytest.raises(ReviewNotFound):
            act(review_id=hidden.pk, actor=CustomerFactory())
    assert not ReviewReport.objects.exists()


def test_photos_are_stripped_limited_and_looked_at(tour, media, monkeypatch):
    review = review_of(tour)
    first = services.add_photo(review_id=review.pk, upload=photo(), actor=None)
    assert services.make_photo_sizes(first.pk) is True
    first.refresh_from_db()
    assert {size["kind"] for size in first.sizes} == {"wide", "card", "social"}
    review.refresh_from_db()
    assert review.status == ReviewStatus.PENDING
    with pytest.raises(InvalidInput):
        services.add_photo(review_id=review.pk, upload=ContentFile(b"MZ", name="x.jpg"), actor=None)
    monkeypatch.setattr(services, "MOST_PHOTOS", 1)
    with pytest.raises(TooManyPhotos):
        services.add_photo(review_id=review.pk, upload=photo(), actor=None)
    other = review_of(tour)
    with pytest.raises(PhotoNotFound):
        services.delete_photo(review_id=other.pk, photo_id=first.pk, actor=None)
    assert ReviewPhoto.objects.count() == 1


def test_files_go_with_the_review(tour, media, django_capture_on_commit_callbacks):
    review = review_of(tour)
    app.conf.task_always_eager = True
    with django_capture_on_commit_callbacks(execute=True):
        services.add_photo(review_id=review.pk, upload=photo(), actor=None)
    assert len([path for path in media.rglob("*") if path.is_file()]) > 3
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_review(review_id=review.pk, actor=None)
    assert [path for path in media.rglob("*") if path.is_file()] == []


def test_names_are_shortened():
    assert services.name_shown("Mona Saleh") == "Mona S."
    assert services.name_shown("منى صالح") == "منى ص."
    assert services.name_shown("Cher") == "Cher"
    assert services.name_shown("<b>@ 12") == "b"
    assert services.name_shown("+20 100 @") == "+"


def test_proofs_see_what_is_wrong(tour):
    review = review_of(tour)
    Tour.objects.filter(pk=tour.pk).update(rating_average=1)
    Review.objects.filter(pk=review.pk).update(helpful_count=7)
    found = check_all("bookings: ").faults
    assert "rated 1.00 by 1, but its reviews say 5.00 by 1" in str(found)
    assert "7 helpful of 0 votes" in str(found)


# --- Asking ---


def asked(django_capture_on_commit_callbacks):
    app.conf.task_always_eager = True
    with django_capture_on_commit_callbacks(execute=True):
        count = review_requests.ask_for_reviews()
    app.conf.task_always_eager = False
    return count


def ended(booking, days):
    type(booking).objects.filter(pk=booking.pk).update(ends_at=now() - timedelta(days=days))


def test_guests_are_asked_once_some_days_later(tour, django_capture_on_commit_callbacks):
    fresh, due, old = travelled(tour), travelled(tour, language="ar"), travelled(tour)
    ended(fresh, 1.9)
    ended(due, 2.1)
    ended(old, 40)
    done = review_of(tour)
    ended(done.booking, 3)
    assert asked(django_capture_on_commit_callbacks) == 1
    assert asked(django_capture_on_commit_callbacks) == 0
    mail = Message.objects.get(template="review_wanted")
    assert (mail.subject_id, mail.language) == (due.pk, "ar")
    assert "/review?language=ar" in mail.text
    assert "/no-reviews?language=ar" in mail.html


def test_who_declined_is_not_asked(tour, tenant, django_capture_on_commit_callbacks):
    booking = travelled(tour, contact={**CONTACT, "email": "Mona@Example.com"})
    ended(booking, 3)
    booking.refresh_from_db()
    review_requests.ask_no_more(booking)
    review_requests.ask_no_more(booking)
    assert asked(django_capture_on_commit_callbacks) == 0
    review_requests.ask_again(booking)
    Tenant.objects.filter(pk=tenant.pk).update(reviews_ask_after_days=0)
    assert asked(django_capture_on_commit_callbacks) == 0
    assert not ReviewRequest.objects.exists()
    assert not ReviewOptOut.objects.exists()


# --- Races ---


def waiting_reviews(tour, count):
    return [review_of(tour, rating=stars % 5 + 1, approved=False) for stars in range(count)]


@pytest.mark.django_db(transaction=True)
def test_many_decisions_at_once_leave_an_exact_rating(tenant):
    tour = OptionFactory().tour
    found = waiting_reviews(tour, 6)
    shown = [review_of(tour, rating=1) for _ in range(2)]
    calls = [partial(services.approve_review, review_id=review.pk, actor=None) for review in found]
    calls += [partial(services.delete_review, review_id=review.pk, actor=None) for review in shown]
    outcomes = run_together(*calls)
    assert [one for one in outcomes if isinstance(one, BaseException)] == []
    assert rating(tour) == (round(Decimal(sum(review.rating for review in found)) / 6, 2), 6)
    assert check_all("bookings: a tour's rating").clean


def approved_while_another_is(monkeypatch, tenant, tour):
    """Two approvals, the second beginning to count while the first has counted and not committed."""
    first, second = waiting_reviews(tour, 2)
    counted, going = threading.Event(), threading.Event()
    real = ratings.announce

    def hold_on(*told, **data):
        event = real(*told, **data)
        if not counted.is_set():
            counted.set()
            going.wait(10)
        return event

    monkeypatch.setattr(ratings, "announce", hold_on)

    def late():
        counted.wait(10)
        threading.Timer(1.0, going.set).start()  # the first commits while this one waits
        return services.approve_review(review_id=second.pk, actor=None)

    return run_together(partial(services.approve_review, review_id=first.pk, actor=None), late)


@pytest.mark.django_db(transaction=True)
def test_who_counts_second_sees_the_first(tenant, monkeypatch):
    tour = OptionFactory().tour
    approved_while_another_is(monkeypatch, tenant, tour)
    assert rating(tour)[1] == 2


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_one_is_lost(tenant, monkeypatch):
    """The statement alone is not enough: it looks at the reviews as they were when it began to wait."""
    monkeypatch.setattr(ratings, "lock_rating", lambda tour_id: None)
    tour = OptionFactory().tour
    approved_while_another_is(monkeypatch, tenant, tour)
    assert rating(tour)[1] == 1
    assert not check_all("bookings: a tour's rating").clean


@pytest.mark.django_db(transaction=True)
def test_one_booking_reviewed_twice_at_once_is_reviewed_once(tenant):
    booking = travelled(OptionFactory().tour)
    write = partial(services.write_review, booking_id=booking.pk, rating=5, text=WORDS, language="en", actor=None)
    outcomes = run_together(*[write] * 4)
    assert sorted(type(one).__name__ for one in outcomes) == ["AlreadyReviewed"] * 3 + ["Review"]


@pytest.mark.django_db(transaction=True)
def test_two_jobs_at_once_ask_once(tenant):
    booking = travelled(OptionFactory().tour)
    ended(booking, 3)
    assert sorted(run_together(*[review_requests.ask_for_reviews] * 3)) == [0, 0, 1]
    assert Event.objects.filter(type="booking.review_wanted").count() == 1


def test_a_refused_write_leaves_nothing(tour, monkeypatch):
    booking = travelled(tour)
    monkeypatch.setattr(services, "announce", lambda *told: (_ for _ in ()).throw(RuntimeError))
    with pytest.raises(RuntimeError), transaction.atomic():
        services.write_review(booking_id=booking.pk, rating=5, text=WORDS, language="en", actor=None)
    assert not Review.objects.exists()
    assert connection.is_usable()
