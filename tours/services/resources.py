"""Guides, vehicles and equipment: engaged for departures, by the system while it sells and by staff, and away on leave.

The database refuses to have anybody in two places (`resource_in_one_place`, `equipment_suffices`). Locks: the departure, then
the resources by id, then their engagements.
"""

from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q
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
    ResourceBusy,
    ResourceNotFound,
    ResourcesMissing,
)
from tours.models import Departure, Engagement, EngagementState, OnShortage, Resource, ResourceKind, ResourceNeed

State = EngagementState
LONGEST_LEAVE = timedelta(days=366 * 2)


@dataclass(frozen=True, slots=True)
class Free:
    """A resource that suits a need and is free for a departure: how many of it, for how many guests, and when."""

    resource_id: UUID
    units: int
    seats: int
    span: DateTimeTZRange


# --- What a departure needs ---


def needs_of(departure: Departure, *, must: bool = False) -> list[ResourceNeed]:
    """The needs of a departure; with `must` only those without which it is not sold."""
    needs = ResourceNeed.objects.filter(Q(option=None) | Q(option_id=departure.option_id), tour_id=departure.tour_id)
    if must:
        needs = needs.filter(on_shortage=OnShortage.STOP)
    return list(needs.order_by("kind", "pk"))


def units_wanted(need: ResourceNeed, guests: int) -> int:
    """How many of it so many guests take (of vehicles: at least one, their seats say how many)."""
    if guests <= 0:
        return 0
    if need.kind == ResourceKind.VEHICLE:
        return 1
    if need.per_guests:
        return -(-guests // need.per_guests) * need.count
    return need.count


def is_met(need: ResourceNeed, engaged: Sequence[Engagement], guests: int) -> bool:
    """Whether what is engaged for it is enough for so many guests. Needs `resource`."""
    if need.kind == ResourceKind.VEHICLE:
        return sum(each.resource.seats or 0 for each in engaged) >= guests
    return sum(each.quantity for each in engaged) >= units_wanted(need, guests)


def lock_resources(departure_ids: Iterable[UUID]) -> None:
    """Lock every resource of the kinds that these departures cannot be sold without, in the order of their ids."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [list(departure_ids)])


LOCK = """
SELECT r.id FROM tours_resource r
WHERE r.kind IN (
    SELECT n.kind FROM tours_departure d
    JOIN tours_resourceneed n ON n.tour_id = d.tour_id AND n.on_shortage = 'STOP'
      AND (n.option_id IS NULL OR n.option_id = d.option_id)
    WHERE d.id = ANY(%s::uuid[])
)
ORDER BY r.id FOR NO KEY UPDATE
"""


# --- While it sells ---


@transaction.atomic
def follow_seats(departure_id: UUID) -> None:
    """Engage what a departure must have for the places taken now, or let go what it does not need any more.

    The departure is locked by the caller. What staff asked or confirmed is never let go. Raises `ResourcesMissing`.
    """
    departure = Departure.objects.get(pk=departure_id)
    needs = needs_of(departure, must=True)
    if not needs:
        return
    guests = departure.seats_held + departure.seats_booked
    engaged = _engaged(departure)
    short = [need for need in needs if not is_met(need, engaged.get(need.pk, []), guests)]
    for need in needs:
        if need not in short:
            _let_go(need, engaged.get(need.pk, []), guests)
    if not short:
        return
    lock_resources([departure_id])
    offers = {need.pk: free_for(departure, need) for need in short}
    for need in sorted(short, key=lambda need: len(offers[need.pk])):  # who has the least choice chooses first
        _engage_for(need, departure, engaged.get(need.pk, []), guests)


def free_for(departure: Departure, need: ResourceNeed) -> list[Free]:
    """What suits a need and is free, that with the fewest skills and languages first: who can do more is kept for more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.resource_id, f.units, coalesce(f.seats, 0), f.span FROM tours_free_resources(%s::uuid, %s::uuid) f"
            " JOIN tours_resource r ON r.id = f.resource_id WHERE f.units > 0"
            " ORDER BY cardinality(r.skills) + cardinality(r.languages), r.seats, r.name_en, r.id",
            [departure.pk, need.pk],
        )
        return [Free(*row) for row in cursor.fetchall()]


def _engaged(departure: Departure) -> dict[UUID | None, list[Engagement]]:
    found: dict[UUID | None, list[Engagement]] = {}
    for each in (
        Engagement.objects.live().filter(departure=departure).select_related("resource").order_by("made_at", "pk")
    ):
        found.setdefault(each.need_id, []).append(each)
    return found


def _let_go(need: ResourceNeed, engaged: list[Engagement], guests: int) -> None:
    """Of what the system engaged, the last first, as long as the rest suffices."""
    kept = list(engaged)
    for each in reversed(engaged):
        if each.state != State.TENTATIVE:
            continue
        rest = [other for other in kept if other is not each]
        if guests == 0 or is_met(need, rest, guests):
            each.delete()
            kept = rest
        elif not each.is_whole:
            spare = sum(other.quantity for other in kept) - units_wanted(need, guests)
            if spare > 0:
                each.quantity -= spare
                each.save(update_fields=["quantity"])


def _engage_for(need: ResourceNeed, departure: Departure, engaged: list[Engagement], guests: int) -> None:
    kept = list(engaged)
    while not is_met(need, kept, guests):
        offers = free_for(departure, need)
        if need.kind == ResourceKind.VEHICLE:
            if len(kept) >= need.count:
                offers = []
            missing = guests - sum(each.resource.seats or 0 for each in kept)
            fitting = [offer for offer in offers if offer.seats >= missing]
            offers = [min(fitting, key=lambda offer: offer.seats)] if fitting else sorted(offers, key=_seats)[-1:]
            wanted = 1
        else:
            wanted = units_wanted(need, guests) - sum(each.quantity for each in kept)
        if not offers:
            raise ResourcesMissing(need=need, details={"need": str(need), "departure_id": str(departure.pk)})
        offer = offers[0]
        kept.append(_engage_more(need, departure, offer, min(wanted, offer.units), kept))


def _seats(offer: Free) -> int:
    return offer.seats


def _engage_more(
    need: ResourceNeed, departure: Departure, offer: Free, units: int, engaged: list[Engagement]
) -> Engagement:
    """One engagement more; of equipment that is engaged tentatively already, more of it."""
    for each in engaged:
        if each.resource_id == offer.resource_id and each.state == State.TENTATIVE and not each.is_whole:
            each.quantity += units
            each.save(update_fields=["quantity"])
            engaged.remove(each)
            return each
    resource = Resource.objects.get(pk=offer.resource_id)
    return Engagement.objects.create(
        resource=resource,
        departure=departure,
        need=need,
        span=offer.span,
        quantity=units,
        is_whole=resource.is_whole,
        state=State.TENTATIVE,
    )


# --- By staff ---


@transaction.atomic
def engage(*, resource_id: UUID, departure_id: UUID, actor: Any, quantity: int = 1, note: str = "") -> Engagement:
    """Assign a resource to a departure, in place of what the system had kept for the same need.

    Whoever has an e-mail address is asked; vehicles, equipment and others are taken as accepted. Raises `ResourceNotFound`,
    `DepartureNotFound`, `DepartureOver`, `ResourceBusy` with where it is, `InvalidInput`.
    """
    departure = _lock_coming(departure_id)
    resource = _lock_resource(resource_id)
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
    record("tours.engagement.made", made, actor=actor, after=_told(made))
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
        record("tours.engagement.asked", engagement, actor=actor, after=_told(engagement))
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
    before, was_asked = _told(engagement), engagement.state in (State.ASSIGNED, State.ACCEPTED)
    engagement.state = State.RELEASED
    engagement.save(update_fields=["state"])
    record(
        "tours.engagement.released",
        engagement,
        actor=actor,
        before=before,
        after=_told(engagement),
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
    before = _told(engagement)
    engagement.state, engagement.answered_at, engagement.note = wanted, now(), note.strip()[:300]
    engagement.save(update_fields=["state", "answered_at", "note"])
    record(
        f"tours.engagement.{wanted.lower()}",
        engagement,
        actor=None,
        before=before,
        after=_told(engagement),
        reason=note,
    )
    if not accepts:
        _announce(engagement, "resource.declined")
        _replace(engagement)
    return engagement


@transaction.atomic
def add_leave(
    *,
    resource_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    actor: Any,
    note: str = "",
    quantity: int | None = None,
) -> Engagement:
    """A guide is away, a vehicle in the workshop, equipment (some of it) out of order.

    What the system only kept is moved to others where it can be; raises `ResourceBusy` for what was asked or accepted,
    with where, and `ResourceNotFound`, `InvalidInput`.
    """
    if ends_at <= starts_at:
        raise InvalidInput(details={"ends_at": [_("This is before the beginning.")]})
    if ends_at - starts_at > LONGEST_LEAVE:
        raise InvalidInput(details={"ends_at": [_("Two years at most.")]})
    span = DateTimeTZRange(starts_at, ends_at)
    kept = Engagement.objects.filter(resource_id=resource_id, state=State.TENTATIVE, span__overlap=span)
    departures = sorted({each.departure_id for each in kept if each.departure_id})
    list(Departure.objects.select_for_update(no_key=True).filter(pk__in=departures).order_by("pk"))
    lock_resources(departures)
    resource = _lock_resource(resource_id)
    if resource.is_whole:
        kept.delete()
    with refusing_double_bookings(resource):
        made = Engagement.objects.create(
            resource=resource,
            span=span,
            quantity=1 if resource.is_whole else min(quantity or resource.quantity, resource.quantity),
            is_whole=resource.is_whole,
            state=State.LEAVE,
            note=note.strip()[:300],
        )
    record("tours.engagement.leave", made, actor=actor, after=_told(made))
    for departure_id in departures if resource.is_whole else ():
        try:
            with transaction.atomic():
                follow_seats(departure_id)
        except ResourcesMissing:  # it shows as a red flag; being away is a fact all the same
            continue
    return made


@transaction.atomic
def renew_address(*, resource_id: UUID, actor: Any) -> Resource:
    """Make the addresses of a guide's page and calendar worthless; there are new ones. Raises `ResourceNotFound`."""
    resource = _lock_resource(resource_id)
    resource.link_version += 1
    resource.save(update_fields=["link_version"])
    record("tours.resource.address_renewed", resource, actor=actor)
    return resource


def span_of(resource: Resource, starts_at: datetime, ends_at: datetime) -> DateTimeTZRange:
    """When a resource is taken by a departure, with what it needs before and after."""
    return DateTimeTZRange(
        starts_at - timedelta(minutes=resource.minutes_before), ends_at + timedelta(minutes=resource.minutes_after)
    )


@contextmanager
def refusing_double_bookings(resource: Resource) -> Any:
    """Turns what the database refuses into `ResourceBusy`."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as fault:
        name = getattr(getattr(fault.__cause__, "diag", None), "constraint_name", "")
        if name not in ("resource_in_one_place", "equipment_never_overbooked"):
            raise
        raise ResourceBusy(resource=resource, details={"resource_id": str(resource.pk)}) from fault


def _need_for(resource: Resource, departure: Departure) -> ResourceNeed | None:
    """The need that the resource meets: one that is not met yet, or that the system keeps somebody else for, first."""
    engaged = _engaged(departure)
    guests = max(1, departure.seats_held + departure.seats_booked)
    suiting = [need for need in needs_of(departure) if suits(resource, need)]

    def firmly(need: ResourceNeed) -> list[Engagement]:
        return [each for each in engaged.get(need.pk, []) if each.state != State.TENTATIVE]

    return next((need for need in suiting if not is_met(need, firmly(need), guests)), None) or next(iter(suiting), None)


def suits(resource: Resource, need: ResourceNeed) -> bool:
    """Whether it is of the kind, with the skill and language."""
    return (
        resource.kind == need.kind
        and need.skill in ("", *resource.skills)
        and need.language in ("", *resource.languages)
    )


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


def _told(engagement: Engagement) -> dict[str, Any]:
    return {
        "resource": str(engagement.resource_id),
        "departure": str(engagement.departure_id or ""),
        "state": str(engagement.state),
        "quantity": engagement.quantity,
        "from": engagement.span.lower.isoformat(),
        "until": engagement.span.upper.isoformat(),
    }


def _lock_coming(departure_id: UUID) -> Departure:
    departure = Departure.objects.select_for_update(of=("self",), no_key=True).filter(pk=departure_id).first()
    if departure is None:
        raise DepartureNotFound
    if departure.ends_at <= now():
        raise DepartureOver
    return departure


def _lock_resource(resource_id: UUID) -> Resource:
    resource = Resource.objects.select_for_update(no_key=True).filter(pk=resource_id).first()
    if resource is None:
        raise ResourceNotFound
    return resource


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
