"""Who travels: as far as staff know it by now."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from bookings.ages import refuse_other_ages
from bookings.errors import BookingEnded, TravellersFixed, TravellersMismatch
from bookings.models import Booking, Traveller
from bookings.services.bookings import OVER, note
from bookings.services.locks import lock_booking


@transaction.atomic
def name_travellers(
    *, booking_id: UUID, travellers: Sequence[Mapping[str, Any]], actor: Any, age_reason: str = ""
) -> Booking:
    """Replace the travellers of a booking by these, as many as are known: no more of a category than were priced.

    Each is `{"category", "first_name", "last_name", …}`. Guests do it until the trip begins, staff who may change bookings as
    long as it runs. Raises `BookingNotFound`, `BookingEnded`, `TravellersFixed`, `TravellersMismatch`, and what
    `ages.refuse_other_ages` raises.
    """
    booking = lock_booking(booking_id)
    if booking.status in OVER:
        raise BookingEnded(reference=booking.reference)
    is_clerk = actor is not None and actor.has_perm("bookings.change_booking")
    if booking.begins_by <= now() and not is_clerk:
        raise TravellersFixed(reference=booking.reference)
    named, priced = Counter(one.get("category", "adult") for one in travellers), Counter(booking.quote["guests"])
    if named - priced:
        raise TravellersMismatch(details={"named": dict(named), "priced": dict(priced)})
    refuse_other_ages(travellers, booking.quote, actor=actor, reason=age_reason)
    booking.travellers.all().delete()
    Traveller.objects.bulk_create(
        Traveller(booking=booking, position=place, **one) for place, one in enumerate(travellers)
    )
    data = {"named": len(travellers)}
    note(booking_id=booking.pk, action="travellers_named", actor=actor, data=data, reason=age_reason.strip())
    return booking
