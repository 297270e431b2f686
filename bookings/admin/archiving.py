"""Archiving tours: whom it concerns, then one click."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings import wording
from bookings.models import BookingItem, BookingStatus
from config.admin import page
from config.errors import DomainError
from config.i18n import in_language
from tours.models import Departure, DepartureStatus, Tour
from tours.services import archive_tour

MOST = 50  # tours at once
SHOWN_AT_MOST = 100  # bookings of one tour that are named
CONCERNED = (BookingStatus.PENDING_PAYMENT, BookingStatus.CONFIRMED, BookingStatus.IN_PROGRESS)


@page("tours/archive/", name="tours_archive", permission="tours.publish")
def archive_tours(request: HttpRequest) -> HttpResponse:
    """`ids` of tours: what is still to come of each, with the bookings; the click archives them all, or says which it cannot."""
    tours = list(Tour.objects.alive().filter(pk__in=_ids(request)).select_related("destination").order_by("title_en"))
    if request.method == "POST":
        return _archived(request, tours)
    context = {
        **admin.site.each_context(request),
        "title": _("Archive tours"),
        "tours": [_in_words(tour) for tour in tours],
    }
    return TemplateResponse(request, "admin/bookings/archive.html", context)


def _archived(request: HttpRequest, tours: list[Tour]) -> HttpResponse:
    done = 0
    for tour in tours:
        try:
            archive_tour(tour_id=tour.pk, actor=request.user)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            done += 1
    if done:
        messages.success(request, ngettext("{n} tour archived.", "{n} tours archived.", done).format(n=done))
    return redirect("admin:tours_tour_changelist")


def _ids(request: HttpRequest) -> list[UUID]:
    found = []
    for part in request.GET.get("ids", "").split(",")[:MOST]:
        try:
            found.append(UUID(part))
        except ValueError:
            continue
    return found


def _in_words(tour: Tour) -> dict[str, Any]:
    coming = Departure.objects.filter(tour_id=tour.pk, starts_at__gt=now())
    sold = Q(seats_held__gt=0) | Q(seats_booked__gt=0)
    figures = coming.aggregate(
        all=Count("pk"),
        open=Count("pk", filter=Q(status=DepartureStatus.OPEN)),
        sold=Count("pk", filter=sold),
        booked=Sum("seats_booked"),
        held=Sum("seats_held"),
    )
    items = BookingItem.objects.filter(departure__in=coming, booking__status__in=CONCERNED).select_related("booking")
    count = items.values("booking_id").distinct().count()
    rows = items.select_related("departure").order_by("departure__starts_at", "booking_id")[:SHOWN_AT_MOST]
    return {
        "tour": tour,
        "title": in_language(tour, "title"),
        "status": tour.get_status_display(),
        **{name: value or 0 for name, value in figures.items()},
        "bookings": [
            {
                "address": reverse("admin:bookings_booking_change", args=[row.booking_id]),
                "reference": row.booking.reference,
                "contact": row.booking.contact_name,
                "guests": row.booking.guests,
                "start": wording.moment_in_words(wording.local(row.departure.starts_at, tour.destination.time_zone)),
            }
            for row in rows
            if row.departure is not None
        ],
        "count": count,
        "more": max(0, count - SHOWN_AT_MOST),
    }
