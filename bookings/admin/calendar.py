"""The calendar of departures: a month at a glance, and a range of days taken to the form that changes them."""

import calendar
from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from babel import Locale
from babel.dates import format_date, get_day_names
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings import wording
from config.admin import page
from config.i18n import in_language, language_now
from tours.models import Departure, DepartureStatus, Tour, TourOption
from tours.models.schedule import weekday_names
from tours.selectors.calendar import SHOWN_AT_MOST, DayTotals, calendar_days, calendar_departures

FIRST_YEAR, LAST_YEAR = 2000, 2100
TOURS_AT_MOST = 500  # in the list to choose from

# How full: the share of places taken up to which a word holds, and its colour. Colour never stands alone.
LEVELS: list[tuple[int, str, Any]] = [
    (0, "empty", gettext_lazy("nothing sold")),
    (49, "free", gettext_lazy("mostly free")),
    (84, "filling", gettext_lazy("filling")),
    (99, "nearly", gettext_lazy("nearly full")),
]
FULL = ("full", gettext_lazy("full"))
CLOSED = ("closed", gettext_lazy("closed"))
CANCELLED = ("cancelled", gettext_lazy("cancelled"))
OVER = ("over", gettext_lazy("over"))
LEGEND = [(code, word) for _most, code, word in LEVELS] + [FULL, CLOSED, CANCELLED]


@page("departures/calendar/", name="departure_calendar", permission="tours.view_departure")
def departure_calendar(request: HttpRequest) -> HttpResponse:
    """`month` (2027-01, else the current one), of all tours, of one `tour`, or of one `option`."""
    today = localdate()
    month = _month(request.GET.get("month", ""), today)
    tour, option = _chosen(request)
    weeks = _weeks(month)
    first, last = weeks[0][0], weeks[-1][-1]
    chosen = {"tour_id": tour.pk if tour else None, "option_id": option.pk if option else None}
    totals = calendar_days(first, last, **chosen)
    named = calendar_departures(first, last, tour_id=tour.pk, option_id=chosen["option_id"]) if tour else {}
    locale = Locale.parse(wording.locale_of(language_now()))
    names = get_day_names("wide", locale=locale)
    context = {
        **admin.site.each_context(request),
        "title": _("Calendar of departures"),
        "month": month.strftime("%Y-%m"),
        "month_name": format_date(month, "LLLL y", locale=locale),
        "previous": _address(request, month - timedelta(days=1)),
        "next": _address(request, month + timedelta(days=31)),
        "this_month": _address(request, today),
        "weekdays": [names[day.weekday()] for day in weeks[0]],
        "weekday_choices": [(day.isoweekday(), weekday_names()[day.isoweekday()]) for day in weeks[0]],
        "weeks": [
            [_day(day, month, today, totals.get(day), named.get(day, []), tour, option) for day in week]
            for week in weeks
        ],
        "tour": tour,
        "option": option,
        "tours": _tours(tour),
        "options": list(tour.options.all()) if tour else [],
        "legend": LEGEND,
        "may_change": request.user.has_perm("tours.change_departure"),  # type: ignore[union-attr]
        "may_price": tour is not None and request.user.has_perm("tours.add_pricerule"),  # type: ignore[union-attr]
        "may_close": request.user.has_perm("tours.close"),  # type: ignore[union-attr]
        "closed": DepartureStatus.CLOSED,
        "open": DepartureStatus.OPEN,
        "what": f"option:{option.pk}" if option else f"tour:{tour.pk}" if tour else "",
        "here": request.get_full_path(),
        "first_day": max(month, today).isoformat(),
        "today": today.isoformat(),
    }
    return TemplateResponse(request, "admin/bookings/calendar.html", context)


def _month(written: str, today: date) -> date:
    with suppress(ValueError):
        year, number = (int(part) for part in written.split("-", 1))
        if FIRST_YEAR <= year <= LAST_YEAR:
            return date(year, number, 1)
    return today.replace(day=1)


def _chosen(request: HttpRequest) -> tuple[Tour | None, TourOption | None]:
    """The tour and, of it, the option; what is no id, or none of ours, is not there."""
    asked = {name: request.GET.get(name, "") for name in ("tour", "option")}
    try:
        ids = {name: UUID(value) for name, value in asked.items() if value}
    except ValueError as fault:
        raise Http404 from fault
    tours = Tour.objects.alive().select_related("destination").prefetch_related("options")
    option = None
    if "option" in ids:
        option = TourOption.objects.filter(pk=ids["option"]).first()
        if option is None or ids.get("tour", option.tour_id) != option.tour_id:
            raise Http404
        ids["tour"] = option.tour_id
    tour = tours.filter(pk=ids["tour"]).first() if "tour" in ids else None
    if "tour" in ids and tour is None:
        raise Http404
    return tour, option


def _weeks(month: date) -> list[list[date]]:
    """The weeks that the month touches, each beginning as people here begin it."""
    first_day = Locale.parse(wording.locale_of(language_now())).first_week_day
    return calendar.Calendar(first_day).monthdatescalendar(month.year, month.month)


def _tours(chosen: Tour | None) -> list[tuple[UUID, str]]:
    rows = Tour.objects.alive().only("title_en", "title_ar").order_by("title_en")[:TOURS_AT_MOST]
    found = {row.pk: str(in_language(row, "title")) for row in rows}
    if chosen is not None:
        found.setdefault(chosen.pk, str(in_language(chosen, "title")))
    return sorted(found.items(), key=lambda pair: pair[1].casefold())


def _address(request: HttpRequest, month: date) -> str:
    asked = {name: request.GET[name] for name in ("tour", "option") if request.GET.get(name)}
    return f"?{urlencode({**asked, 'month': month.strftime('%Y-%m')})}"


def _day(
    day: date,
    month: date,
    today: date,
    totals: DayTotals | None,
    departures: list[Departure],
    tour: Tour | None,
    option: TourOption | None,
) -> dict[str, Any]:
    """A cell: its day, what it sums up to, and the first of its departures."""
    locale = wording.locale_of(language_now())
    asked = {"local_date_from": day.isoformat(), "local_date_to": day.isoformat(), "when": "all"}
    if tour is not None:
        asked["tour__id__exact"] = str(tour.pk)
    return {
        "iso": day.isoformat(),
        "number": day.day,
        "in_words": wording.day_in_words(day),
        "weekday": format_date(day, "EEE", locale=locale),
        "is_outside": day.month != month.month,
        "is_past": day < today,
        "is_today": day == today,
        "totals": totals,
        "level": level_of_day(totals) if totals else None,
        "departures": [_start(departure, with_option=option is None) for departure in departures[:SHOWN_AT_MOST]],
        "more": max(0, len(departures) - SHOWN_AT_MOST),
        "list": f"{reverse('admin:tours_departure_changelist')}?{urlencode(asked)}",
    }


def _start(departure: Departure, *, with_option: bool) -> dict[str, Any]:
    code, word = level_of(departure)
    taken = departure.seats_held + departure.seats_booked
    return {
        "address": reverse("admin:tours_departure_change", args=[departure.pk]),
        "time": wording.time_in_words(departure.local_start()),
        "option": str(in_language(departure.option, "name")) if with_option else "",
        "taken": taken,
        "capacity": departure.capacity,
        "code": code,
        "word": word,
    }


def level_of(departure: Departure) -> tuple[str, Any]:
    """How a departure stands, as a code for its colour and a word."""
    if departure.status == DepartureStatus.CANCELLED:
        return CANCELLED
    if departure.starts_at <= now():
        return OVER
    if departure.status == DepartureStatus.CLOSED:
        return CLOSED
    return _level(departure.seats_held + departure.seats_booked, departure.capacity)


def level_of_day(totals: DayTotals) -> tuple[str, Any]:
    if not totals.places:
        return CANCELLED
    return _level(totals.taken, totals.places) if totals.open else CLOSED


def _level(taken: int, places: int) -> tuple[str, Any]:
    if taken >= places:
        return FULL
    share = 100 * taken / places
    return next(((code, word) for most, code, word in LEVELS if share <= most), (LEVELS[-1][1], LEVELS[-1][2]))
