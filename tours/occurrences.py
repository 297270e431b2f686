"""When a schedule rule starts, day by day. Local times of the destination become moments in UTC here and nowhere else.

Where the clocks change: a local time that does not exist (02:30 while 02:00 becomes 03:00) runs later by the hour that
was skipped, so that the day keeps its departure; a local time that comes twice runs once, the first time.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tours.models import ScheduleRule


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment of a local time, in UTC."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)  # fold=0: the first of two; a gap is moved over


def exists_locally(day: date, at: time, zone: ZoneInfo) -> bool:
    """False where the clocks are put forward over this time."""
    return moment(day, at, zone).astimezone(zone).replace(tzinfo=None) == datetime.combine(day, at)


def starts_of(rule: ScheduleRule, zone: ZoneInfo, first: date, last: date) -> Iterator[datetime]:
    """The rule's starts from one local day to another, both included, in UTC and in order. None when it is not active."""
    if not rule.is_active:
        return
    day = max(first, rule.valid_from)
    last = last if rule.valid_until is None else min(last, rule.valid_until)
    weekdays, resting = set(rule.weekdays), set(rule.except_dates)
    while day <= last:
        if day.isoweekday() in weekdays and day not in resting:
            yield moment(day, rule.start_time, zone)
        day += timedelta(days=1)
