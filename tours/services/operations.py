"""The single steps of a change of the schedule, as they are kept until somebody confirms them.

An operation is a JSON object: `op` says which, `tour`, `option`, `rule`, `season`, `blackout` name rows, `data` holds new values;
`tour.move` has the new `status`.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from accounts.audit import differences, plain, snapshot
from config.errors import InvalidInput, NotFound
from tours.errors import OptionNotFound, RuleNotFound, TourNotFound
from tours.limits import faults_of_rule
from tours.models import Blackout, Destination, ScheduleRule, Season, SeasonRange, Tour, TourOption, TourStatus
from tours.services.states import VERBS, set_status

Operation = Mapping[str, Any]

RULE_FIELDS = (
    *("repeats", "every", "weekdays", "ordinals", "dates", "start_time", "more_times", "closes_at"),
    *("valid_from", "valid_until", "season", "except_dates", "capacity", "is_active"),
)
LISTS = frozenset({"weekdays", "ordinals", "dates", "more_times", "except_dates"})
BLACKOUT_FIELDS = ("tour", "destination", "first_day", "last_day", "reason_en", "reason_ar")


@dataclass(frozen=True)
class Done:
    """What an operation did to the schedule, for the audit trail."""

    action: str
    subject: Model
    before: dict[str, Any]
    after: dict[str, Any]


def written(data: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a form as JSON can keep them."""
    return {name: plain(value) for name, value in data.items()}


def rule_of(rule_id: Any) -> ScheduleRule:
    """Raises `RuleNotFound`."""
    rule = (
        ScheduleRule.objects.select_related("option__tour__destination", "season")
        .prefetch_related("season__ranges")
        .filter(pk=rule_id, option__tour__deleted_at=None)
        .first()
    )
    if rule is None:
        raise RuleNotFound
    return rule


def fill_rule(rule: ScheduleRule, data: Mapping[str, Any]) -> None:
    """Write values, as a form or JSON gives them, onto a rule. Raises `InvalidInput` with the faults by field."""
    for name in RULE_FIELDS:
        if name in data:
            _set(rule, name, data[name])
    faults: dict[str, list[str]] = {}
    try:
        rule.clean_fields(exclude={"tenant", "option", "season", "weekdays", "ordinals"})
    except ValidationError as refusal:
        faults = refusal.message_dict
    faults |= faults_of_rule(rule)
    if faults:
        raise InvalidInput(details=faults)


def _set(row: Any, name: str, value: Any) -> None:
    """A value as it is, or as JSON kept it."""
    column = row._meta.get_field(name)
    if column.is_relation:
        setattr(row, column.attname, getattr(value, "pk", value) or None)
    elif name in LISTS:
        setattr(row, name, sorted({column.base_field.to_python(one) for one in value or ()}))
    else:
        setattr(row, name, column.to_python(value))


# --- Rules ---


def _change_rule(operation: Operation) -> Done | None:
    rule = rule_of(operation["rule"])
    before = snapshot(rule)
    fill_rule(rule, operation["data"])
    old, new = differences(before, snapshot(rule))
    if not new:
        return None
    rule.save(update_fields=list(new))
    return Done("tours.schedulerule.changed", rule, old, new)


def _delete_rule(operation: Operation) -> Done:
    rule = rule_of(operation["rule"])
    done = Done("tours.schedulerule.deleted", copy(rule), snapshot(rule), {})
    rule.delete()
    return done


def _add_rule(operation: Operation) -> Done:
    option = TourOption.objects.select_related("tour__destination").filter(
        pk=operation["option"], tour__deleted_at=None
    )
    rule = ScheduleRule(option=option.first())
    if rule.option_id is None:
        raise OptionNotFound
    fill_rule(rule, operation["data"])
    rule.save(force_insert=True)
    return Done("tours.schedulerule.added", rule, {}, snapshot(rule))


# --- Seasons ---


def _change_season(operation: Operation) -> Done:
    season = Season.objects.filter(pk=operation["season"]).first()
    if season is None:
        raise NotFound
    spans = sorted(_span(first, last) for first, last in operation["days"])
    for (_first, last), (first, _last) in pairwise(spans):
        if first <= last:
            raise InvalidInput(details={"days": [_("These days overlap other days of the season.")]})
    before = [plain([span.first_day, span.last_day]) for span in season.ranges.order_by("first_day")]
    season.ranges.all().delete()
    SeasonRange.objects.bulk_create(SeasonRange(season=season, first_day=first, last_day=last) for first, last in spans)
    return Done("tours.season.changed", season, {"days": before}, {"days": plain(spans)})


def _span(first: Any, last: Any) -> tuple[date, date]:
    try:
        days = (date.fromisoformat(str(first)), date.fromisoformat(str(last)))
    except ValueError as fault:
        raise InvalidInput(details={"days": [_("One day a line, as 2027-01-31.")]}) from fault
    if days[1] < days[0]:
        raise InvalidInput(details={"days": [_("The last day cannot be before the first.")]})
    return days


# --- Blackouts ---


def _add_blackout(operation: Operation) -> Done:
    blackout = Blackout()
    _fill_blackout(blackout, operation["data"])
    blackout.save(force_insert=True)
    return Done("tours.blackout.added", blackout, {}, snapshot(blackout))


def _change_blackout(operation: Operation) -> Done | None:
    blackout = _blackout(operation)
    before = snapshot(blackout)
    _fill_blackout(blackout, operation["data"])
    old, new = differences(before, snapshot(blackout))
    if not new:
        return None
    blackout.save(update_fields=list(new))
    return Done("tours.blackout.changed", blackout, old, new)


def _delete_blackout(operation: Operation) -> Done:
    blackout = _blackout(operation)
    done = Done(
        "tours.blackout.deleted",
        Blackout(**{f.attname: getattr(blackout, f.attname) for f in blackout._meta.concrete_fields}),
        snapshot(blackout),
        {},
    )
    blackout.delete()
    return done


def _blackout(operation: Operation) -> Blackout:
    found = Blackout.objects.filter(pk=operation["blackout"]).first()
    if found is None:
        raise NotFound
    return found


def _fill_blackout(blackout: Blackout, data: Mapping[str, Any]) -> None:
    for name in BLACKOUT_FIELDS:
        if name in data:
            _set(blackout, name, data[name])
    if blackout.tour_id and not Tour.objects.alive().filter(pk=blackout.tour_id).exists():
        raise TourNotFound
    if blackout.destination_id and not Destination.objects.filter(pk=blackout.destination_id).exists():
        raise NotFound
    try:
        blackout.clean_fields(exclude={"tenant", "tour", "destination"})
        blackout.validate_constraints()
    except ValidationError as refusal:
        raise InvalidInput(details=refusal.message_dict) from refusal


# --- Tours ---


def _move_tour(operation: Operation) -> Done | None:
    tour = Tour.objects.alive().filter(pk=operation["tour"]).first()
    if tour is None:
        raise TourNotFound
    status = TourStatus(operation["status"])
    if tour.status == status:
        return None
    before = set_status(tour, status)
    return Done(f"tours.tour.{VERBS[status]}", tour, {"status": before}, {"status": str(status)})


# --- All of them ---

STEPS: dict[str, Callable[[Operation], Done | None]] = {
    "rule.add": _add_rule,
    "rule.change": _change_rule,
    "rule.delete": _delete_rule,
    "season.change": _change_season,
    "blackout.add": _add_blackout,
    "blackout.change": _change_blackout,
    "blackout.delete": _delete_blackout,
    "tour.move": _move_tour,
}


def tours_of(operations: Sequence[Operation]) -> set[UUID]:
    """The tours whose departures these operations may touch, before they are done."""
    tours = Tour.objects.alive()
    found: set[UUID] = set()
    for operation in operations:
        match operation["op"].partition(".")[0]:
            case "rule" if "rule" in operation:
                found.add(rule_of(operation["rule"]).option.tour_id)
            case "rule":
                found |= set(tours.filter(options=operation["option"]).values_list("pk", flat=True))
            case "season":
                found |= set(tours.filter(options__rules__season=operation["season"]).values_list("pk", flat=True))
            case "tour":
                found.add(UUID(operation["tour"]))
            case "blackout":
                scopes = [operation["data"]] if "data" in operation else []
                if "blackout" in operation:
                    scopes.append(plain(snapshot(_blackout(operation))))
                for scope in scopes:
                    found |= set(_in_scope(scope).values_list("pk", flat=True))
    return found


def archived_by(operations: Sequence[Operation]) -> set[UUID]:
    """The tours that these operations put into the archive."""
    return {
        UUID(one["tour"]) for one in operations if one["op"] == "tour.move" and one["status"] == TourStatus.ARCHIVED
    }


def _in_scope(scope: Mapping[str, Any]) -> Any:
    """The tours of a blackout: one, those of a destination, or all that have a schedule or departures."""
    tours = Tour.objects.alive()
    if scope.get("tour"):
        return tours.filter(pk=scope["tour"])
    if scope.get("destination"):
        return tours.filter(destination_id=scope["destination"])
    return tours
