"""What staff do with holds while they talk: other seats instead, or seats beyond what there is, with a reason."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import transaction

from bookings import pricing
from bookings.errors import HoldBooked, HoldExpired, HoldReleased, OverbookingNotAllowed, ReasonRequired
from bookings.models import Hold, HoldStatus
from bookings.services.expiry import let_go_overdue
from bookings.services.holds import hold_seats, release_hold
from bookings.services.locks import lock_all
from tours.models import Departure
from tours.services import make_room
from tours.services.stock import lock_stock


@transaction.atomic
def hold_beyond_capacity(
    *,
    departure_id: UUID,
    guests: Mapping[str, int],
    reason: str,
    actor: Any,
    extras: Sequence[Mapping[str, Any]] = (),
    currency: str | None = None,
    pickup: Mapping[str, Any] | None = None,
    transfer: Mapping[str, Any] | None = None,
    fingerprint: str = "",
    payer: Any = None,
) -> Hold:
    """Hold a party's seats, enlarging the departure by the places that are missing; they go with the hold or its booking.

    Raises `OverbookingNotAllowed`, `ReasonRequired`, and what `hold_seats` raises.
    """
    if not actor.has_perm("tours.overbook"):
        raise OverbookingNotAllowed
    if not reason.strip():
        raise ReasonRequired(details={"overbooking_reason": [str(ReasonRequired.message)]})
    party: dict[str, Any] = {"departure_id": departure_id, "guests": guests, "extras": extras, "currency": currency}
    party |= {"pickup": pickup, "transfer": transfer}
    seats = pricing.quote(**party, customer=payer or actor).seats
    let_go_overdue(departure_id)
    added = make_room(departure_id=departure_id, seats=seats, actor=actor, reason=reason.strip())
    hold = hold_seats(**party, fingerprint=fingerprint, actor=actor, payer=payer)
    hold.beyond_capacity = added
    hold.save(update_fields=["beyond_capacity"])
    return hold


@transaction.atomic
def hold_instead(*, hold_id: UUID, actor: Any, departure_id: UUID, **party: Any) -> Hold:
    """Hold other seats in place of those of a hold, which are kept until the new ones are won.

    A hold that is over, or booked, is left as it is. The rest of the arguments, and what is raised, as `hold_seats` says;
    with `reason` (for too few seats), as `hold_beyond_capacity` does.
    """
    old = Hold.objects.filter(pk=hold_id, customer_id=actor.pk, status=HoldStatus.ACTIVE).first()
    if old is not None:
        locked = lock_all(Departure.objects.filter(pk__in={old.departure_id, departure_id}), extras_follow=True)
        lock_stock({departure.tour_id for departure in locked})
        with suppress(HoldExpired, HoldReleased, HoldBooked):
            release_hold(hold_id=hold_id, actor=actor)
    take = hold_beyond_capacity if "reason" in party else hold_seats
    return take(departure_id=departure_id, actor=actor, **party)
