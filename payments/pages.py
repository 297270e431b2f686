"""The page of a payment link: what is due, and a button for each way to pay. For whoever has the booking's link."""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse

from bookings import wording
from bookings.models import Booking
from bookings.pages import BookingLink
from config.errors import DomainError
from config.i18n import in_language, language_now
from config.pages import show_page
from payments.models import Payment, PaymentStatus
from payments.services import start_payment
from payments.services.attempts import refuse_unpayable
from payments.services.ways import Way, ways_by_link
from payments.wording import way_to_pay


class PayPage(BookingLink):
    """Asks how to pay, then sends the payer on. The address is the secret: there is nothing else to forge a request with."""

    http_method_names = ["get", "head", "options", "post"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._ask(request, self.booking(token), token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Begin to pay. A repeat goes on with the attempt that is open."""
        booking = self.booking(token)
        way, _colon, part = request.POST.get("gateway", "").partition(":")
        back = f"{reverse('booking-page', args=[token])}?language={language_now()}"
        try:
            payment = start_payment(
                booking_id=booking.pk,
                gateway=way,
                return_url=back,
                cancel_url=self._here(token),
                deposit=part == "deposit",
            )
        except DomainError as refusal:
            return self._ask(request, booking, token, refusal=str(refusal), status=refusal.status)
        return self._send_on(request, booking, payment)

    def _here(self, token: str) -> str:
        return f"{reverse('booking-pay', args=[token])}?language={language_now()}"

    def _ask(
        self, request: HttpRequest, booking: Booking, token: str, *, refusal: str = "", status: int = 200
    ) -> HttpResponse:
        ways: list[Way] = []
        try:
            refuse_unpayable(booking)
            ways = ways_by_link(booking)
        except DomainError as over:
            refusal = str(over)
        context = _in_words(booking) | {
            "ways": [(way.gateway, way_to_pay(way.gateway)) for way in ways if way.whole],
            "deposit_ways": [(way.gateway, way_to_pay(way.gateway)) for way in ways if way.deposit],
            "refusal": refusal,
            "booking_url": f"{reverse('booking-page', args=[token])}?language={language_now()}",
        }
        return show_page(request, "pages/pay.html", context, status=status)

    def _send_on(self, request: HttpRequest, booking: Booking, payment: Payment) -> HttpResponse:
        """By a page that leads on, not by an answer that does: browsers let no form end at a foreign address here.

        Who has done their part already is not asked again: they see what became of it.
        """
        if payment.status != PaymentStatus.PENDING:
            return redirect("api:payment-return", payment.pk)
        address = payment.action.get("url", "") if payment.action.get("type") == "redirect" else ""
        if urlsplit(address).scheme not in {"http", "https"}:
            return show_page(request, "pages/pay_unclear.html", _in_words(booking), status=503)
        return show_page(request, "pages/pay_onward.html", _in_words(booking) | {"address": address})


def _in_words(booking: Booking) -> dict[str, Any]:
    item, zone = booking.items.all()[0], booking.quote["time_zone"]
    return {
        "booking": booking,
        "title": in_language(item, "title"),
        "starts": wording.start_in_words(booking),
        "party": wording.party_in_words(booking),
        "due": wording.money(booking, booking.amount_due),
        "deposit": wording.money(booking, booking.deposit_due) if booking.deposit_due else "",
        "balance": wording.balance_in_words(booking) if booking.deposit_due else "",
        "pay_by": wording.moment_in_words(wording.local(booking.expires_at, zone)) if booking.expires_at else "",
    }


urlpatterns = [path("b/<str:token>/pay", PayPage.as_view(), name="booking-pay")]
