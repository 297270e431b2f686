"""Engagements by staff: assigned, asked, answered, taken off."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts.audit import record
from config.errors import InvalidInput
from notifications.outbox import announce
from tours.errors import (
    AlreadyAnswered,
    DepartureNotFound,
    DepartureOver,
    EngagementNotFound,
    ResourceNotFound,
    ResourcesMissing,
)
from tours.models import Departure, Engagement, EngagementState, Resource, ResourceNeed
from tours.services.resources.free import lock_resources
from tours.services.resources.keeping import follow_seats
from tours.services.resources.needs import engaged_by_need, is_met, needs_of, suits
from tours.services.resources.spans import lock_resource, refusing_double_bookings, span_of, told

State = EngagementState


@transaction.atomic
def engage(*, resource_id: UUID, departure_id: UUID, actor: Any, quantity: int = 1, note: str = "") -> Engagement:
    """Assign a resource to a departure, in place of what the system had kept for the same need.

    Whoever has an e-mail address is asked; vehicles, equipment and others are taken as accepted. Raises `ResourceNotFound`,
    `DepartureNotFound`, `DepartureOver`, `ResourceBusy` with where it is, `InvalidInput`.
    """
    departure = _lock_coming(departure_id)
    resource = lock_resource(resource_id)
    if not resource.is_active:
        raise ResourceNotFound
    if quantity < 1 or (resource.is_whole and quantity != 1):
        raise InvalidInput(details={"quantity": [_("A whole number from 1; of guides and vehicles one.")]})
    known = Engagement.objects.live().filter(resource=resource, departure=departure).first()
    if known is not None:
        return _confirm(known, actor)
    need = _need_for(resource, departure)
    if need is not None:
        _make_way(need, departure)
    Engagement.objects.filter(resource=resource, departure=departure, state=State.DECLINED).update(state=State.RELEASED)
    with refusing_double_bookings(resource):
        made = Engagement.objects.create(
            resource=resource,
            departure=departure,
            need=need,
            span=span_of(resource, departure.starts_at, departure.ends_at),
            quantity=quantity,
            is_whole=resource.is_whole,
            state=State.ASSIGNED if resource.email else State.ACCEPTED,
            note=note.strip()[:300],
        )
    record("tours.engagement.made", made, actor=actor, after=told(made))
    if departure.is_limited:
        follow_seats(departure.pk)
    _announce(made, "resource.assigned")
    return made


@transaction.atomic
def confirm_engagement(*, engagement_id: UUID, actor: Any) -> Engagement:
    """Ask whom the system had kept. Safe to repeat. Raises `EngagementNotFound`, `DepartureOver`."""
    return _confirm(_lock_engagement(engagement_id), actor)


def _confirm(engagement: Engagement, actor: Any) -> Engagement:
    if engagement.state == State.TENTATIVE:
        engagement.state = State.ASSIGNED if engagement.resource.email else State.ACCEPTED
        engagement.save(update_fields=["state"])
        record("tours.engagement.asked", engagement, actor=actor, after=told(engagement))
        _announce(engagement, "resource.assigned")
    return engagement


@transaction.atomic
def release_engagement(*, engagement_id: UUID, actor: Any, reason: str = "") -> Engagement:
    """Take a resource off a departure, or end its leave. The system then keeps another one where it must and can.

    Safe to repeat. Raises `EngagementNotFound`.
    """
    engagement = _lock_engagement(engagement_id, coming=False)
    if engagement.state == State.RELEASED:
        return engagement
    before, was_asked = told(engagement), engagement.state in (State.ASSIGNED, State.ACCEPTED)
    engagement.state = State.RELEASED
    engagement.save(update_fields=["state"])
    record(
        "tours.engagement.released",
        engagement,
        actor=actor,
        before=before,
        after=told(engagement),
        reason=reason,
    )
    if engagement.departure_id and was_asked:
        _announce(engagement, "resource.released")
    _replace(engagement)
    return engagement


@transaction.atomic
def answer_engagement(*, engagement_id: UUID, accepts: bool, note: str = "") -> Engagement:
    """What a guide says to a departure. They may still decline what they accepted, until it starts. Safe to repeat.

    Raises `EngagementNotFound`, `AlreadyAnswered` for one that was declined or taken off, `DepartureOver`.
    """
    engagement = _lock_engagement(engagement_id)
    wanted = State.ACCEPTED if accepts else State.DECLINED
    if engagement.state == wanted:
        return engagement
    if engagement.state not in (State.ASSIGNED, State.ACCEPTED, State.TENTATIVE):
        raise AlreadyAnswered
    before = told(engagement)
    engagement.state, engagement.answered_at, engagement.note = wanted, now(), note.strip()[:300]
    engagement.save(update_fields=["state", "answered_at", "note"])
    record(
        f"tours.engagement.{wanted.lower()}",
        engagement,
        actor=None,
        before=before,
        after=told(engagement),
        reason=note,
    )
    if not accepts:
        _announce(engagement, "resource.declined")
        _replace(engagement)
    return engagement


def _need_for(resource: Resource, departure: Departure) -> ResourceNeed | None:
    """The need that the resource meets: one that is not met yet, or that the system keeps somebody else for, first."""
    engaged = engaged_by_need(departure)
    guests = max(1, departure.seats_held + departure.seats_booked)
    suiting = [need for need in needs_of(departure) if suits(resource, need)]

    def firmly(need: ResourceNeed) -> list[Engagement]:
        return [each for each in engaged.get(need.pk, []) if each.state != State.TENTATIVE]

    return next((need for need in suiting if not is_met(need, firmly(need), guests)), None) or next(iter(suiting), None)


def _make_way(need: ResourceNeed, departure: Departure) -> None:
    """Whom the system kept for the need goes; what is still missing then is engaged anew."""
    kept = Engagement.objects.filter(departure=departure, need=need, state=State.TENTATIVE).order_by("made_at", "pk")
    one = kept.first()
    if one is not None and one.is_whole:
        one.delete()


def _replace(engagement: Engagement) -> None:
    departure = engagement.departure
    if departure is None or not departure.is_limited or departure.starts_at <= now():
        return
    try:
        with transaction.atomic():
            follow_seats(departure.pk)
    except ResourcesMissing:  # nobody else is free: a red flag on the Today page, and nothing more is sold
        return


def _announce(engagement: Engagement, fact: str) -> None:
    if engagement.departure_id:
        announce(fact, engagement, departure=str(engagement.departure_id), resource=str(engagement.resource_id))


def _lock_coming(departure_id: UUID) -> Departure:
    departure = Departure.objects.select_for_update(of=("self",), no_key=True).filter(pk=departure_id).first()
    if departure is None:
        raise DepartureNotFound
    if departure.ends_at <= now():
        raise DepartureOver
    return departure


def _lock_engagement(engagement_id: UUID, *, coming: bool = True) -> Engagement:
    seen = Engagement.objects.filter(pk=engagement_id).first()
    if seen is None:
        raise EngagementNotFound
    if seen.departure_id:
        departure = Departure.objects.select_for_update(of=("self",), no_key=True).get(pk=seen.departure_id)
        if coming and departure.starts_at <= now():
            raise DepartureOver
        lock_resources([departure.pk])
    found = (
        Engagement.objects.select_for_update(of=("self",), no_key=True)
        .select_related("resource", "departure")
        .filter(pk=engagement_id)
        .first()
    )
    if found is None:
        raise EngagementNotFound
    return found
