"""Schedule rules, and what becomes of departures when a rule changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.timezone import now

from accounts.audit import differences, record, snapshot
from config.errors import InvalidInput
from tours.errors import OptionNotFound, RuleNotFound
from tours.limits import faults_of_rule
from tours.models import Departure, DepartureStatus, ScheduleRule, TourOption
from tours.services.departures import generate_departures, insert_missing, starts_to_come
from tours.services.facts import lock_tour, settle_tour

FIRST_DAYS = 30  # made as soon as there is a rule; the daily job goes on from there
FIELDS = (
    *("repeats", "every", "weekdays", "ordinals", "dates", "start_time", "more_times", "closes_at"),
    *("valid_from", "valid_until", "season", "except_dates", "capacity", "is_active"),
)
LISTS = frozenset({"weekdays", "ordinals", "dates", "more_times", "except_dates"})


@dataclass
class RuleChange:
    """What a change of a rule did: departures made and deleted, those only closed because they have a history, those left."""

    rule: ScheduleRule
    made: int = 0
    removed: int = 0
    closed: int = 0
    # They have places held or booked, so they stay as they were sold.
    left: list[Departure] = field(default_factory=list)


@transaction.atomic
def create_rule(*, option_id: UUID, data: Mapping[str, Any], actor: Any) -> RuleChange:
    """Add a rule and make its departures of the next 30 days. Raises `OptionNotFound`, `InvalidInput`."""
    option = TourOption.objects.select_related("tour__destination").filter(pk=option_id, tour__deleted_at=None).first()
    if option is None:
        raise OptionNotFound
    lock_tour(option.tour_id)
    rule = ScheduleRule(option=option)
    _fill(rule, data)
    rule.save(force_insert=True)
    record("tours.schedulerule.added", rule, actor=actor, after=snapshot(rule))
    made = generate_departures(option_id=option_id, until=first_horizon())
    return RuleChange(rule, made=made)


@transaction.atomic
def change_rule(*, rule_id: UUID, data: Mapping[str, Any], actor: Any) -> RuleChange:
    """Change a rule and plan its departures to come anew, as far ahead as there are any.

    Departures that nobody holds or booked follow the rule: those it no longer asks for are deleted (closed, where they have
    been held before), the others take its capacity. Departures with places sold stay as they are and are named in
    `left`, where the rule would have them otherwise. Raises `RuleNotFound`, `InvalidInput`.
    """
    rule = _lock_rule(rule_id)
    before = snapshot(rule)
    _fill(rule, data)
    old, new = differences(before, snapshot(rule))
    if not new:
        return RuleChange(rule)
    rule.save(update_fields=list(new))
    change = _plan_anew(rule)
    record("tours.schedulerule.changed", rule, actor=actor, before=old, after=new | _counts(change))
    settle_tour(rule.option.tour_id)
    return change


@transaction.atomic
def delete_rule(*, rule_id: UUID, actor: Any) -> RuleChange:
    """Delete a rule with its departures to come that nobody holds or booked; the others stay. Raises `RuleNotFound`."""
    rule = _lock_rule(rule_id)
    before = snapshot(rule)
    rule.is_active = False
    change = _plan_anew(rule)
    record("tours.schedulerule.deleted", rule, actor=actor, before=before, after=_counts(change))
    rule.delete()
    settle_tour(rule.option.tour_id)
    return change


def first_horizon() -> date:
    """Until which day departures are made at once."""
    return now().date() + timedelta(days=FIRST_DAYS)


def _lock_rule(rule_id: UUID) -> ScheduleRule:
    rule = ScheduleRule.objects.filter(pk=rule_id, option__tour__deleted_at=None).values("option__tour_id").first()
    if rule is None:
        raise RuleNotFound
    lock_tour(rule["option__tour_id"])
    found = ScheduleRule.objects.select_related("option__tour__destination", "season")
    return found.prefetch_related("season__ranges").get(pk=rule_id)


def _fill(rule: ScheduleRule, data: Mapping[str, Any]) -> None:
    for name in FIELDS:
        if name in data:
            value = data[name]
            setattr(rule, name, sorted(set(value)) if name in LISTS else value)
    faults = {}
    try:
        rule.clean_fields(exclude={"tenant", "option", "season", "weekdays", "ordinals"})
    except ValidationError as refusal:
        faults = refusal.message_dict
    faults |= faults_of_rule(rule)
    if faults:
        raise InvalidInput(details=faults)


def _plan_anew(rule: ScheduleRule) -> RuleChange:
    change = RuleChange(rule)
    coming = Departure.objects.filter(rule_id=rule.pk).upcoming()
    existing = list(coming.select_for_update(of=("self",)).select_related("tour__destination", "option").order_by("pk"))
    last = coming.aggregate(last=Max("local_date"))["last"]
    starts = starts_to_come(rule, max(last or first_horizon(), first_horizon()))
    asked = set(starts)
    capacity = rule.capacity or rule.option.capacity
    strays, resized = [], []
    for departure in existing:
        is_stray = departure.starts_at not in asked
        if departure.seats_held or departure.seats_booked:
            if is_stray or departure.capacity != capacity:
                change.left.append(departure)
        elif is_stray:
            strays.append(departure.pk)
        elif departure.capacity != capacity:
            resized.append(departure.pk)
    Departure.objects.filter(pk__in=resized).update(capacity=capacity)
    change.removed = Departure.objects.filter(pk__in=strays).without_history().delete()[0]
    change.closed = Departure.objects.filter(pk__in=strays, status=DepartureStatus.OPEN).update(
        status=DepartureStatus.CLOSED
    )
    change.made = insert_missing({(rule.option_id, start): rule for start in starts})
    return change


def _counts(change: RuleChange) -> dict[str, int]:
    return {
        "departures_made": change.made,
        "departures_removed": change.removed,
        "departures_closed": change.closed,
        "departures_left": len(change.left),
    }
