"""Whether a departure runs that too few have booked: decided in time by the option's rule, or by staff."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.timezone import now

from accounts.audit import record
from notifications.outbox import announce
from tours.errors import DepartureOver, NothingToDecide, WhyNeeded
from tours.models import BelowMinimum, Departure, DepartureStatus, RunDecision
from tours.services.departures import close_departures

AT_ONCE = 200
LONGEST = timedelta(hours=24 * 60)


def decides_at(departure: Departure) -> Any:
    """When it is decided. Needs `option`."""
    return departure.starts_at - timedelta(hours=departure.option.decide_hours_before)


def minimum_of(departure: Departure) -> int:
    """From how many guests on it runs; 0 where any number will do. Needs `option`."""
    return (departure.min_to_run if departure.min_to_run is not None else departure.option.min_to_run) or 0


def below_minimum() -> Any:
    """Departures to come with fewer booked than they take; those without any guest are nobody's concern."""
    return (
        Departure.objects.upcoming()
        .exclude(status=DepartureStatus.CANCELLED)
        .annotate(minimum=Coalesce("min_to_run", "option__min_to_run"))
        .filter(minimum__gt=F("seats_booked"))
        .filter(Q(seats_booked__gt=0) | Q(seats_held__gt=0))
        .select_related("option", "tour__destination")
    )


def decide_departures() -> int:
    """Decide what is due and not decided yet, each departure by itself; returns how many. Safe to repeat.

    After an outage it takes up what has not started; what has is too late to decide.
    """
    decided = 0
    due = below_minimum().filter(run_decision=None, starts_at__lte=now() + LONGEST).order_by("starts_at")
    for departure in due.iterator(chunk_size=AT_ONCE):
        if decides_at(departure) <= now() and _decide_by_rule(departure.pk):
            decided += 1
    return decided


@transaction.atomic
def _decide_by_rule(departure_id: UUID) -> bool:
    departure = (
        Departure.objects.select_for_update(of=("self",), no_key=True)
        .select_related("option", "tour__destination")
        .get(pk=departure_id)
    )
    if RunDecision.objects.filter(departure=departure).exists() or departure.seats_booked >= minimum_of(departure):
        return False
    if departure.starts_at <= now() or departure.status == DepartureStatus.CANCELLED:
        return False
    _write(departure, BelowMinimum(departure.option.below_minimum), actor=None, reason="")
    return True


@transaction.atomic
def decide_departure(*, departure_id: UUID, decision: str, actor: Any, reason: str) -> RunDecision:
    """Staff's word: GO or CANCEL, with a reason, before or after the rule's. A cancelled one cannot be brought back.

    Raises `NothingToDecide`, `DepartureOver`, `WhyNeeded`.
    """
    departure = (
        Departure.objects.select_for_update(of=("self",), no_key=True)
        .select_related("option", "tour__destination")
        .filter(pk=departure_id)
        .first()
    )
    if departure is None or decision not in (BelowMinimum.GO, BelowMinimum.CANCEL):
        raise NothingToDecide
    if departure.starts_at <= now():
        raise DepartureOver
    if not reason.strip():
        raise WhyNeeded(details={"reason": [str(WhyNeeded.message)]})
    known = RunDecision.objects.filter(departure=departure).first()
    if known is not None and known.decision == decision:
        return known
    if departure.status == DepartureStatus.CANCELLED or (known and known.decision == BelowMinimum.CANCEL):
        raise NothingToDecide
    if known is None and departure.seats_booked >= minimum_of(departure):
        raise NothingToDecide
    return _write(departure, BelowMinimum(decision), actor=actor, reason=reason.strip()[:500])


def _write(departure: Departure, decision: BelowMinimum, *, actor: Any, reason: str) -> RunDecision:
    known = RunDecision.objects.filter(departure=departure).first()
    values = {
        "decision": decision,
        "minimum": minimum_of(departure),
        "booked": departure.seats_booked,
        "decided_at": now(),
        "decided_by": actor,
        "reason": reason,
    }
    made, _created = RunDecision.objects.update_or_create(departure=departure, defaults=values)
    record(
        "tours.departure.run_decided",
        departure,
        actor=actor,
        before={"decision": str(known.decision)} if known else {},
        after={"decision": str(decision), "minimum": made.minimum, "booked": made.booked},
        reason=reason,
    )
    if decision == BelowMinimum.CANCEL and departure.status == DepartureStatus.OPEN:
        close_departures(departure_ids=[departure.pk], actor=actor, reason=reason or "below the minimum")
    # Who is above offers the guests of a departure that is called off another one, or their money back.
    announce(
        "departure.under_minimum",
        departure,
        tour=str(departure.tour_id),
        decision=str(decision),
        minimum=made.minimum,
        booked=made.booked,
        reason=reason,
    )
    return made
