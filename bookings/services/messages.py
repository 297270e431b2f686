"""What staff write to all guests of a departure: each booking's contact gets it once, in their language."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.utils.text import normalize_newlines
from django.utils.translation import gettext as _

from accounts.audit import record
from bookings.errors import NobodyToWriteTo
from bookings.models import Booking, BookingEvent, BookingItem, BookingStatus
from config.addresses import current_caller
from config.errors import InvalidInput
from notifications.outbox import announce_each
from tours.errors import DepartureNotFound
from tours.models import Departure

WRITTEN_TO = (
    BookingStatus.PENDING_PAYMENT,
    BookingStatus.CONFIRMED,
    BookingStatus.IN_PROGRESS,
    BookingStatus.COMPLETED,
)
LONGEST = {"subject_en": 150, "subject_ar": 150, "text_en": 4000, "text_ar": 4000}


def bookings_to_write_to(departure_id: UUID) -> Any:
    """The bookings of a departure whose guests are written to: those that stand, or wait for payment."""
    booked = BookingItem.objects.filter(departure_id=departure_id).values("booking_id")
    return Booking.objects.filter(pk__in=booked, status__in=WRITTEN_TO).order_by("pk")


@transaction.atomic
def write_to_guests(*, departure_id: UUID, texts: Mapping[str, str], actor: Any) -> int:
    """Mail subject and text (`LONGEST` names them, in both languages) to the guests of a departure; returns to how many bookings.

    Who got the same message already gets it no second time. Raises `DepartureNotFound`, `InvalidInput`, `NobodyToWriteTo`.
    """
    said = {name: normalize_newlines(texts.get(name, "")).strip() for name in LONGEST}
    _refuse_faults(said)
    departure = Departure.objects.filter(pk=departure_id).first()
    if departure is None:
        raise DepartureNotFound
    digest = hashlib.sha256(orjson.dumps([str(departure_id), *said.values()])).hexdigest()[:32]
    bookings = list(bookings_to_write_to(departure_id).select_for_update(of=("self",), no_key=True))
    if not bookings:
        raise NobodyToWriteTo
    told = BookingEvent.objects.filter(booking__in=bookings, action="message_sent", data__digest=digest)
    known = set(told.values_list("booking_id", flat=True))
    new = [booking for booking in bookings if booking.pk not in known]
    BookingEvent.objects.bulk_create(
        BookingEvent(
            booking=booking,
            action="message_sent",
            actor_id=actor.pk if actor else None,
            address=current_caller.get().address,
            data={"digest": digest, "subject_en": said["subject_en"], "subject_ar": said["subject_ar"]},
        )
        for booking in new
    )
    announce_each("booking.message", new, lambda _booking: {**said, "digest": digest})
    if new:
        record("bookings.departure.message", departure, actor=actor, after={**said, "bookings": len(new)})
    return len(new)


def _refuse_faults(said: Mapping[str, str]) -> None:
    faults = {}
    for name, text in said.items():
        if not text:
            faults[name] = [_("Guests read in English or in Arabic: write both.")]
        elif len(text) > LONGEST[name]:
            faults[name] = [_("At most {most} letters; these are {count}.").format(most=LONGEST[name], count=len(text))]
    if faults:
        raise InvalidInput(details=faults)
