"""What the dashboard says of the day: who goes when, who has not paid, what came in last."""

from datetime import timedelta

from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format, time_format
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _

from bookings.models import Booking, BookingStatus
from config.dashboard import Cell, Panel, panel
from config.i18n import in_language
from ledger.money import format_money
from tours.models import Departure, DepartureStatus

TONES = {
    BookingStatus.CONFIRMED: "good",
    BookingStatus.COMPLETED: "good",
    BookingStatus.IN_PROGRESS: "good",
    BookingStatus.PENDING_PAYMENT: "warn",
    BookingStatus.CANCELLED: "bad",
    BookingStatus.REFUNDED: "bad",
}


@panel(order=10, permission="tours.view_departure")
def departures(request: HttpRequest) -> Panel:
    """Departures of the next two days that have guests, by time."""
    rows = []
    coming = (
        Departure.objects.filter(starts_at__gte=now() - timedelta(hours=6), starts_at__lt=now() + timedelta(days=2))
        .exclude(status=DepartureStatus.CANCELLED)
        .filter(seats_booked__gt=0)
        .select_related("tour__destination", "option")
        .order_by("starts_at")[:15]
    )
    for departure in coming:
        start = departure.local_start()
        rows.append(
            [
                f"{date_format(start, 'D j M')} {time_format(start, 'H:i')}",
                Cell(
                    in_language(departure.tour, "title"),
                    link=reverse("admin:tours_departure_change", args=[departure.pk]),
                ),
                in_language(departure.tour.destination, "city"),
                Cell(
                    f"{departure.seats_booked} / {departure.capacity}",
                    percent=max(1, min(100, departure.seats_booked * 100 // max(1, departure.capacity))),
                ),
            ]
        )
    return Panel(
        title=_("Departures, today and tomorrow"),
        headers=[_("When"), _("Tour"), _("Where"), _("Guests")],
        rows=rows,
        empty=_("Nobody travels today or tomorrow."),
        link=reverse("admin:tours_departure_changelist"),
        wide=True,
    )


@panel(order=20, permission="bookings.view_booking")
def waiting_for_payment(request: HttpRequest) -> Panel:
    waiting = Booking.objects.filter(status=BookingStatus.PENDING_PAYMENT).order_by(
        F("expires_at").asc(nulls_last=True)
    )[:8]
    return Panel(
        title=_("Waiting for payment"),
        headers=[_("Booking"), _("Contact"), _("To pay"), _("Until")],
        rows=[
            [
                Cell(booking.reference, link=reverse("admin:bookings_booking_change", args=[booking.pk])),
                booking.contact_name,
                format_money(booking.amount_due, booking.currency),
                time_format(localtime(booking.expires_at), "H:i") if booking.expires_at else "–",
            ]
            for booking in waiting
        ],
        empty=_("Every booking is paid or over."),
        link=reverse("admin:bookings_booking_changelist") + "?status__exact=PENDING_PAYMENT",
    )


@panel(order=30, permission="bookings.view_booking")
def latest(request: HttpRequest) -> Panel:
    return Panel(
        title=_("Latest bookings"),
        headers=[_("Booking"), _("Contact"), _("Total"), _("Status")],
        rows=[
            [
                Cell(booking.reference, link=reverse("admin:bookings_booking_change", args=[booking.pk])),
                booking.contact_name,
                format_money(booking.total, booking.currency),
                Cell(booking.get_status_display(), badge=TONES.get(BookingStatus(booking.status), "plain")),
            ]
            for booking in Booking.objects.order_by("-created_at")[:8]
        ],
        empty=_("There are no bookings yet."),
        link=reverse("admin:bookings_booking_changelist"),
    )
