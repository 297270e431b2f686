"""Reviews over the API: who may do what, and what everyone reads."""

from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from bookings.access import booking_token
from bookings.models import BookingStatus, Review, ReviewStatus
from bookings.services import reviews as services
from bookings.tests.asking import client_of
from bookings.tests.factories import BookingFactory, ClerkFactory, CustomerFactory
from bookings.tests.test_reviews import WORDS, photo, rating, review_of, travelled
from tours.tests.factories import DepartureFactory, OptionFactory

SAID = {"rating": 5, "text": WORDS}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def tour(tenant):
    return OptionFactory().tour


def path(booking, more=""):
    return f"/api/v1/bookings/{booking.pk}/review{more}"


def test_a_customer_writes_reads_changes_and_takes_away(tour):
    booking = travelled(tour)
    client = client_of(booking.customer)
    assert client.get(path(booking)).status_code == 404
    answer = client.post(path(booking), {**SAID, "title": "Quiet", "status": "APPROVED", "author": "The Pope"})
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["status"], made["language"], made["author"], made["photos"]) == ("PENDING", "en", "Mona S.", [])
    again = client.post(path(booking), SAID)
    assert (again.status_code, again.json()["error_code"]) == (409, "already_reviewed")
    changed = client.patch(path(booking), {"rating": 3}).json()
    assert (changed["rating"], changed["title"]) == (3, "Quiet")
    assert client.delete(path(booking)).status_code == 204
    assert not Review.objects.exists()


def test_a_guest_writes_by_the_link_in_arabic(tour):
    booking = travelled(tour)
    client = client_of(**{"X-Booking-Token": booking_token(booking), "Accept-Language": "ar"})
    answer = client.post(path(booking), {"rating": 4, "text": "رحلة هادئة وجميلة وقت الغروب"})
    assert (answer.status_code, answer.json()["language"]) == (201, "ar")


def test_a_request_repeated_writes_once(tour):
    booking = travelled(tour)
    client = client_of(booking.customer, **{"Idempotency-Key": "one"})
    first, second = (client.post(path(booking), SAID) for _ in range(2))
    assert (first.status_code, second.status_code, second.json()) == (201, 201, first.json())


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "rating"),
        ({"rating": 0, "text": WORDS}, "rating"),
        ({"rating": 6, "text": WORDS}, "rating"),
        ({"rating": "5", "text": WORDS}, "rating"),
        ({"rating": 4.5, "text": WORDS}, "rating"),
        ({"rating": True, "text": WORDS}, "rating"),
        ({"rating": 5, "text": "too short"}, "text"),
        ({"rating": 5, "text": "   short   "}, "text"),
        ({"rating": 5, "text": "x" * 4001}, "text"),
        ({"rating": 5, "text": "nul\0 and more words"}, "text"),
        ({"rating": 5, "text": WORDS, "title": "x" * 121}, "title"),
        ({"rating": 5, "text": WORDS, "language": "fr"}, "language"),
    ],
)
def test_bad_input_is_named(tour, said, field):
    booking = travelled(tour)
    answer = client_of(booking.customer).post(path(booking), said)
    assert (answer.status_code, field in answer.json()["details"]) == (400, True)
    assert not Review.objects.exists()


def test_nobody_reviews_for_others_or_too_early(tour, other_tenant):
    booking = travelled(tour)
    clerk = ClerkFactory(permissions=["bookings.view_booking", "bookings.change_review"])
    assert client_of().post(path(booking), SAID).status_code == 404
    assert client_of(CustomerFactory()).post(path(booking), SAID).status_code == 404
    assert client_of(clerk).post(path(booking), SAID).status_code == 403
    there = client_of(booking.customer, **{"X-Tenant": other_tenant.slug})
    assert there.post(path(booking), SAID).status_code == 401
    early = BookingFactory(departure=DepartureFactory(option=tour.options.get()), status=BookingStatus.CONFIRMED)
    answer = client_of(early.customer).post(path(early), SAID)
    assert (answer.status_code, answer.json()["error_code"]) == (409, "not_travelled_yet")
    assert not Review.objects.exists()


def test_photos(tour):
    booking = travelled(tour)
    client = client_of(booking.customer)
    upload = {"file": SimpleUploadedFile("x.jpg", photo().read())}
    assert client.post(path(booking, "/photos"), upload, format="multipart").status_code == 404
    client.post(path(booking), SAID)
    upload["file"].seek(0)
    answer = client.post(path(booking, "/photos"), upload, format="multipart")
    assert (answer.status_code, answer.json()["photos"][0]["width"]) == (201, 900)
    bad = client.post(path(booking, "/photos"), {"file": SimpleUploadedFile("x.jpg", b"MZ")}, format="multipart")
    assert (bad.status_code, "file" in bad.json()["details"]) == (400, True)
    one = answer.json()["photos"][0]["id"]
    assert client_of().delete(path(booking, f"/photos/{one}")).status_code == 404
    assert client.delete(path(booking, f"/photos/{one}")).status_code == 204
    assert client.delete(path(booking, f"/photos/{one}")).status_code == 404


def listed(tour, **query):
    return client_of().get(f"/api/v1/tours/{tour.slug}/reviews", query).json()


def test_everyone_reads_what_is_shown(tour):
    for stars in (5, 5, 2):
        review_of(tour, rating=stars)
    review_of(tour, rating=1, approved=False)
    answer = listed(tour)
    assert (answer["total"], answer["rating_average"], answer["rating_count"]) == (3, 4.0, 3)
    assert answer["distribution"] == {"5": 2, "4": 0, "3": 0, "2": 1, "1": 0}
    assert set(answer["items"][0]) == {
        *("id", "author", "travelled_on", "rating", "title", "text", "language", "photos", "reply"),
        *("helpful_count", "created_at", "edited_at"),
    }
    assert [item["rating"] for item in listed(tour, sort="lowest")["items"]] == [2, 5, 5]
    assert listed(tour, stars="2,1")["total"] == 1
    assert listed(tour, language="ar")["total"] == 0
    assert listed(tour, with_photos="true")["total"] == 0
    page = listed(tour, size=2, page=2)
    assert (len(page["items"]), page["pages"]) == (1, 2)


def test_the_helpful_first(tour):
    first, second = review_of(tour), review_of(tour)
    services.find_helpful(review_id=first.pk, actor=CustomerFactory())
    assert [item["id"] for item in listed(tour, sort="helpful")["items"]] == [str(first.pk), str(second.pk)]


@pytest.mark.parametrize("query", [{"sort": "x"}, {"stars": "6"}, {"language": "fr"}, {"page": "0"}, {"size": "101"}])
def test_wrong_questions_are_refused(tour, query):
    answer = client_of().get(f"/api/v1/tours/{tour.slug}/reviews", query)
    assert (answer.status_code, list(answer.json()["details"])) == (400, list(query))


def test_hidden_tours_have_no_reviews(tour):
    review_of(tour)
    type(tour).objects.update(status="INACTIVE")
    for given in (tour.slug, tour.pk, uuid4(), "no such"):
        assert client_of().get(f"/api/v1/tours/{given}/reviews").status_code == 404


def test_the_list_needs_as_many_statements_for_many(tour, django_assert_num_queries):
    for _ in range(3):
        review_of(tour)
    client = client_of()
    client.get(f"/api/v1/tours/{tour.slug}/reviews")
    with django_assert_num_queries(5):  # tour, page, photos, number, stars
        client.get(f"/api/v1/tours/{tour.slug}/reviews")


def test_readers_report_and_praise_signed_in(tour):
    review = review_of(tour)
    assert client_of().post(f"/api/v1/reviews/{review.pk}/report", {"reason": "SPAM"}).status_code == 401
    assert client_of().post(f"/api/v1/reviews/{review.pk}/helpful").status_code == 401
    client = client_of(CustomerFactory())
    for _ in range(2):
        assert client.post(f"/api/v1/reviews/{review.pk}/report", {"reason": "SPAM"}).status_code == 202
        assert client.post(f"/api/v1/reviews/{review.pk}/helpful").json() == {"helpful_count": 1}
    assert client.post(f"/api/v1/reviews/{review.pk}/report", {"reason": "X"}).status_code == 400
    assert client.delete(f"/api/v1/reviews/{review.pk}/helpful").json() == {"helpful_count": 0}
    own = client_of(review.author).post(f"/api/v1/reviews/{review.pk}/helpful")
    assert (own.status_code, own.json()["error_code"]) == (422, "own_review")
    assert client.post(f"/api/v1/reviews/{uuid4()}/helpful").status_code == 404


def test_staff_decide(tour):
    review = review_of(tour, approved=False)
    at = f"/api/v1/admin/reviews/{review.pk}"
    for stranger in (
        client_of(),
        client_of(CustomerFactory()),
        client_of(ClerkFactory(permissions=["bookings.view_review"])),
    ):
        assert stranger.post(f"{at}/approve").status_code in (401, 403)
    clerk = client_of(ClerkFactory(permissions=["bookings.view_review", "bookings.change_review"]))
    waiting = clerk.get("/api/v1/admin/reviews", {"to_look_at": "true"}).json()
    assert [item["id"] for item in waiting["items"]] == [str(review.pk)]
    assert clerk.post(f"{at}/approve").json()["status"] == "APPROVED"
    assert rating(tour)[1] == 1
    assert clerk.post(f"{at}/reject", {"reason": ""}).status_code == 400
    rejected = clerk.post(f"{at}/reject", {"reason": "Names others."}).json()
    assert (rejected["status"], rejected["reason"], rejected["tour"]["id"]) == (
        "REJECTED",
        "Names others.",
        str(tour.pk),
    )
    assert clerk.put(f"{at}/reply", {"text": "Thank you, Mona."}).json()["reply"]["text"] == "Thank you, Mona."
    assert clerk.delete(at).status_code == 403
    chief = client_of(ClerkFactory(permissions=["bookings.delete_review"]))
    assert chief.delete(at).status_code == 204
    assert chief.delete(at).status_code == 404


def test_staff_of_another_operator_reach_nothing(tour, other_tenant):
    review = review_of(tour, approved=False)
    clerk = ClerkFactory(permissions=["bookings.change_review"])
    there = client_of(clerk, **{"X-Tenant": other_tenant.slug})
    assert there.post(f"/api/v1/admin/reviews/{review.pk}/approve").status_code == 401
    review.refresh_from_db()
    assert review.status == ReviewStatus.PENDING
