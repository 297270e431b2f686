"""What is paid at once for a tour: one rule, or none."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit import differences, record, snapshot
from config.errors import InvalidInput
from tours.limits import faults_of_deposit
from tours.models import DepositRule
from tours.services.facts import lock_tour, settle_tour


@transaction.atomic
def set_deposit(*, tour_id: UUID, data: Mapping[str, Any], actor: Any) -> DepositRule:
    """The tour's deposit from now on: `data` holds its columns, what is left out stays or begins as usual.

    Bookings keep what they agreed to. Raises `TourNotFound`, `InvalidInput`.
    """
    tour = lock_tour(tour_id)
    known = DepositRule.objects.filter(tour=tour).first()
    rule = known or DepositRule(tour=tour)
    before = snapshot(rule) if known else {}
    for name, value in data.items():
        setattr(rule, name, value)
    try:
        rule.clean_fields(exclude={"tenant", "tour"})
    except ValidationError as refusal:
        raise InvalidInput(details=refusal.message_dict) from refusal
    faults = faults_of_deposit(rule, str(tour.currency_id))
    if faults:
        raise InvalidInput(details=dict(faults))
    old, new = differences(before, snapshot(rule))
    if known and not new:
        return rule
    rule.save(force_insert=known is None)
    record(f"tours.depositrule.{'changed' if known else 'added'}", rule, actor=actor, before=old, after=new)
    settle_tour(tour_id)
    return rule


@transaction.atomic
def drop_deposit(*, tour_id: UUID, actor: Any) -> None:
    """The tour is paid at once again. Safe to repeat. Raises `TourNotFound`."""
    tour = lock_tour(tour_id)
    rule = DepositRule.objects.filter(tour=tour).first()
    if rule is None:
        return
    record("tours.depositrule.deleted", rule, actor=actor, before=snapshot(rule))
    rule.delete()
    settle_tour(tour_id)
