"""What the dashboard says of the day: who goes when, who has not paid, what came in last."""

from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format, time_format
from django.utils.timezone import localdate, localtime, now
from django.utils.translation import gettext as _

from bookings.models import Booking, BookingItem, BookingStatus, Review, ReviewStatus
from config.dashboard import Cell, Chart, Figure, Panel, change_in_percent, chart, panel
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


DAYS = 30
TRAVELLED = (BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS, BookingStatus.COMPLETED)


@panel(order=7, permission="bookings.view_booking")
def how_it_goes(request: HttpRequest) -> Panel:
    """Bookings, guests who travel and how full the departures are, day by day, beside the thirty days before."""
    today = localdate()
    days = [today - timedelta(days=back) for back in range(2 * DAYS - 1, -1, -1)]
    return Panel(
        title=_("The last 30 days"), charts=[_bookings_made(days), _arrivals(days), _occupancy(days)], wide=True
    )


def _bookings_made(days: list[date]) -> Chart:
    rows = (
        Booking.objects.filter(confirmed_at__date__gte=days[0])
        .annotate(day=TruncDate("confirmed_at"))
        .values_list("day")
        .annotate(count=Count("pk"))
        .order_by()
    )
    return _counted(_("Bookings confirmed"), days, dict(rows))


def _arrivals(days: list[date]) -> Chart:
    rows = (
        BookingItem.objects.filter(
            departure__local_date__range=(days[0], days[-1]),
            booking__status__in=TRAVELLED,
        )
        .values_list("departure__local_date")
        .annotate(sum=Sum("booking__guests"))
        .order_by()
    )
    return _counted(_("Guests arrived"), days, dict(rows))


def _counted(title: str, days: list[date], counts: dict[date, int]) -> Chart:
    amounts = {day: Decimal(count) for day, count in counts.items()}
    now_, before = (sum((amounts.get(day, Decimal(0)) for day in part), Decimal(0)) for part in _halves(days))
    return chart(
        title,
        days,
        amounts,
        value=f"{now_:,}",
        before=f"{before:,}",
        change=change_in_percent(now_, before),
        shown=lambda count: f"{count:,}",
    )


def _occupancy(days: list[date]) -> Chart:
    """Booked places of those there were, in percent."""
    rows = (
        Departure.objects.filter(local_date__range=(days[0], days[-1]))
        .exclude(status=DepartureStatus.CANCELLED)
        .values_list("local_date")
        .annotate(booked=Sum("seats_booked"), places=Sum("capacity"))
        .order_by()
    )
    known = {day: (booked, places) for day, booked, places in rows}

    def percent(part: list[date]) -> Decimal:
        sums = [known.get(day, (0, 0)) for day in part]
        places = sum(all_ for _booked, all_ in sums)
        return Decimal(sum(booked for booked, _all in sums) * 100) / places if places else Decimal(0)

    now_, before = (percent(part) for part in _halves(days))
    return chart(
        _("Places sold, in percent"),
        days,
        {day: percent([day]) for day in known},
        value=f"{now_:.0f} %",
        before=f"{before:.0f} %",
        change=change_in_percent(now_, before),
        shown=lambda share: f"{share:.0f} %",
    )


def _halves(days: list[date]) -> tuple[list[date], list[date]]:
    """The last thirty days, and the thirty before."""
    return days[DAYS:], days[:DAYS]


@panel(order=5, permission="bookings.change_review")
def reviews_to_look_at(request: HttpRequest) -> Panel:
    """How many guests wait for their review to be shown, and how many shown ones were reported."""
    link = reverse("admin:reviews_to_look_at")
    counts = Review.objects.to_look_at().aggregate(
        new=Count("pk", filter=Q(status=ReviewStatus.PENDING)),
        reported=Count("pk", filter=~Q(status=ReviewStatus.PENDING)),
    )
    figures = [Figure(_("Reviews to look at"), counts["new"], link=link, tone="plain" if counts["new"] else "good")]
    if counts["reported"]:
        figures.append(Figure(_("Reviews that were reported"), counts["reported"], link=link, tone="bad"))
    return Panel(figures=figures)


@panel(order=10, permission="tours.view_departure")
def departures(request: HttpRequest) -> Panel:
    """Departures of the next two days that have guests, by the local times they show."""
    rows = []
    coming = (
        Departure.objects.filter(starts_at__gte=now() - timedelta(hours=6), starts_at__lt=now() + timedelta(days=2))
        .exclude(status=DepartureStatus.CANCELLED)
        .filter(seats_booked__gt=0)
        .select_related("tour__destination", "option")
        .order_by("starts_at")[:15]
    )
    for start, departure in sorted(
        ((one.local_start(), one) for one in coming), key=lambda pair: pair[0].replace(tzinfo=None)
    ):
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
