"""What becomes of guests when the schedule no longer asks for their departure, or staff close it: keep, move, or let them choose.

The departures and the bookings change in one transaction: either everything that was shown is done, or nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from bookings.errors import ChangeApplied, GuestsNotMoved
from bookings.models import BookingItem, BookingStatus, ChoiceOffer, Hold, HoldStatus
from bookings.selectors.instead import Room
from bookings.services.locks import free_seats
from bookings.services.moving import move_for_the_operator
from bookings.services.offers import offer_choices, withdraw_offer
from config.errors import DomainError, NotFound
from tours.caching import seats_changed
from tours.models import Departure, DepartureStatus, PlannedChange
from tours.services.departures import Start
from tours.services.planning import Replan, apply_operations
from tours.services.seats import lock_shared

TO_CHOOSE_FROM = 8  # departures named beside one that goes
AROUND = timedelta(days=30)
STILL_COUNT = (BookingStatus.PENDING_PAYMENT, BookingStatus.CONFIRMED)


class How(StrEnum):
    KEEP = "keep"
    MOVE = "move"
    OFFER = "offer"


@dataclass(frozen=True)
class Decision:
    """What is done for the guests of departures that go. With MOVE, `targets` says where to, by departure."""

    how: How = How.KEEP
    reason_en: str = ""
    reason_ar: str = ""
    hours: int = 72
    unanswered: str = "REFUND"
    targets: Mapping[UUID, Start] = field(default_factory=dict)


@transaction.atomic
def apply_planned_change(
    *, change_id: UUID, fingerprint: str, decision: Decision, actor: Any
) -> tuple[PlannedChange, Replan]:
    """Do what was planned, exactly as it was shown, with this decision for the guests.

    Raises `NotFound`, `ChangeApplied`, `PlanStale`, `GuestsNotMoved`, `OfferNeedsReason`, and what the operations refuse.
    """
    change = PlannedChange.objects.select_for_update(no_key=True, of=("self",)).filter(pk=change_id).first()
    if change is None:
        raise NotFound
    if change.applied_at is not None:
        raise ChangeApplied
    replan = apply_operations(
        operations=change.operations,
        actor=actor,
        fingerprint=fingerprint,
        also_lock=[row.pk for row in rows_at(decision.targets.values())],
    )
    outcome = decide_for_guests(departure_ids=[row.pk for row in replan.sold], decision=decision, actor=actor)
    change.applied_at, change.applied_by_id = now(), actor.pk if actor else None
    change.outcome = replan.counts() | {"decision": decision.how.value} | outcome
    change.save(update_fields=["applied_at", "applied_by", "outcome"])
    return change, replan


@transaction.atomic
def decide_for_guests(*, departure_ids: Collection[UUID], decision: Decision, actor: Any) -> dict[str, int]:
    """Move the bookings of these departures, or offer them a choice; returns how many. The departures are locked.

    Holds without a booking are given up unless guests are kept. Raises `GuestsNotMoved` when a booking cannot be moved.
    """
    if decision.how == How.KEEP or not departure_ids:
        return {}
    lock_shared({*departure_ids, *(row.pk for row in rows_at(decision.targets.values()))})
    _give_up_holds(departure_ids)
    if decision.how == How.OFFER:
        made = offer_choices(
            departure_ids=departure_ids,
            reason_en=decision.reason_en,
            reason_ar=decision.reason_ar,
            deadline=now() + timedelta(hours=decision.hours),
            unanswered=decision.unanswered,
            actor=actor,
        )
        return {"bookings_offered": len(made)}
    return {"bookings_moved": _move_all(departure_ids, decision, actor)}


def _move_all(departure_ids: Collection[UUID], decision: Decision, actor: Any) -> int:
    there = {(row.option_id, row.starts_at): row.pk for row in rows_at(decision.targets.values())}
    items = BookingItem.objects.filter(departure_id__in=list(departure_ids), booking__status__in=STILL_COUNT)
    refused: dict[str, str] = {}
    moved = 0
    for departure_id, booking_id, reference, language in items.order_by("departure_id", "booking_id").values_list(
        "departure_id", "booking_id", "booking__reference", "booking__language"
    ):
        target = there.get(decision.targets.get(departure_id, (departure_id, now())))
        if target is None:
            refused[reference] = str(GuestsNotMoved.nowhere)
            continue
        reason = decision.reason_ar if language == "ar" else decision.reason_en
        try:
            move_for_the_operator(booking_id=booking_id, departure_id=target, actor=actor, reason=reason)
            moved += 1
        except DomainError as refusal:
            refused[reference] = str(refusal)
    if refused:
        first = next(iter(refused))
        raise GuestsNotMoved(count=len(refused), first=first, why=refused[first], details={"bookings": refused})
    return moved


def _give_up_holds(departure_ids: Collection[UUID]) -> None:
    """Holds nobody has booked yet: what they keep no longer runs."""
    holds = Hold.objects.select_for_update(of=("self",), no_key=True).filter(
        departure_id__in=list(departure_ids), status=HoldStatus.ACTIVE, items=None
    )
    for hold in holds.order_by("departure_id", "pk"):
        hold.move_to(HoldStatus.RELEASED)
        free_seats(hold)
        transaction.on_commit(partial(seats_changed, UUID(hold.quote["tour_id"])))


def rows_at(starts: Collection[Start]) -> list[Departure]:
    """The departures at these starts."""
    wanted = set(starts)
    rows = Departure.objects.filter(
        option_id__in={one for one, _at in wanted}, starts_at__in={at for _one, at in wanted}
    )
    return [row for row in rows if (row.option_id, row.starts_at) in wanted]


@transaction.atomic
def withdraw_offers_of(*, departure_ids: Collection[UUID], actor: Any, reason: str) -> int:
    """The departures run after all: their guests' open choices have no meaning any more. Returns how many."""
    waiting = ChoiceOffer.objects.waiting().filter(departure_id__in=list(departure_ids)).order_by("booking_id")
    ids = list(waiting.values_list("pk", flat=True))
    for pk in ids:
        withdraw_offer(offer_id=pk, actor=actor, reason=reason or "reopened")
    return len(ids)


def nearest_starts(
    going: Sequence[Departure], coming: Sequence[Departure] = (), without: Collection[UUID] = ()
) -> dict[UUID, list[Departure]]:
    """For each departure that goes, the nearest others of its tour that could take its guests, the same option first.

    `coming` are departures that are not saved yet. One query, and those of `Room` where they share places.
    """
    if not going:
        return {}
    gone = {row.pk for row in going} | set(without)
    starts = [row.starts_at for row in going]
    there = (
        Departure.objects.upcoming()
        .filter(
            tour_id__in={row.tour_id for row in going},
            status=DepartureStatus.OPEN,
            starts_at__gt=min(starts) - AROUND,
            starts_at__lt=max(starts) + AROUND,
        )
        .select_related("tour__destination", "option")
    )
    by_tour: dict[UUID, list[Departure]] = {}
    rows = [*(one for one in there if one.pk not in gone), *coming]
    room = Room(rows)
    for row in rows:
        by_tour.setdefault(row.tour_id, []).append(row)

    def distance(row: Departure, departure: Departure) -> tuple[bool, timedelta, datetime]:
        return row.option_id != departure.option_id, abs(row.starts_at - departure.starts_at), row.starts_at

    found = {}
    for departure in going:
        nearest = sorted(by_tour.get(departure.tour_id, []), key=partial(distance, departure=departure))
        found[departure.pk] = room.first(nearest, TO_CHOOSE_FROM)
    return found
