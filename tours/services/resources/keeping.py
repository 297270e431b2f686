"""While it sells: what a departure must have is engaged with its places, and let go with them."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db import transaction

from tours.errors import ResourcesMissing
from tours.models import Departure, Engagement, EngagementState, Resource, ResourceKind, ResourceNeed
from tours.services.resources.free import Free, free_for, lock_resources
from tours.services.resources.needs import engaged_by_need, is_met, needs_of, units_wanted

State = EngagementState


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
    engaged = engaged_by_need(departure)
    short = [need for need in needs if not is_met(need, engaged.get(need.pk, []), guests)]
    for need in needs:
        if need not in short:
            _let_go(need, engaged.get(need.pk, []), guests)
    if not short:
        return
    lock_resources([departure_id])
    offers = {need.pk: free_for(departure, need) for need in short}
    short.sort(key=lambda need: len(offers[need.pk]))  # who has the least choice chooses first
    guides = [need for need in short if need.kind == ResourceKind.GUIDE]
    missing = {need.pk: units_wanted(need, guests) - len(engaged.get(need.pk, [])) for need in guides}
    goes_to = shared_out(missing, {pk: [offer.resource_id for offer in offers[pk]] for pk in missing})
    for need in short:
        elsewhere = {guide for guide, pk in goes_to.items() if pk != need.pk}
        _engage_for(need, departure, engaged.get(need.pk, []), guests, elsewhere)


def shared_out(missing: Mapping[UUID, int], offers: Mapping[UUID, Sequence[UUID]]) -> dict[UUID, UUID]:
    """For each guide the need that they meet, so that as many needs as can be are met.

    Who is wanted by a need that has nobody else leaves another that has (augmenting paths, as in a matching of two sides).
    """
    goes_to: dict[UUID, UUID] = {}

    def is_placed(need: UUID, tried: set[UUID]) -> bool:
        for guide in offers[need]:
            if guide not in tried:
                tried.add(guide)
                if guide not in goes_to or is_placed(goes_to[guide], tried):
                    goes_to[guide] = need
                    return True
        return False

    for need, number in missing.items():
        for _each in range(number):
            is_placed(need, set())
    return goes_to


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


def _engage_for(
    need: ResourceNeed, departure: Departure, engaged: list[Engagement], guests: int, elsewhere: Collection[UUID]
) -> None:
    """Engage until it is met, but nobody who is needed `elsewhere`. Raises `ResourcesMissing`."""
    kept = list(engaged)
    while not is_met(need, kept, guests):
        offers = [offer for offer in free_for(departure, need) if offer.resource_id not in elsewhere]
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
