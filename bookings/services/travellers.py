"""Who travels: as far as staff know it by now."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from bookings.errors import BookingEnded, TravellersMismatch
from bookings.models import Booking, Traveller
from bookings.services.bookings import OVER, note
from bookings.services.locks import lock_booking


@transaction.atomic
def name_travellers(*, booking_id: UUID, travellers: Sequence[Mapping[str, Any]], actor: Any) -> Booking:
    """Replace the travellers of a booking by these, as many as are known: no more of a category than were priced.

    Each is `{"category", "first_name", "last_name", …}`. Raises `BookingNotFound`, `BookingEnded`, `TravellersMismatch`.
    """
    booking = lock_booking(booking_id)
    if booking.status in OVER:
        raise BookingEnded(reference=booking.reference)
    named, priced = Counter(one.get("category", "adult") for one in travellers), Counter(booking.quote["guests"])
    if named - priced:
        raise TravellersMismatch(details={"named": dict(named), "priced": dict(priced)})
    booking.travellers.all().delete()
    Traveller.objects.bulk_create(
        Traveller(booking=booking, position=place, **one) for place, one in enumerate(travellers)
    )
    note(booking_id=booking.pk, action="travellers_named", actor=actor, data={"named": len(travellers)})
    return booking
