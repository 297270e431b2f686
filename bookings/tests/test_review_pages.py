"""The page where a trip is reviewed, the one where requests are declined, and the queue of staff."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from bookings.access import booking_link, booking_token
from bookings.admin.reviews import waiting_badge
from bookings.models import BookingStatus, Review, ReviewOptOut, ReviewStatus
from bookings.services import reviews as services
from bookings.tests.factories import BookingFactory, ClerkFactory, CustomerFactory
from bookings.tests.test_reviews import WORDS, photo, review_of, travelled
from tours.tests.factories import DepartureFactory, OptionFactory

RIGHTS = [
    *("bookings.view_review", "bookings.change_review", "bookings.delete_review", "bookings.view_booking"),
    *("tours.view_tour", "tours.change_tour"),
]


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def tour(tenant):
    return OptionFactory().tour


@pytest.fixture
def guest():
    return Client(enforce_csrf_checks=True)


def address(booking, page="review", language="en"):
    return f"/b/{booking_token(booking)}/{page}?language={language}"


def test_a_guest_writes_on_a_phone(tour, guest):
    booking = travelled(tour)
    page = guest.get(address(booking, language="ar")).content.decode()
    assert "أرسل تقييمي" in page
    assert 'dir="rtl"' in page
    upload = [SimpleUploadedFile(f"{n}.jpg", photo().read()) for n in range(2)]
    answer = guest.post(address(booking), {"rating": "4", "text": WORDS, "title": "", "photos": upload})
    assert answer.status_code == 302
    review = Review.objects.get()
    assert (review.rating, review.text, review.language, review.photos.count()) == (4, WORDS, "en", 2)
    shown = guest.get(answer["Location"]).content.decode()
    assert "Saved. Thank you!" in shown
    assert WORDS in shown


def test_what_is_wrong_is_said_and_what_was_typed_stays(tour, guest):
    booking = travelled(tour)
    answer = guest.post(address(booking), {"text": "Kept words of the guest, and no stars."})
    page = answer.content.decode()
    assert (answer.status_code, "choose one to five." in page) == (400, True)
    assert "Kept words of the guest, and no stars." in page
    assert not Review.objects.exists()


def test_a_file_that_is_no_photo_costs_only_itself(tour, guest):
    booking = travelled(tour)
    files = [SimpleUploadedFile("virus.jpg", b"MZ"), SimpleUploadedFile("good.jpg", photo().read())]
    answer = guest.post(address(booking), {"rating": "5", "text": WORDS, "photos": files})
    assert (answer.status_code, "virus.jpg" in answer.content.decode()) == (400, True)
    assert Review.objects.get().photos.count() == 1


def test_a_review_is_changed_and_taken_away(tour, guest):
    review = review_of(tour)
    booking = review.booking
    page = guest.get(address(booking)).content.decode()
    assert 'value="5" required checked' in page
    guest.post(address(booking), {"rating": "2", "text": "Not as good as I thought.", "title": "Hm"})
    review.refresh_from_db()
    assert (review.rating, review.title, review.status) == (2, "Hm", ReviewStatus.PENDING)
    guest.post(address(booking), {"do": "delete"})
    assert not Review.objects.exists()


def test_the_language_is_that_of_the_words(tour, guest):
    booking = travelled(tour)
    guest.post(address(booking, language="en"), {"rating": "5", "text": "رحلة هادئة وجميلة وقت الغروب"})
    assert Review.objects.get().language == "ar"


def test_too_early_there_is_no_form(tour, guest):
    booking = BookingFactory(departure=DepartureFactory(option=tour.options.get()), status=BookingStatus.CONFIRMED)
    assert "<form" not in guest.get(address(booking)).content.decode()
    assert guest.post(address(booking), {"rating": "5", "text": WORDS}).status_code == 409
    assert guest.get("/b/forged/review").status_code == 404


def test_declining_takes_a_click_and_can_be_taken_back(tour, guest):
    booking = travelled(tour)
    guest.get(address(booking, "no-reviews"))
    assert not ReviewOptOut.objects.exists()  # programs that follow links decide nothing
    assert "gets no more of them." in guest.post(address(booking, "no-reviews")).content.decode()
    assert ReviewOptOut.objects.get().email == booking.contact_email
    guest.post(address(booking, "no-reviews"), {"do": "ask_again"})
    assert not ReviewOptOut.objects.exists()


def test_the_bookings_page_leads_to_it(tour, guest):
    booking = travelled(tour)
    link = booking_link(booking).partition("/b/")[2]
    assert f"/b/{link}/review" in guest.get(f"/b/{link}").content.decode()


# --- Staff ---


@pytest.fixture
def clerk(tenant):
    client = Client()
    client.force_login(ClerkFactory(permissions=RIGHTS))
    return client


def test_the_queue_shows_what_waits_and_decides(tour, clerk):
    first, second = review_of(tour, approved=False), review_of(tour, approved=False)
    reported = review_of(tour)
    services.report_review(review_id=reported.pk, reason="OFFENSIVE", note="rude", actor=CustomerFactory())
    queue = reverse("admin:reviews_to_look_at")
    page = clerk.get(queue).content.decode()
    assert page.count("data-review ") == 3
    assert "rude" in page
    script = {"X-Requested-With": "fetch"}
    answer = clerk.post(queue, {"do": "approve", "review": first.pk}, headers=script)
    assert answer.json() == {"message": "Shown.", "left": 2}
    refused = clerk.post(queue, {"do": "reject", "review": second.pk, "reason": " "}, headers=script)
    assert (refused.status_code, refused.json()) == (400, {"message": "Say why."})
    assert clerk.post(queue, {"do": "reject", "review": second.pk, "reason": "Spam"}).status_code == 302
    clerk.post(queue, {"do": "reply", "review": first.pk, "reply": "Thank you!"}, headers=script)
    states = [Review.objects.get(pk=one.pk) for one in (first, second)]
    assert [(one.status, one.reason, one.reply) for one in states] == [
        ("APPROVED", "", "Thank you!"),
        ("REJECTED", "Spam", ""),
    ]
    for nonsense in ({"do": "approve", "review": "x"}, {"do": "fly", "review": first.pk}, {}):
        assert clerk.post(queue, nonsense, headers=script).status_code == 404


def test_the_queue_needs_as_many_statements_for_many(tour, clerk, django_assert_max_num_queries):
    for _ in range(4):
        services.add_photo(review_id=review_of(tour).pk, upload=photo(), actor=None)
    queue = reverse("admin:reviews_to_look_at")
    clerk.get(queue)
    with django_assert_max_num_queries(14):
        clerk.get(queue)


def test_only_those_who_may_decide_open_it(tour, tenant):
    client = Client()
    client.force_login(ClerkFactory(permissions=["bookings.view_review"]))
    assert client.get(reverse("admin:reviews_to_look_at")).status_code == 403


@pytest.mark.parametrize("language", ["en", "ar"])
def test_list_page_and_tour_show_reviews(tour, clerk, language):
    review = review_of(tour)
    clerk.cookies["rihla_language"] = language
    assert clerk.get(reverse("admin:bookings_review_changelist")).status_code == 200
    page = clerk.get(reverse("admin:bookings_review_change", args=[review.pk]))
    assert WORDS in page.content.decode()
    assert '<span class="rihla-badge rihla-' in page.content.decode()  # its state, in words
    assert "(&#x27;" not in page.content.decode()
    on_tour = clerk.get(reverse("admin:tour_panel", args=[tour.pk, "reviews-1"])).content.decode()
    assert WORDS[:40] in on_tour


def test_a_reply_is_saved_on_the_page(tour, clerk):
    review = review_of(tour)
    page = reverse("admin:bookings_review_change", args=[review.pk])
    assert clerk.post(page, {"reply": "Thank you!"}).status_code == 302
    review.refresh_from_db()
    assert (review.reply, review.text) == ("Thank you!", WORDS)


def test_deleting_on_the_page_counts_anew(tour, clerk):
    review = review_of(tour)
    clerk.post(reverse("admin:bookings_review_delete", args=[review.pk]), {"post": "yes"})
    tour.refresh_from_db()
    assert (Review.objects.count(), tour.rating_count) == (0, 0)


def test_the_sidebar_and_dashboard_tell(tour, clerk, rf):
    review_of(tour, approved=False)
    request = rf.get("/")
    request.user = ClerkFactory(permissions=["bookings.change_review"])
    assert waiting_badge(request) == "1"
    page = clerk.get(reverse("admin:index")).content.decode()
    assert "Reviews to look at" in page
    assert page.count("rihla-waiting") == page.count("<bdi>1</bdi></span>") > 0


def test_where_no_review_waits_the_sidebar_has_no_empty_badge(tour, clerk):
    review_of(tour)
    page = clerk.get(reverse("admin:index")).content.decode()
    assert "Reviews to look at" in page
    assert "rihla-waiting" not in page
