"""When a schedule rule starts, day by day. Local times of the destination become moments in UTC here and nowhere else.

Where the clocks change: a local time that does not exist (02:30 while 02:00 becomes 03:00) runs later by the hour that
was skipped, so that the day keeps its departure; a local time that comes twice runs once, the first time.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from dateutil.rrule import FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, rrule

from tours.models import Repeats, ScheduleRule

_DAYS = (MO, TU, WE, TH, FR, SA, SU)


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment of a local time, in UTC."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)  # fold=0: the first of two; a gap is moved over


def exists_locally(day: date, at: time, zone: ZoneInfo) -> bool:
    """False where the clocks are put forward over this time."""
    return moment(day, at, zone).astimezone(zone).replace(tzinfo=None) == datetime.combine(day, at)


def days_of(rule: ScheduleRule, first: date, last: date) -> Iterator[date]:
    """The local days from one to another, both included, on which the rule runs, in order. None when it is not active."""
    if not rule.is_active:
        return
    first = max(first, rule.valid_from)
    last = last if rule.valid_until is None else min(last, rule.valid_until)
    resting = set(rule.except_dates)
    season = rule.season if rule.season_id is not None else None
    for day in _recurring(rule, first, last):
        if day not in resting and (season is None or season.contains(day)):
            yield day


def starts_of(rule: ScheduleRule, zone: ZoneInfo, first: date, last: date) -> Iterator[datetime]:
    """The rule's starts from one local day to another, both included, in UTC and in order. None when it is not active.

    Two local times that are one moment where the clocks are put forward are one start.
    """
    times = rule.times[:1] if rule.closes_at is not None else rule.times
    for day in days_of(rule, first, last):
        yield from sorted({moment(day, at, zone) for at in times})


def closing_of(rule: ScheduleRule, starts_at: datetime, zone: ZoneInfo) -> datetime:
    """When the day that begins at this start closes: the same local day, or the next where it closes after midnight."""
    if rule.closes_at is None:
        raise ValueError("this rule has no opening hours")
    day = starts_at.astimezone(zone).date()
    closing = moment(day, rule.closes_at, zone)
    return closing if closing > starts_at else moment(day + timedelta(days=1), rule.closes_at, zone)


def _recurring(rule: ScheduleRule, first: date, last: date) -> Iterator[date]:
    if rule.repeats == Repeats.DATES:
        yield from sorted(day for day in set(rule.dates) if first <= day <= last)
        return
    if not rule.weekdays or first > last:
        return
    every, weekdays = max(rule.every, 1), sorted(set(rule.weekdays))
    if rule.repeats == Repeats.MONTHLY:
        if not rule.ordinals:
            return
        began = rule.valid_from.replace(day=1)
        months = (first.year - began.year) * 12 + first.month - began.month
        start = began + relativedelta(months=months // every * every)
        nth = [_DAYS[day - 1](number) for day in weekdays for number in sorted(set(rule.ordinals))]
        found = rrule(MONTHLY, interval=every, byweekday=nth, dtstart=_midnight(start), until=_midnight(last))
    else:
        began = rule.valid_from - timedelta(days=rule.valid_from.weekday())
        weeks = (first - began).days // 7 // every * every
        start = began + timedelta(weeks=weeks)
        named = [_DAYS[day - 1] for day in weekdays]
        found = rrule(WEEKLY, interval=every, byweekday=named, dtstart=_midnight(start), until=_midnight(last))
    for at in found:
        if at.date() >= first:
            yield at.date()


def _midnight(day: date) -> datetime:
    """A day as `rrule` counts it: without a zone, because only the day is asked for."""
    return datetime.combine(day, time())
