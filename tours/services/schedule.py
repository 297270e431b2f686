"""Schedule rules changed by a caller who looks at no preview, and changes that wait for somebody to look at them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.audit import record, snapshot
from tours.errors import OptionNotFound
from tours.models import Departure, PlannedChange, ScheduleRule, TourOption
from tours.services.facts import lock_tour
from tours.services.generation import generate_departures
from tours.services.operations import RULE_FIELDS, Operation, fill_rule, rule_of, written
from tours.services.planning import Replan, apply_operations, first_horizon, look

FIELDS = RULE_FIELDS


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
    fill_rule(rule, data)
    rule.save(force_insert=True)
    record("tours.schedulerule.added", rule, actor=actor, after=snapshot(rule))
    made = generate_departures(option_id=option_id, until=first_horizon())
    return RuleChange(rule, made=made)


def change_rule(*, rule_id: UUID, data: Mapping[str, Any], actor: Any) -> RuleChange:
    """Change a rule and plan its departures to come anew, as far ahead as there are any.

    Departures that nobody holds or booked follow the rule: those it no longer asks for are deleted (closed, where they have
    been held before), the others take its capacity. Departures with places sold stay on sale as they are and are named in
    `left`, where the rule would have them otherwise. Raises `RuleNotFound`, `InvalidInput`.
    """
    operation = {"op": "rule.change", "rule": str(rule_id), "data": written(data)}
    return _at_once([operation], rule_of(rule_id), actor)


def delete_rule(*, rule_id: UUID, actor: Any) -> RuleChange:
    """Delete a rule with its departures to come that nobody holds or booked; the others stay. Raises `RuleNotFound`."""
    return _at_once([{"op": "rule.delete", "rule": str(rule_id)}], rule_of(rule_id), actor)


def _at_once(operations: Sequence[Operation], rule: ScheduleRule, actor: Any) -> RuleChange:
    return as_rule_change(apply_operations(operations=operations, actor=actor, sells_on=True), rule)


def as_rule_change(replan: Replan, rule: ScheduleRule) -> RuleChange:
    """What was done, as it is told about one rule."""
    return RuleChange(
        rule,
        made=len(replan.appear) + len(replan.reopen),
        removed=replan.removed,
        closed=replan.closed,
        left=[*replan.sold, *replan.stuck],
    )


def change_or_plan(*, operations: Sequence[Operation], title: str, actor: Any) -> tuple[PlannedChange | None, Replan]:
    """Do it at once where it touches no departure that is there; else write it down, to be looked at and confirmed first.

    Returns the planned change (None: it is done) and what it does. Raises what the operations refuse.
    """
    replan = look(operations)
    if not replan.touches:
        return None, apply_operations(operations=operations, actor=actor)
    return plan_change(operations=operations, title=title, actor=actor), replan


def plan_change(*, operations: Sequence[Operation], title: str, actor: Any) -> PlannedChange:
    """Write the change down, to be looked at and confirmed first."""
    return PlannedChange.objects.create(
        title=title[:200], operations=list(operations), made_by_id=actor.pk if actor else None
    )
