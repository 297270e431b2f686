"""The page on which a guest chooses: another departure, their money back, or (where it can be) what they booked.

Looking changes nothing. An answer is shown once more before it is done, because a refund cannot be taken back.
"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import path

from bookings import wording
from bookings.access import booking_token, offer_of
from bookings.errors import BookingNotFound, NotOffered
from bookings.models import Booking, ChoiceOffer, OfferStatus
from bookings.pages import LinkedPage
from bookings.selectors.instead import Room
from bookings.services.offers import Answer, answer_offer
from config.errors import DomainError
from config.i18n import in_language, language_now
from config.pages import show_page
from tours.models import Departure, DepartureStatus


class ChoicePage(LinkedPage):
    """The address is the secret: there is nothing else to forge a request with."""

    http_method_names = ["get", "head", "options", "post"]

    def tenant_of(self, **address: str) -> UUID:
        return offer_of(address["token"])[1]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._show(request, self._offer(token))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """`answer` is `move:<departure>`, `refund` or `keep`; only with `do=answer` it is done."""
        offer = self._offer(token)
        given = request.POST.get("answer", "")
        try:
            answer, departure_id = _read(given)
            if request.POST.get("do") == "answer":
                answer_offer(offer_id=offer.pk, answer=answer, departure_id=departure_id)
                return self._show(request, self._offer(token))
        except DomainError as refusal:
            return self._show(request, self._offer(token), refusal=str(refusal), status=refusal.status)
        return self._show(request, offer, chosen=given)

    def _offer(self, token: str) -> ChoiceOffer:
        offer = ChoiceOffer.objects.select_related("departure").filter(pk=offer_of(token)[0]).first()
        if offer is None:
            raise BookingNotFound
        offer.booking = Booking.objects.for_display().get(pk=offer.booking_id)
        return offer

    def _show(
        self, request: HttpRequest, offer: ChoiceOffer, *, chosen: str = "", refusal: str = "", status: int = 200
    ) -> HttpResponse:
        booking = offer.booking
        zone = booking.quote["time_zone"]
        choices = choices_in_words(offer) if offer.is_open else []
        picked = next((label for value, label, hint in choices if value == chosen), "")
        context = {
            "offer": offer,
            "booking": booking,
            "title": in_language(booking.items.all()[0], "title"),
            "starts": wording.start_in_words(booking),
            "party": wording.party_in_words(booking),
            "reason": in_language(offer, "reason"),
            "until": wording.moment_in_words(wording.local(offer.deadline, zone)),
            "silence": offer.get_unanswered_display(),
            "choices": choices,
            "chosen": chosen if picked else "",
            "picked": picked,
            "is_refund": chosen == Answer.REFUND,
            "answer": offer.get_status_display() if offer.status != OfferStatus.OPEN else "",
            "refusal": refusal,
            "language_code": language_now(),
            "booking_url": f"/b/{booking_token(booking)}?language={language_now()}",
        }
        return show_page(request, "pages/choice.html", context, status=status)


def choices_in_words(offer: ChoiceOffer) -> list[tuple[str, str, str]]:
    """What can be chosen now: its value, its name, and what else to know of it. Departures that are full are left out."""
    rows = []
    for row in departures_offered(offer):
        end = wording.local(row.ends_at, row.tour.destination.time_zone)
        label = wording.span_in_words(row.local_start(), end, row.any_time)
        rows.append((f"{Answer.MOVE}:{row.pk}", label, str(in_language(row.option, "name"))))
    paid = offer.booking.amount_kept
    rows.append(
        (Answer.REFUND.value, wording.refund_choice(offer.booking), wording.money(offer.booking, paid) if paid else "")
    )
    if offer.may_keep:
        rows.append((Answer.KEEP.value, wording.keep_choice(), wording.start_in_words(offer.booking)))
    return rows


def departures_offered(offer: ChoiceOffer) -> list[Departure]:
    """Those that were offered and still have room for the party, in order of time."""
    rows = (
        Departure.objects.upcoming()
        .filter(pk__in=offer.offered.values("departure_id"), status=DepartureStatus.OPEN)
        .select_related("tour__destination", "option")
        .order_by("starts_at", "pk")
    )
    return Room(rows).first(rows, len(rows), offer.booking)


def _read(given: str) -> tuple[Answer, UUID | None]:
    word, _colon, departure = given.partition(":")
    try:
        return Answer(word), UUID(departure) if departure else None
    except ValueError as fault:
        raise NotOffered from fault


urlpatterns = [path("c/<str:token>", ChoicePage.as_view(), name="choice-page")]
