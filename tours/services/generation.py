"""Departures made from the schedule, as far ahead as asked for."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.timezone import now

from notifications.outbox import announce
from tours.blackouts import RestDays, rest_days
from tours.models import Departure, ScheduleRule, Tour, TourStatus
from tours.occurrences import closing_of, starts_of
from tours.services.departures import BATCH, Start, departure_of

OPTIONS_AT_ONCE = 100


def generate_departures(*, until: date, tour_id: UUID | None = None, option_id: UUID | None = None) -> int:
    """Make the departures that active rules ask for from now until a local day, of one tour or option or of all.

    Returns how many were made. Safe to repeat and to run twice at once: a departure that exists, whatever its state, stays as
    it is. Archived and deleted tours get none. Announces `tour.changed` for each tour that got some.
    """
    rules = ScheduleRule.objects.filter(is_active=True, option__tour__deleted_at=None).exclude(
        option__tour__status=TourStatus.ARCHIVED
    )
    if tour_id is not None:
        rules = rules.filter(option__tour_id=tour_id)
    if option_id is not None:
        rules = rules.filter(option_id=option_id)
    rules = rules.filter(valid_from__lte=until)
    options = list(rules.order_by("option_id").values_list("option_id", flat=True).distinct())
    made, resting = 0, rest_days()
    for first in range(0, len(options), OPTIONS_AT_ONCE):
        made += _make_missing(rules, options[first : first + OPTIONS_AT_ONCE], until, resting)
    return made


@transaction.atomic
def _make_missing(rules: Any, options: Sequence[UUID], until: date, resting: RestDays) -> int:
    """Under the lock of their tours, so that no change of the schedule comes between reading rules and writing departures."""
    tours = Tour.objects.filter(options__in=options).values("pk")
    list(Tour.objects.select_for_update(no_key=True).filter(pk__in=tours).order_by("pk").values_list("pk"))
    some = rules.filter(option_id__in=options).order_by("valid_from", "pk")
    wanted: dict[Start, ScheduleRule] = {}
    for rule in some.select_related("option__tour__destination", "season").prefetch_related("season__ranges"):
        for start in starts_to_come(rule, until, resting):
            wanted.setdefault((rule.option_id, start), rule)  # of two rules, the one that began first
    return insert_missing(wanted)


def starts_to_come(rule: ScheduleRule, until: date, resting: RestDays) -> list[datetime]:
    """When the rule starts, from now until a local day, but on days of rest. Needs `option__tour__destination`."""
    tour = rule.option.tour
    zone = ZoneInfo(tour.destination.time_zone)
    present = now()
    starts = starts_of(rule, zone, present.astimezone(zone).date(), until)
    return [
        start
        for start in starts
        if _last_call(rule, start, zone) > present and not resting.include(tour, start.astimezone(zone).date())
    ]


def _last_call(rule: ScheduleRule, start: datetime, zone: ZoneInfo) -> datetime:
    """Until when a departure of the rule is worth making: its start, or the end of its opening hours."""
    return closing_of(rule, start, zone) if rule.closes_at is not None else start


def planned(rule: ScheduleRule, until: date, resting: RestDays) -> list[Departure]:
    """The departures that the rule asks for from now until a local day, not saved. Needs `option__tour__destination`."""
    zone = ZoneInfo(rule.option.tour.destination.time_zone)
    return [departure_of(rule.option, start, zone, rule=rule) for start in starts_to_come(rule, until, resting)]


@transaction.atomic
def insert_missing(wanted: Mapping[Start, ScheduleRule]) -> int:
    """Make those whose option has no departure at that moment yet, and announce their tours. Returns how many."""
    if not wanted:
        return 0
    starts = [start for _option, start in wanted]
    existing = set(
        Departure.objects.filter(
            option_id__in={option for option, _start in wanted}, starts_at__gte=min(starts), starts_at__lte=max(starts)
        ).values_list("option_id", "starts_at")
    )
    fresh = [departure_of(rule.option, key[1], rule=rule) for key, rule in wanted.items() if key not in existing]
    Departure.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=BATCH)
    counts = Counter(departure.tour_id for departure in fresh)
    for tour in {departure.tour_id: departure.tour for departure in fresh}.values():
        announce("tour.changed", tour, departures=counts[tour.pk])
    return len(fresh)
