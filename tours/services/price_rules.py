"""Price rules: made, changed and deleted, each with its audit entry; what shows prices follows."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit import differences, record, snapshot, stored
from config.errors import InvalidInput, NotFound
from notifications.outbox import announce
from tours.models import PriceRule
from tours.price_limits import faults_of_price_rule

REFERENCES = frozenset(
    {"tenant", "tour", "option", "season", "price_group"}
)  # given as rows, kept by their constraints


@transaction.atomic
def create_price_rule(*, data: Mapping[str, Any], actor: Any) -> PriceRule:
    """A new rule. `data` holds its columns, references as rows. Raises `InvalidInput`."""
    rule = PriceRule(**data)
    _refuse_faults(rule)
    rule.save(force_insert=True)
    record("tours.pricerule.added", rule, actor=actor, after=snapshot(rule))
    rule_changed(rule)
    return rule


@transaction.atomic
def change_price_rule(*, rule_id: UUID, data: Mapping[str, Any], actor: Any) -> PriceRule:
    """The rule with other columns. Raises `NotFound`, `InvalidInput`."""
    rule = _lock(rule_id)
    before, old_tour = stored(rule), rule.tour_id
    for name, value in data.items():
        setattr(rule, name, value)
    _refuse_faults(rule)
    rule.save()
    old, new = differences(before, snapshot(rule))
    if old or new:
        record("tours.pricerule.changed", rule, actor=actor, before=old, after=new)
        rule_changed(rule, old_tour)
    return rule


@transaction.atomic
def delete_price_rule(*, rule_id: UUID, actor: Any) -> None:
    """The rule is gone; prices that were promised by it stay as they are. Raises `NotFound`."""
    rule = _lock(rule_id)
    record("tours.pricerule.deleted", rule, actor=actor, before=snapshot(rule))
    rule_changed(rule)
    rule.delete()


def rule_changed(rule: PriceRule, *tours_before: UUID | None) -> None:
    """Announce whose prices are others now: `catalogue.changed`, or `tour.changed` of each tour."""
    tours = {rule.tour_id, *tours_before}
    if None in tours:
        announce("catalogue.changed", rule, everywhere=True)
        return
    for tour_id in sorted(tours - {None}, key=str):
        announce("tour.changed", type(rule.tour)(pk=tour_id))


def _lock(rule_id: UUID) -> PriceRule:
    rule = PriceRule.objects.select_for_update(of=("self",)).select_related("tour", "option").filter(pk=rule_id).first()
    if rule is None:
        raise NotFound
    return rule


def _refuse_faults(rule: PriceRule) -> None:
    """Each field by itself first (kinds and effects that exist, lengths, digits), then what they must be together."""
    try:
        rule.clean_fields(exclude=REFERENCES)
    except ValidationError as refusal:
        raise InvalidInput(details=refusal.message_dict) from refusal
    faults = faults_of_price_rule(rule)
    if faults:
        raise InvalidInput(details=dict(faults))
