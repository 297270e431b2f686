"""What a day's departures take along and lack, and whether they run: added to the Today page in a few queries."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.flags import BAD, WARN, Flag
from tours.models import BelowMinimum, Departure, EngagementState
from tours.selectors.capacity import places_left_of
from tours.selectors.resources import Short, engaged_for, shortfalls
from tours.services.minimum import decides_at, minimum_of


def add_crew(rows: Iterable[Any]) -> None:
    """For `DayDeparture` rows: who goes along (`crew`), places that can really be sold (`left`), and red flags."""
    by_pk = {row.pk: row for row in rows}
    departures = list(
        Departure.objects.filter(pk__in=by_pk).select_related("option", "run_decision").defer("note_en", "note_ar")
    )
    for pk, left in places_left_of(departures).items():
        by_pk[pk].left = left
    present = now()
    for pk, engagements in engaged_for(by_pk).items():
        row = by_pk[pk]
        row.crew = [(str(each.resource), each.get_state_display(), each.quantity) for each in engagements]
        unasked = sum(each.state == EngagementState.TENTATIVE and bool(each.resource.email) for each in engagements)
        if unasked and row.start > present and (row.start - present).total_seconds() < 48 * 3600:
            row.flags.append(Flag(WARN, partial(_unasked, unasked), "admin:departure_resources", pk))
    for short in shortfalls([one for one in departures if one.ends_at > present]):
        by_pk[short.departure.pk].flags.append(
            Flag(BAD, partial(_missing, short), "admin:departure_resources", short.departure.pk)
        )
    for departure in departures:
        row = by_pk[departure.pk]
        minimum = minimum_of(departure)
        if departure.starts_at > present and departure.seats_booked + departure.seats_held > 0:
            row.flags += _of_minimum(departure, minimum, present)


def _of_minimum(departure: Departure, minimum: int, present: datetime) -> Iterable[Flag]:
    page = ("admin:departure_decision", departure.pk)
    decision = getattr(departure, "run_decision", None)
    if decision is not None and decision.decision == BelowMinimum.CANCEL:
        yield Flag(BAD, _called_off, *page)
    elif departure.seats_booked < minimum and departure.status != "CANCELLED":
        if decision is None:
            yield Flag(BAD, partial(_decides, departure, minimum, present), *page)
        elif decision.decision == BelowMinimum.ASK:
            yield Flag(BAD, partial(_to_decide, departure, minimum), *page)


def _missing(short: Short) -> str:
    return _("Missing: {n} × {need}").format(n=short.missing, need=short.need)


def _unasked(number: int) -> str:
    return ngettext("{n} guide was not asked yet", "{n} guides were not asked yet", number).format(n=number)


def _decides(departure: Departure, minimum: int, present: datetime) -> str:
    hours = max(0, round((decides_at(departure) - present).total_seconds() / 3600))
    words = ngettext(
        "Below the minimum ({booked} of {least}), decided in {n} hour",
        "Below the minimum ({booked} of {least}), decided in {n} hours",
        hours,
    )
    return words.format(booked=departure.seats_booked, least=minimum, n=hours)


def _to_decide(departure: Departure, minimum: int) -> str:
    return _("Below the minimum ({booked} of {least}): say whether it runs").format(
        booked=departure.seats_booked, least=minimum
    )


def _called_off() -> str:
    return _("Called off: too few booked")
