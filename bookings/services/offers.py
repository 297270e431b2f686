"""Choices: a departure cannot be as it was booked, and each guest says what they want instead.

An offer is open until its guest, or staff for them, answers, or its deadline passes; then what was agreed for silence is done.
Whoever answers first counts; everybody after is told what holds.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from accounts.models import Unanswered
from bookings.errors import (
    DeadlinePassed,
    NotOffered,
    OfferAnswered,
    OfferNeedsReason,
    OfferNotFound,
    OfferOver,
    ReasonRequired,
)
from bookings.models import (
    AnsweredBy,
    Booking,
    BookingEvent,
    BookingItem,
    ChoiceOffer,
    OfferedDeparture,
    OfferStatus,
)
from bookings.selectors.instead import Room
from bookings.services.bookings import note
from bookings.services.cancellation import cancel_for_the_operator
from bookings.services.locks import lock_booking
from bookings.services.moving import MOVABLE, move_for_the_operator
from config.addresses import current_caller
from config.errors import DomainError
from notifications.outbox import announce, announce_each
from tours.models import Departure, DepartureStatus

logger = logging.getLogger(__name__)

OFFERED_AT_MOST = 6
AROUND = timedelta(days=30)
BATCH = 200


class Answer(StrEnum):
    MOVE = "move"
    REFUND = "refund"
    KEEP = "keep"


ENDS = {Answer.MOVE: OfferStatus.MOVED, Answer.REFUND: OfferStatus.REFUNDED, Answer.KEEP: OfferStatus.KEPT}
SILENCE = {Unanswered.REFUND: Answer.REFUND, Unanswered.KEEP: Answer.KEEP}


@transaction.atomic
def offer_choices(
    *,
    departure_ids: Collection[UUID],
    reason_en: str,
    reason_ar: str,
    deadline: datetime,
    unanswered: str,
    actor: Any,
    may_keep: bool = False,
    instead: Sequence[UUID] | None = None,
) -> list[ChoiceOffer]:
    """Offer a choice to every booking of these departures that can still move. Who has an open one keeps that.

    `instead` are the departures to choose from; by default the nearest open ones of the tour; only those are offered that could
    take the booking by now. The answer is due before the departure begins, whatever the deadline. Safe to repeat. Raises
    `OfferNeedsReason`, `DeadlinePassed`.
    """
    if not reason_en.strip() or not reason_ar.strip():
        raise OfferNeedsReason(details={"reason_en": [str(OfferNeedsReason.message)]})
    if deadline <= now():
        raise DeadlinePassed(details={"deadline": [str(DeadlinePassed.message)]})
    departures = {
        row.pk: row
        for row in Departure.objects.filter(pk__in=list(departure_ids)).select_for_update(no_key=True).order_by("pk")
    }
    wanted = bookings_to_ask(departures)
    choices = _choices(departures, instead)
    offers, offered, lines = [], [], []
    for booking, departure_id in wanted:
        departure = departures[departure_id]
        offer = ChoiceOffer(
            booking=booking,
            departure=departure,
            reason_en=reason_en.strip()[:300],
            reason_ar=reason_ar.strip()[:300],
            may_keep=may_keep,
            unanswered=unanswered,
            deadline=min(deadline, departure.begins_by),
            created_by_id=actor.pk if actor else None,
        )
        offers.append(offer)
        offered += [
            OfferedDeparture(offer=offer, departure_id=other, position=place)
            for place, other in enumerate(choices(departure, booking))
        ]
        lines.append(_line(booking.pk, "choice_offered", actor, reason_en))
    ChoiceOffer.objects.bulk_create(offers, batch_size=500)
    OfferedDeparture.objects.bulk_create(offered, batch_size=2000)
    BookingEvent.objects.bulk_create(lines, batch_size=1000)
    announce_each("choice.offered", offers, lambda offer: {"booking": str(offer.booking_id)})
    return offers


def _line(booking_id: UUID, action: str, actor: Any, reason: str) -> BookingEvent:
    """A line of history, to be written with many others."""
    return BookingEvent(
        booking_id=booking_id,
        action=action,
        actor_id=actor.pk if actor else None,
        reason=reason[:500],
        address=current_caller.get().address,
    )


def bookings_to_ask(departures: Collection[UUID]) -> list[tuple[Booking, UUID]]:
    """The bookings of these departures that can still move and have no open choice, locked, each with its departure."""
    items = BookingItem.objects.filter(departure_id__in=list(departures), booking__status__in=MOVABLE)
    of = dict(items.order_by("booking_id").values_list("booking_id", "departure_id"))
    asked = set(ChoiceOffer.objects.waiting().filter(booking_id__in=list(of)).values_list("booking_id", flat=True))
    locked = Booking.objects.select_for_update(of=("self",), no_key=True).filter(
        pk__in=[pk for pk in of if pk not in asked], status__in=MOVABLE
    )
    return [(booking, of[booking.pk]) for booking in locked.not_begun().order_by("pk")]


def _choices(
    departures: dict[UUID, Departure], instead: Sequence[UUID] | None
) -> Callable[[Departure, Booking], list[UUID]]:
    """For a booking of each departure, the others of its tour that can take it, the nearest first.

    A statement in all, two more where a booking has stocked extras, and those of `Room` where they share places.
    """
    tours = {row.tour_id for row in departures.values()}
    starts = [row.starts_at for row in departures.values()] or [now()]
    others = (
        Departure.objects.upcoming()
        .filter(tour_id__in=tours, status=DepartureStatus.OPEN)
        .exclude(pk__in=list(departures))
    )
    if instead is not None:
        others = others.filter(pk__in=list(instead))
    else:
        others = others.filter(starts_at__range=(min(starts) - AROUND, max(starts) + AROUND))
    room = Room(others)
    found: dict[UUID, list[Departure]] = {}
    for row in others:
        found.setdefault(row.tour_id, []).append(row)

    @cache
    def nearest(departure: Departure) -> list[Departure]:
        return sorted(
            found.get(departure.tour_id, []),
            key=lambda row: (row.option_id != departure.option_id, abs(row.starts_at - departure.starts_at), row.pk),
        )

    return lambda departure, booking: [row.pk for row in room.first(nearest(departure), OFFERED_AT_MOST, booking)]


@transaction.atomic
def answer_offer(
    *, offer_id: UUID, answer: str, departure_id: UUID | None = None, actor: Any = None, by_staff: bool = False
) -> ChoiceOffer:
    """What the guest, or staff on the phone for them, chose; done at once. The same answer again changes nothing.

    Guests choose among what was offered, until the deadline; staff among all departures of the tour, and later.
    Raises `OfferNotFound`, `OfferAnswered`, `OfferOver`, `NotOffered`, and what moving or cancelling raises
    (`SeatsUnavailable`: the choice stays open).
    """
    wanted = Answer(answer)
    offer = _lock(offer_id, departure_id)
    if offer.status != OfferStatus.OPEN:
        if offer.status == ENDS[wanted] and (wanted != Answer.MOVE or offer.chosen_id == departure_id):
            return offer
        raise OfferAnswered(answer=offer.get_status_display())
    if not by_staff and not offer.is_open:
        raise OfferOver
    _refuse_other_answers(offer, wanted, departure_id, by_staff)
    return _end(offer, wanted, departure_id, actor, AnsweredBy.STAFF if by_staff else AnsweredBy.GUEST)


def _refuse_other_answers(offer: ChoiceOffer, wanted: Answer, departure_id: UUID | None, by_staff: bool) -> None:
    if wanted == Answer.KEEP and not offer.may_keep and not by_staff:
        raise NotOffered
    if wanted == Answer.MOVE:
        if departure_id is None:
            raise NotOffered
        if not by_staff and not offer.offered.filter(departure_id=departure_id).exists():
            raise NotOffered
    if not _still_holds(offer):
        raise OfferOver


def _still_holds(offer: ChoiceOffer) -> bool:
    """Whether the booking is still what it was when it was offered something else. It is locked."""
    booking = offer.booking
    is_there = booking.items.filter(departure_id=offer.departure_id).exists()
    return is_there and booking.status in MOVABLE


def _lock(offer_id: UUID, departure_id: UUID | None = None) -> ChoiceOffer:
    """The offer, after its departures by id and its booking."""
    seen = ChoiceOffer.objects.filter(pk=offer_id).values("booking_id").first()
    if seen is None:
        raise OfferNotFound
    own = BookingItem.objects.filter(booking_id=seen["booking_id"], departure__isnull=False)
    ids = {*own.values_list("departure_id", flat=True), *([departure_id] if departure_id else [])}
    list(Departure.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    booking = lock_booking(seen["booking_id"])
    offer = ChoiceOffer.objects.select_for_update(of=("self",), no_key=True).get(pk=offer_id)
    offer.booking = booking
    return offer


def _end(offer: ChoiceOffer, answer: Answer, departure_id: UUID | None, actor: Any, by: AnsweredBy) -> ChoiceOffer:
    reason = offer.reason_ar if offer.booking.language == "ar" else offer.reason_en
    if answer == Answer.MOVE and departure_id is not None:
        move_for_the_operator(booking_id=offer.booking_id, departure_id=departure_id, actor=actor, reason=reason)
        offer.chosen_id = departure_id
    elif answer == Answer.REFUND:
        cancel_for_the_operator(booking_id=offer.booking_id, actor=actor, reason=reason)
    _close(offer, ENDS[answer], actor, by)
    note(offer.booking_id, "choice_answered", actor, {"answer": answer.value, "by": by.value}, reason)
    announce("choice.answered", offer, booking=str(offer.booking_id), answer=answer.value)
    return offer


def _close(offer: ChoiceOffer, status: OfferStatus, actor: Any, by: str) -> None:
    offer.status, offer.answered_by, offer.answered_at = status, by, now()
    offer.actor_id = actor.pk if actor else None
    offer.save(update_fields=["status", "chosen", "answered_by", "answered_at", "actor"])


@transaction.atomic
def withdraw_offer(*, offer_id: UUID, actor: Any, reason: str) -> ChoiceOffer:
    """Take an open choice back; the booking stays as it is. Safe to repeat. Raises `OfferNotFound`, `OfferAnswered`."""
    if not reason.strip():
        raise ReasonRequired(details={"reason": [str(ReasonRequired.message)]})
    offer = _lock(offer_id)
    if offer.status == OfferStatus.WITHDRAWN:
        return offer
    if offer.status != OfferStatus.OPEN:
        raise OfferAnswered(answer=offer.get_status_display())
    _close(offer, OfferStatus.WITHDRAWN, actor, "")
    note(offer.booking_id, "choice_withdrawn", actor, reason=reason)
    return offer


@transaction.atomic
def withdraw_moot_offers(*, booking_id: UUID) -> None:
    """The booking moved or ended by another way: what it was asked has no meaning any more."""
    for pk in ChoiceOffer.objects.waiting().filter(booking_id=booking_id).values_list("pk", flat=True):
        offer = _lock(pk)
        if offer.status == OfferStatus.OPEN and not _still_holds(offer):
            _close(offer, OfferStatus.WITHDRAWN, None, "")
            note(booking_id, "choice_withdrawn", None, reason="booking_changed")


def lapse_offers() -> int:
    """Do for the bookings of the current tenant what was agreed for silence; returns how many choices ended so."""
    ended = 0
    for offer_id in ChoiceOffer.objects.overdue().order_by("deadline").values_list("pk", flat=True)[:BATCH]:
        try:
            ended += _lapse(offer_id)
        except DomainError:
            logger.warning("the choice %s cannot end as agreed", offer_id)
    return ended


@transaction.atomic
def _lapse(offer_id: UUID) -> bool:
    offer = _lock(offer_id)
    if offer.status != OfferStatus.OPEN or offer.deadline > now():
        return False
    if not _still_holds(offer) or offer.booking.begins_by <= now():
        _close(offer, OfferStatus.WITHDRAWN, None, "")
        note(offer.booking_id, "choice_withdrawn", None, reason="booking_changed")
        return True
    _end(offer, SILENCE[Unanswered(offer.unanswered)], None, None, AnsweredBy.NOBODY)
    return True
