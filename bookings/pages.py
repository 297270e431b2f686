"""Pages without signing in: the booking, for who has its link, and what a voucher's QR code says, for anybody."""

from abc import ABC, abstractmethod
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.views import View

from accounts.models import Tenant
from bookings import wording
from bookings.access import opened_by, proven_by
from bookings.documents import calendar_ics, voucher_pdf
from bookings.errors import BookingNotFound
from bookings.models import Booking, BookingStatus
from bookings.views.bookings import file_answer
from config.i18n import in_language, language_now
from config.pages import page_language, show_page
from config.tenancy import tenant_context

TONES = {
    BookingStatus.PENDING_PAYMENT: "wait",
    BookingStatus.CONFIRMED: "good",
    BookingStatus.IN_PROGRESS: "good",
    BookingStatus.COMPLETED: "good",
}


class LinkedPage(View, ABC):
    """A page behind a signed address; it acts for the operator that the address names. Looking changes nothing."""

    http_method_names = ["get", "head", "options"]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with page_language(request):
            try:
                tenant_id = self.tenant_of(**kwargs)
                tenant = Tenant.objects.filter(pk=tenant_id, is_active=True).first()
                if tenant is None:
                    raise BookingNotFound
                with tenant_context(tenant.pk):
                    request.is_at_home = tenant == request.tenant
                    request.tenant = tenant
                    return super().dispatch(request, *args, **kwargs)
            except BookingNotFound:
                return show_page(request, "pages/booking_missing.html", {}, status=404)

    @abstractmethod
    def tenant_of(self, **address: str) -> UUID:
        """Which operator the address names. Raises `BookingNotFound`."""


class BookingLink(LinkedPage):
    def tenant_of(self, **address: str) -> UUID:
        return opened_by(address["token"])[1]

    def booking(self, token: str) -> Booking:
        found = Booking.objects.for_display().filter(pk=opened_by(token)[0]).first()
        if found is None:
            raise BookingNotFound
        return found


class BookingPage(BookingLink):
    """State, trip, amounts, voucher."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return show_page(request, "pages/booking.html", _booking_in_words(self.booking(token), token))


class BookingVoucher(BookingLink):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        booking = self.booking(token)
        if not booking.has_voucher:
            raise BookingNotFound
        return file_answer(voucher_pdf(booking, "both"), "application/pdf", f"{booking.reference}.pdf")


class BookingCalendar(BookingLink):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        booking = self.booking(token)
        if not booking.has_voucher:
            raise BookingNotFound
        ics = calendar_ics(booking, language_now())
        return file_answer(ics, "text/calendar; charset=utf-8", f"{booking.reference}.ics")


def _booking_in_words(booking: Booking, token: str) -> dict[str, Any]:
    item, zone = booking.items.all()[0], booking.quote["time_zone"]
    return {
        "booking": booking,
        "tone": TONES.get(BookingStatus(booking.status), "bad"),
        "title": in_language(item, "title"),
        "starts": wording.start_in_words(booking),
        "pay_by": wording.moment_in_words(wording.local(booking.expires_at, zone)) if booking.expires_at else "",
        "meeting_point": in_language(booking.trip.tour, "meeting_point"),
        "party": wording.party_in_words(booking),
        "pickup": wording.pickup_in_words(booking),
        "flight": wording.flight_in_words(booking),
        "travellers": list(booking.travellers.all()),
        "lines": [{**line, "amount": wording.money(booking, line["amount"])} for line in _quote_lines(booking)],
        "total": wording.money(booking, booking.total),
        "paid": wording.money(booking, booking.amount_paid) if booking.amount_paid else "",
        "refunded": wording.money(booking, booking.amount_refunded) if booking.amount_refunded else "",
        "due": wording.money(booking, booking.amount_due) if booking.amount_due else "",
        "deposit": wording.money(booking, booking.deposit_due) if booking.deposit_due else "",
        "balance": wording.balance_in_words(booking),
        "policy": wording.policy_in_words(booking.policy, booking.is_any_time),
        "pay_url": _pay_url(booking, token),
        "voucher_url": reverse("booking-voucher", args=[token]),
        "calendar_url": reverse("booking-calendar", args=[token]),
        "review_url": f"{reverse('booking-review', args=[token])}?language={language_now()}",
    }


def _pay_url(booking: Booking, token: str) -> str:
    """Where what is still to pay can be paid (a page of an app above), until the trip is over; else nothing."""
    runs = booking.status in (BookingStatus.PENDING_PAYMENT, BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS)
    return f"{reverse('booking-pay', args=[token])}?language={language_now()}" if runs and booking.amount_due else ""


def _quote_lines(booking: Booking) -> list[dict[str, Any]]:
    quote = booking.quote
    return [
        {"label": f"{line['quantity']} × {in_label(line)}", "amount": line["amount"]} for line in quote["lines"]
    ] + [{"label": in_label(line), "amount": line["amount"]} for line in quote["tax_lines"] if not line["inclusive"]]


def in_label(line: dict[str, Any]) -> str:
    """A stored line's label in the language at hand."""
    return str(line[f"label_{language_now()}"])


class VoucherPage(LinkedPage):
    """What anybody sees who scans a voucher: whether it counts, when, where and for how many; no names, no contact.

    Staff who may check guests in, and are signed in to the back-office, go on to the check-in of the booking.
    """

    def tenant_of(self, **address: str) -> UUID:
        return proven_by(address["code"])[1]

    def get(self, request: Any, code: str) -> HttpResponse:
        user = request.user
        if request.is_at_home and user.is_staff and user.has_perm("bookings.check_in"):
            return redirect("admin:bookings_check_in_code", code)
        booking = Booking.objects.for_display().filter(reference=proven_by(code)[0]).first()
        if booking is None:
            raise BookingNotFound
        item = booking.items.all()[0]
        context = {
            "booking": booking,
            "counts": booking.status in (BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS),
            "title": in_language(item, "title"),
            "starts": wording.start_in_words(booking),
            "meeting_point": in_language(booking.trip.tour, "meeting_point"),
            "party": wording.party_in_words(booking),
        }
        return show_page(request, "pages/voucher.html", context)


urlpatterns = [
    path("b/<str:token>", BookingPage.as_view(), name="booking-page"),
    path("b/<str:token>/voucher.pdf", BookingVoucher.as_view(), name="booking-voucher"),
    path("b/<str:token>/calendar.ics", BookingCalendar.as_view(), name="booking-calendar"),
    path("v/<str:code>", VoucherPage.as_view(), name="voucher-page"),
]
