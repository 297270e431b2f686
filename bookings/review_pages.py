"""The pages where a trip is reviewed, and where requests for reviews are declined. For whoever has the booking's link."""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _

from bookings import wording
from bookings.errors import ReviewNotFound
from bookings.models import Booking, BookingStatus, Review, ReviewStatus
from bookings.models.reviews import LONGEST, SHORTEST
from bookings.pages import BookingLink
from bookings.serializers.reviews import WriteReview
from bookings.services import review_requests
from bookings.services import reviews as services
from bookings.services.reviews import MOST_PHOTOS
from config.errors import DomainError
from config.i18n import in_language, language_now
from config.pages import show_page

ARABIC = re.compile("[\u0621-\u064a]")
TONES = {ReviewStatus.APPROVED: "good", ReviewStatus.PENDING: "wait", ReviewStatus.REJECTED: "bad"}


class ReviewPage(BookingLink):
    """One form for words, stars and photos. The address is the secret: there is nothing else to forge a request with."""

    http_method_names = ["get", "head", "options", "post"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._show(request, token, self.booking(token))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        booking = self.booking(token)
        try:
            faults = self._step(request, booking)
        except DomainError as refusal:
            faults = _in_words(refusal)
            return self._show(request, token, booking, faults=faults, typed=request.POST, status=refusal.status)
        if faults:
            return self._show(request, token, booking, faults=faults, typed=request.POST, status=400)
        return redirect(f"{reverse('booking-review', args=[token])}?language={language_now()}&done=1")

    def _step(self, request: HttpRequest, booking: Booking) -> list[str]:
        """Do what was asked for; returns what is wrong with it."""
        actor = None  # the link says which booking it is, not who holds it
        review = Review.objects.filter(booking=booking).first()
        if review is not None and request.POST.get("do") == "delete":
            services.delete_review(review_id=review.pk, actor=actor)
            return []
        if review is not None and request.POST.get("do") == "delete_photo":
            services.delete_photo(review_id=review.pk, photo_id=_photo(review, request), actor=actor)
            return []
        said = _said(request)
        sent = WriteReview(data=said)
        if not sent.is_valid():
            return _faults(sent.errors)
        words = sent.validated_data
        if review is None:
            review = services.write_review(booking_id=booking.pk, actor=actor, **words)
        else:
            services.edit_review(review_id=review.pk, changes=words, actor=actor)
        faults = []
        for upload in request.FILES.getlist("photos")[:MOST_PHOTOS]:
            try:
                services.add_photo(review_id=review.pk, upload=upload, actor=actor)
            except DomainError as refusal:  # the words are kept, and so are the other photos
                faults += [f"{upload.name}: {sentence}" for sentence in _in_words(refusal)]
        return faults

    def _show(
        self,
        request: Any,
        token: str,
        booking: Booking,
        *,
        faults: list[str] | None = None,
        typed: Any = None,
        status: int = 200,
    ) -> HttpResponse:
        review = Review.objects.prefetch_related("photos").filter(booking=booking).first()
        values = {name: getattr(review, name) for name in ("rating", "title", "text")} if review else {}
        if typed is not None:
            values |= {name: typed.get(name, "") for name in ("rating", "title", "text")}
        context = {
            "title": in_language(booking.items.all()[0], "title"),
            "when": wording.moment_in_words(wording.local(booking.starts_at, booking.quote["time_zone"])),
            "may_write": booking.status == BookingStatus.COMPLETED,
            "review": review,
            "tone": TONES[ReviewStatus(review.status)] if review else "",
            "values": {**values, "rating": str(values.get("rating", ""))},
            "stars": _star_words(),
            "photos": [
                {"id": photo.pk, "url": _small(photo), "alt": _("Photo of a guest")} for photo in review.photos.all()
            ]
            if review
            else [],
            "may_add_photos": review is None or review.photos.count() < MOST_PHOTOS,
            "faults": faults or [],
            "done": request.GET.get("done") == "1" and not faults,
            "shortest": SHORTEST,
            "longest": LONGEST,
            "most_photos": MOST_PHOTOS,
            "booking_url": f"{reverse('booking-page', args=[token])}?language={language_now()}",
        }
        return show_page(request, "pages/review.html", context, status=status)


class NoReviewsPage(BookingLink):
    """Asks first: programs that follow every link of a mail must not decide."""

    http_method_names = ["get", "head", "options", "post"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._show(request, token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        if request.POST.get("do") == "ask_again":
            review_requests.ask_again(self.booking(token))
        else:
            review_requests.ask_no_more(self.booking(token))
        return self._show(request, token)

    def _show(self, request: HttpRequest, token: str) -> HttpResponse:
        booking = self.booking(token)
        context = {"email": booking.contact_email, "is_opted_out": review_requests.is_opted_out(booking)}
        return show_page(request, "pages/no_reviews.html", context)


def _said(request: HttpRequest) -> dict[str, Any]:
    """The form's fields as the API takes them."""
    rating = request.POST.get("rating", "")
    said: dict[str, Any] = {name: request.POST.get(name, "") for name in ("title", "text")}
    # What they wrote says the language better than the page does that they wrote it on.
    language = "ar" if ARABIC.search(said["text"]) else "en"
    return said | {"rating": int(rating) if rating in ("1", "2", "3", "4", "5") else None, "language": language}


def _faults(errors: Any) -> list[str]:
    names = {"rating": _("Stars"), "title": _("Title"), "text": _("Your review")}
    return [
        f"{names.get(field, field)}: {_('choose one to five.') if field == 'rating' else sentence}"
        for field, sentences in errors.items()
        for sentence in sentences
    ]


def _in_words(refusal: DomainError) -> list[str]:
    listed = [str(text) for texts in refusal.details.values() if isinstance(texts, list) for text in texts]
    return listed or [str(refusal)]


def _photo(review: Review, request: HttpRequest) -> Any:
    wanted = request.POST.get("photo", "")
    found = next((photo.pk for photo in review.photos.all() if str(photo.pk) == wanted), None)
    if found is None:
        raise ReviewNotFound
    return found


def _small(photo: Any) -> str:
    card = next((size["file"] for size in photo.sizes if size["kind"] == "card"), None)
    return str(photo.file.storage.url(card) if card else photo.file.url)


def _star_words() -> list[tuple[str, str]]:
    return [
        ("5", _("Excellent")),
        ("4", _("Good")),
        ("3", _("As expected")),
        ("2", _("Not good")),
        ("1", _("Bad")),
    ]


urlpatterns = [
    path("b/<str:token>/review", ReviewPage.as_view(), name="booking-review"),
    path("b/<str:token>/no-reviews", NoReviewsPage.as_view(), name="booking-no-reviews"),
]
